//! Committed spools, each with what real Postfix said of it and what is wrong with it: see fixtures/spools/README.md.

use super::fixtures::{Fixture, assert_same, parse_postqueue, scan};

fn check(fixture: &Fixture) {
    let (shown, tally) = scan(&fixture.spool);
    let recorded = parse_postqueue(&fixture.expectation("postqueue.json"));
    assert_same(&fixture.name, &shown, &recorded);

    let root = format!("{}/", fixture.spool.dir().display());
    let mut problems: Vec<String> = tally
        .problems
        .iter()
        .map(|problem| problem.to_string().replace(&root, ""))
        .collect();
    problems.sort();
    let expected = fixture.expectation("problems");
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(problems, expected, "{}", fixture.name);
}

#[test]
fn spools_are_read_as_postfix_reads_them() {
    let fixtures = Fixture::all();
    assert!(fixtures.len() > 40, "only {} spools found", fixtures.len());
    fixtures.iter().for_each(check);
}
