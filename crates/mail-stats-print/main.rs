//! mail-stats-print: how well is mail being delivered, per instance?

fn main() {}
