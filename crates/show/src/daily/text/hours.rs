//! The day's hours, a character for how much: a line for each status and each instance.

use figures::daily::Daily;
use legible::grid::{Cell, Column};

use super::Page;

impl Page {
    /// Two characters an hour.
    pub(super) fn hours(&mut self, report: &Daily) {
        let hours = report.hours(&report.stats.total);
        if hours.iter().all(|counts| counts.total() == 0) {
            return;
        }
        self.title("HOURS OF THE DAY; each line has its own scale, @ is its busiest hour");
        let mut lines: Vec<(String, [u64; 24])> = vec![
            ("sent".to_owned(), hours.map(|c| c.sent)),
            ("bounced".to_owned(), hours.map(|c| c.bounced)),
            ("deferred".to_owned(), hours.map(|c| c.deferred)),
        ];
        for instance in &report.instances {
            let figures = report.figures(&instance.name);
            let hours = figures.map(|f| report.hours(f).map(|c| c.total()));
            lines.extend(hours.map(|hours| (instance.name.clone(), hours)));
        }
        let utf8 = self.style.utf8;
        let ticks = (0..24).step_by(3).map(|hour| format!("{hour:02}    "));
        let ticks: String = ticks.collect();
        let mut all = vec![vec![
            Cell::new(""),
            Cell::new(ticks.trim_end()),
            Cell::new(""),
        ]];
        for (name, hours) in lines {
            let most = hours.iter().max().copied().unwrap_or(0);
            let line: String = hours.iter().map(|n| level(*n, most, utf8)).collect();
            all.push(vec![
                self.cell(name),
                Cell::new(line),
                Cell::new(most.to_string()),
            ]);
        }
        let columns = [
            Column::Name("total of"),
            Column::Text("hour"),
            Column::Number("most"),
        ];
        self.table(&columns, all);
    }
}

/// An hour of the line of 24, two characters wide: nothing, and from little to most.
fn level(n: u64, most: u64, utf8: bool) -> String {
    const ASCII: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let levels = if utf8 { BLOCKS } else { ASCII };
    if n == 0 {
        return "  ".to_owned();
    }
    // The smallest that is not nothing is the first level, the most is the last.
    let at = (n as f64 / most.max(1) as f64 * levels.len() as f64).ceil();
    let at = (at as usize).clamp(1, levels.len()) - 1;
    levels
        .get(at)
        .map_or_else(String::new, |c| c.to_string().repeat(2))
}
