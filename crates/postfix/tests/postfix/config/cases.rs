//! What a main.cf means: the cases of both `config.rs`, which knows the answers, and `config_live.rs`, which asks
//! the real postconf for them.

/// One main.cf, and one parameter in it.
pub(crate) struct Case {
    /// What the case shows.
    pub(crate) shows: &'static str,
    /// What the host calls itself.
    pub(crate) hostname: &'static str,
    /// The file.
    pub(crate) main_cf: &'static [u8],
    /// The parameter that is asked for. postconf must know it.
    pub(crate) parameter: &'static str,
    /// Its value.
    pub(crate) expected: Expected,
}

/// What becomes of the parameter. White space inside is as in the file; postconf prints a blank for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The expanded value.
    Is(&'static str),
    /// The value cannot be expanded: postconf ends with an error.
    Fails,
    /// postconf ends with an error at some line; here that is a problem, and this is the value nevertheless.
    IsBeside(&'static str),
    /// postconf expands it after a very long time, or runs out of stack or memory; here it is an error.
    FailsHere,
}

use Expected::{Fails, FailsHere, Is, IsBeside};

const fn case(
    shows: &'static str,
    main_cf: &'static [u8],
    parameter: &'static str,
    expected: Expected,
) -> Case {
    Case {
        shows,
        hostname: "rustin",
        main_cf,
        parameter,
        expected,
    }
}

/// The same on a host of another name.
const fn at(hostname: &'static str, case: Case) -> Case {
    Case { hostname, ..case }
}

/// How the file is read.
#[rustfmt::skip]
pub(crate) const READING: &[Case] = &[
    case("plain", b"relayhost = one\n", "relayhost", Is("one")),
    case("no blanks at all", b"relayhost=one\n", "relayhost", Is("one")),
    case("blanks and tabs at the ends", b"relayhost \t=\t one \t\n", "relayhost", Is("one")),
    case("vertical tab and form feed are white space", b"relayhost\x0b=\x0c one\x0b\n", "relayhost", Is("one")),
    case("inner blanks stay", b"relayhost = one  two\n", "relayhost", Is("one  two")),
    case("empty value", b"relayhost =\n", "relayhost", Is("")),
    case("second equals sign", b"relayhost = a=b = c\n", "relayhost", Is("a=b = c")),
    case("the last definition wins", b"relayhost = one\nrelayhost = two\n", "relayhost", Is("two")),
    case("the last wins though it is empty", b"relayhost = one\nrelayhost =\n", "relayhost", Is("")),
    case("no newline at the end", b"relayhost = one", "relayhost", Is("one")),
    case("continued", b"relayhost = one\n two\n\tthree\n", "relayhost", Is("one two\tthree")),
    case("name alone, value on the next line", b"relayhost\n = one\n", "relayhost", Is("one")),
    case("value on the next line", b"relayhost =\n one\n", "relayhost", Is("one")),
    case("comment inside", b"relayhost = one\n# no\n two\n", "relayhost", Is("one two")),
    case("indented comment inside", b"relayhost = one\n   # no\n two\n", "relayhost", Is("one two")),
    case("blank lines inside", b"relayhost = one\n\n  \n two\n", "relayhost", Is("one two")),
    case("comment sign inside a value", b"relayhost = one # two\n", "relayhost", Is("one # two")),
    case("comment is not continued", b"# relayhost = one\n  relayhost = two\nmyorigin = x\n", "relayhost", Is("")),
    case("indented first line is dropped", b"  relayhost = one\n", "relayhost", Is("")),
    case("with all that continues it", b"\n  relayhost = one\n relayhost = two\nmyorigin = x\n", "relayhost", Is("")),
    case("indented comment first", b"   # hello\nrelayhost = one\n", "relayhost", Is("one")),
    case("CR LF", b"relayhost = one\r\nmyorigin = x\r\n", "relayhost", Is("one")),
    case("CR LF, continued", b"relayhost = one,\r\n two\r\n", "relayhost", Is("one,\r two")),
    case("a line of CR alone is blank", b"relayhost = one\n\r\n two\n", "relayhost", Is("one two")),
    case("CR alone ends no line", b"relayhost = one\rmyorigin = x\n", "relayhost", Is("one\rmyorigin = x")),
    case("empty file", b"", "relayhost", Is("")),
    case("names are case sensitive", b"RelayHost = one\n", "relayhost", Is("")),
    case("long line", LONG, "relayhost", Is("one")),
    case("NUL cuts the value", b"relayhost = one\0two\nmyorigin = x\n", "relayhost", Is("one")),
    case("NUL cuts what continues the line", b"relayhost = one\0two\n three\n", "relayhost", Is("one")),
    case("NUL in a comment", b"# a\0b\nrelayhost = one\n", "relayhost", Is("one")),
    case("UTF-8", "relayhost = caf\u{e9}.example\n".as_bytes(), "relayhost", Is("caf\u{e9}.example")),
    case("not UTF-8", b"relayhost = caf\xe9\n", "relayhost", Is("caf\u{fffd}")),
    case("byte-order mark belongs to the name", b"\xef\xbb\xbfrelayhost = one\n", "relayhost", Is("")),
    case("no equals sign", b"bad line\nrelayhost = one\n", "relayhost", IsBeside("one")),
    case("one word", b"relayhost = one\nbad", "relayhost", IsBeside("one")),
    case("no name", b"= bad\nrelayhost = one\n", "relayhost", IsBeside("one")),
    case("NUL before the equals sign", b"relay\0host = one\n", "relayhost", IsBeside("")),
    case("NUL first", b"\0\nrelayhost = one\n", "relayhost", IsBeside("one")),
    case("two words before the equals sign", b"relay host = one\n", "relayhost", IsBeside("")),
];

/// A comment of 100,000 bytes, and a line behind it.
const LONG: &[u8] = &{
    let mut text = [b'#'; 100_000];
    let line = *b"\nrelayhost = one";
    let mut at = 0;
    while at < line.len() {
        text[100_000 - line.len() + at] = line[at];
        at += 1;
    }
    text
};

/// How values are expanded.
#[rustfmt::skip]
pub(crate) const EXPANSION: &[Case] = &[
    case("$name", b"x1 = one\nrelayhost = $x1\n", "relayhost", Is("one")),
    case("${name}", b"x1 = one\nrelayhost = ${x1}2\n", "relayhost", Is("one2")),
    case("$(name)", b"x1 = one\nrelayhost = $(x1)2\n", "relayhost", Is("one2")),
    case("the name ends at a hyphen", b"x1 = one\nrelayhost = $x1-$x1.$x1\n", "relayhost", Is("one-one.one")),
    case("blanks around a name", b"x1 = one\nrelayhost = ${ x1 }\n", "relayhost", Is("one")),
    case("undefined is empty", b"relayhost = [$nosuch]\n", "relayhost", Is("[]")),
    case("of values found", b"x1 = $x2\nx2 = two\nrelayhost = $x1\n", "relayhost", Is("two")),
    case("of a default", b"relayhost = $queue_directory\n", "relayhost", Is("/var/spool/postfix")),
    case("of a default that refers", b"multi_instance_name = aol-a\n", "syslog_name", Is("aol-a")),
    case("of a default that refers to nothing", b"", "syslog_name", Is("postfix")),
    case("$$", b"relayhost = a$$b\n", "relayhost", Is("a$b")),
    case("$$name is no reference", b"x1 = one\nrelayhost = $$x1\n", "relayhost", Is("$x1")),
    case("$$$name", b"x1 = one\nrelayhost = $$$x1\n", "relayhost", Is("$one")),
    // `$$` has become `$` by the time that `$x1` is replaced: it is not looked at again.
    case("a dollar sign made by $$ stays", b"x1 = $$x2\nx2 = two\nrelayhost = $x1\n", "relayhost", Is("$x2")),
    case("across lines", b"x1 = one\nrelayhost = ${x1\n ?yes}\n", "relayhost", Is("yes")),
    case("${name?text}", b"x1 = one\nrelayhost = ${x1?yes}\n", "relayhost", Is("yes")),
    case("${name?text}, empty", b"x1 =\nrelayhost = [${x1?yes}]\n", "relayhost", Is("[]")),
    case("${name?text}, undefined", b"relayhost = [${x1?yes}]\n", "relayhost", Is("[]")),
    case("${name:text}", b"x1 = one\nrelayhost = [${x1:no}]\n", "relayhost", Is("[]")),
    case("${name:text}, empty", b"x1 =\nrelayhost = ${x1:no}\n", "relayhost", Is("no")),
    case("${name:text}, undefined", b"relayhost = ${x1:no}\n", "relayhost", Is("no")),
    case("$(name?text)", b"x1 = one\nrelayhost = $(x1?yes)\n", "relayhost", Is("yes")),
    case("text keeps its blanks", b"x1 = one\nrelayhost = [${x1? yes }]\n", "relayhost", Is("[ yes ]")),
    case("text keeps colons and braces", b"x1 = one\nrelayhost = ${x1?a:{b}c}\n", "relayhost", Is("a:{b}c")),
    case("no else without braces", b"relayhost = [${x1?a:b}]\n", "relayhost", Is("[]")),
    case("a default is not empty", b"relayhost = ${mail_owner?yes}\n", "relayhost", Is("yes")),
    case("${name?{text}}", b"x1 = one\nrelayhost = ${x1?{yes}}\n", "relayhost", Is("yes")),
    case("${name:{text}}", b"relayhost = ${x1:{no}}\n", "relayhost", Is("no")),
    case("${name?{a}:{b}}", b"x1 = one\nrelayhost = ${x1?{a}:{b}}\n", "relayhost", Is("a")),
    case("${name?{a}:{b}}, empty", b"x1 =\nrelayhost = ${x1?{a}:{b}}\n", "relayhost", Is("b")),
    case("blanks around braces", b"relayhost = ${ x1 ? {a} : {b} }\n", "relayhost", Is("b")),
    case("blanks inside braces stay", b"relayhost = [${x1 ? {a} : { b }}]\n", "relayhost", Is("[ b ]")),
    case("${name?{a}:b}", b"relayhost = [${x1?{a}: b}]\n", "relayhost", Is("[ b]")),
    case("a reference in the text", b"x1 = one\nrelayhost = ${x1?<$x1>}\n", "relayhost", Is("<one>")),
    case("nested", b"x1 = 1\nx2 =\nrelayhost = ${x1?{${x2?{a}:{${x1:{b}}c}}}:{d}}\n", "relayhost", Is("c")),
    case("braces in braces", b"x1 = 1\nrelayhost = ${x1?{a{b}c}}\n", "relayhost", Is("a{b}c")),
    case("==", b"x1 = a\nrelayhost = ${{$x1} == {a} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("== without blanks", b"x1 = b\nrelayhost = ${{$x1}=={a}?{yes}:{no}}\n", "relayhost", Is("no")),
    case("!=", b"x1 = b\nrelayhost = ${{$x1} != {a} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("< by number", b"relayhost = ${{9} < {10} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("< by bytes", b"relayhost = ${{9a} < {10} ? {yes} : {no}}\n", "relayhost", Is("no")),
    case("<= by number", b"relayhost = ${{10} <= {010} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("== by number", b"relayhost = ${{10} == {010} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case(">= by bytes", b"relayhost = ${{b} >= {a} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("> by bytes above ASCII", b"relayhost = ${{\xff} > {a} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("> by number", b"relayhost = ${{100} > {99} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("a sign is no digit", b"relayhost = ${{-1} < {1} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("a decimal is no number", b"relayhost = ${{3.10} < {3.6} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("empty operands", b"relayhost = ${{$x1} == {} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("blanks in operands count", b"relayhost = ${{ a} == {a} ? {yes} : {no}}\n", "relayhost", Is("no")),
    case("a comparison without ?", b"relayhost = ${{a} == {a}}\n", "relayhost", Is("true")),
    case("a comparison without ?, false", b"relayhost = [${{a} == {b}}]\n", "relayhost", Is("[]")),
    case("a comparison with : alone", b"relayhost = ${{a} == {b} : {no}}\n", "relayhost", Is("no")),
    case("a comparison and plain text", b"relayhost = ${{a} == {a}?yes:no}\n", "relayhost", Is("yes:no")),
    case("a comparison inside an operand", b"relayhost = ${{${{a} == {a}}} == {true} ? {y} : \
        {n}}\n", "relayhost", Is("y")),
    case("<level", b"relayhost = ${{3.6} <level {3.10} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case("==level", b"relayhost = ${{3} ==level {3.0.0} ? {yes} : {no}}\n", "relayhost", Is("yes")),
    case(">=level, parameter", b"compatibility_level = 3.6\nrelayhost = ${{$compatibility_level} >=level {3.6} ? {yes} \
        : {no}}\n", "relayhost", Is("yes")),
    case("level with blanks and a sign", b"relayhost = ${{ +3. 6} ==level {3.6} ? {yes} : \
        {no}}\n", "relayhost", Is("yes")),
    case("default that compares", b"compatibility_level = 2\n", "append_dot_mydomain", Is("no")),
    case("default that compares, old", b"compatibility_level = 0\n", "append_dot_mydomain", Is("yes")),
    case("a transport's own limit", b"default_destination_rate_delay = 2s\n", "slow_destination_rate_delay", Is("2s")),
    case("a transport's own limit, set", b"slow_destination_concurrency_limit = \
        3\n", "slow_destination_concurrency_limit", Is("3")),
    case("a transport's cohort limit", b"", "smtp_destination_concurrency_failed_cohort_limit", Is("1")),
    case("a transport's recipient limit", b"", "slow_destination_recipient_limit", Is("50")),
    case("not the same as its other one", b"", "slow_recipient_limit", Is("20000")),
    case("pipe's time limit", b"command_time_limit = 7s\n", "prog_time_limit", Is("7s")),
    case("a parameter that is never expanded", b"x1 = one\nluser_relay = $user@$x1\n", "luser_relay", Is("$user@$x1")),
    case("empty name", b"relayhost = a$\n", "relayhost", Fails),
    case("no name", b"relayhost = $-x\n", "relayhost", Fails),
    case("nothing in braces", b"relayhost = ${}\n", "relayhost", Fails),
    case("a blank in braces", b"relayhost = [${ }]\n", "relayhost", Is("[]")),
    case("no closing brace", b"relayhost = ${x1\n", "relayhost", Fails),
    case("the wrong closing brace", b"relayhost = ${x1)\n", "relayhost", Fails),
    case("a blank inside the name", b"relayhost = ${x 1}\n", "relayhost", Fails),
    case("a hyphen inside the name", b"relayhost = ${x-1}\n", "relayhost", Fails),
    case("text behind the braces", b"relayhost = ${x1:{a}b}\n", "relayhost", Fails),
    case("text between the braces", b"relayhost = ${x1?{a}b:{c}}\n", "relayhost", Fails),
    case("text behind the braces of a branch not taken", b"relayhost = ${x1?{a}x}\n", "relayhost", Fails),
    case("no operator", b"relayhost = ${{a} {b}}\n", "relayhost", Fails),
    case("unknown operator", b"relayhost = ${{a} = {b}}\n", "relayhost", Fails),
    case("unknown operator suffix", b"relayhost = ${{a} ==case {b}}\n", "relayhost", Fails),
    case("operand without braces", b"relayhost = ${{a} == b}\n", "relayhost", Fails),
    case("operand in parentheses", b"relayhost = ${{a} == (b)}\n", "relayhost", Fails),
    case("text behind a comparison", b"relayhost = ${{a} == {a} x}\n", "relayhost", Fails),
    case("malformed level", b"relayhost = ${{3.6x} <level {3.6}}\n", "relayhost", Fails),
    case("level too large", b"relayhost = ${{3.1024} <level {3.6}}\n", "relayhost", Fails),
    case("number too large", b"relayhost = ${{99999999999999999999} < {1}}\n", "relayhost", Fails),
    case("an error in a branch not taken", b"relayhost = [${x1?$}]\n", "relayhost", Is("[]")),
    case("an error in a value found", b"x1 = ${\nrelayhost = $x1\n", "relayhost", Fails),
    case("an error in another parameter", b"x1 = ${\nrelayhost = one\n", "relayhost", Is("one")),
    case("itself", b"relayhost = $relayhost\n", "relayhost", Fails),
    case("in a ring", b"x1 = $x2\nx2 = a$x1\nrelayhost = $x1\n", "relayhost", Fails),
    case("itself in a comparison", b"relayhost = ${{$relayhost} == {a}?b}\n", "relayhost", FailsHere),
    case("doubling", DOUBLING, "relayhost", FailsHere),
    case("doubling of nothing", DOUBLING_NOTHING, "relayhost", FailsHere),
];

/// What depends on the host's own name.
#[rustfmt::skip]
pub(crate) const HOSTS: &[Case] = &[
    case("host name without a domain", b"", "myhostname", Is("rustin.localdomain")),
    case("host name and mydomain", b"mydomain = example.org\n", "myhostname", Is("rustin.example.org")),
    case("host name and mydomain that refers", b"x1 = org\nmydomain = \
        example.$x1\n", "myhostname", Is("rustin.example.org")),
    case("mydomain of no domain", b"", "mydomain", Is("localdomain")),
    case("mydomain of myhostname", b"myhostname = mail.example.org\n", "mydomain", Is("example.org")),
    case("mydomain of a short myhostname", b"myhostname = mail\n", "mydomain", Is("localdomain")),
    // Postfix does not look at defaults there: see the comment in `Parameters::new`.
    case("myhostname of mydomain", b"myhostname = mail.$mydomain\n", "mydomain", Is("")),
    case("smtp_helo_name", b"myhostname = mail.example.org\n", "smtp_helo_name", Is("mail.example.org")),
    at("rustin.example.org", case("full host name", b"", "myhostname", Is("rustin.example.org"))),
    at("rustin.example.org", case("its domain", b"", "mydomain", Is("example.org"))),
    at("rustin.example.org", case("mydomain changes no full host name", b"mydomain = \
        x.org\n", "myhostname", Is("rustin.example.org"))),
    at("rustin.example.org", case("by default, it is also the HELO \
        name", b"", "smtp_helo_name", Is("rustin.example.org"))),
    at("rustin.example.org", case("and where mail is taken", b"", "mydestination", Is("rustin.example.org, \
        localhost.example.org, localhost"))),
];

const DOUBLING: &[u8] = b"relayhost=$a$a\na=$b$b\nb=$c$c\nc=$d$d\nd=$e$e\ne=$f$f\nf=$g$g\ng=$h$h\nh=$i$i\ni=$j$j\nj=$k$k\n\
k=$l$l\nl=$m$m\nm=$n$n\nn=$o$o\no=$p$p\np=$q$q\nq=$r$r\nr=$s$s\ns=$t$t\nt=$u$u\nu=$v$v\nv=$w$w\nw=$x$x\nx=$y$y\n\
y=$z$z\nz=$A$A\nA=$B$B\nB=$C$C\nC=$D$D\nD=$E$E\nE=$F$F\nF=x\n";

const DOUBLING_NOTHING: &[u8] = b"relayhost=$a$a\na=$b$b\nb=$c$c\nc=$d$d\nd=$e$e\ne=$f$f\nf=$g$g\ng=$h$h\nh=$i$i\n\
i=$j$j\nj=$k$k\nk=$l$l\nl=$m$m\nm=$n$n\nn=$o$o\no=$p$p\np=$q$q\nq=$r$r\nr=$s$s\ns=$t$t\nt=$u$u\nu=$v$v\nv=$w$w\n\
w=$x$x\nx=$y$y\ny=$z$z\nz=$A$A\nA=$B$B\nB=$C$C\nC=$D$D\nD=$E$E\nE=$F$F\n";
