//! main.cf and master.cf: any bytes are read, and every parameter expands or says why not.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use postfix::config::{MainCf, MasterCf, Parameters};

fuzz_target!(|text: &[u8]| {
    let path = Path::new("/etc/postfix/main.cf");
    MasterCf::parse(path, text);
    let main_cf = MainCf::parse(path, text).value;
    let names: Vec<String> = main_cf
        .names()
        .map(|n| String::from_utf8_lossy(n).into_owned())
        .collect();
    let parameters = Parameters::new(main_cf, Path::new("/etc/postfix"), "rustin.example.org");
    for name in names.iter().take(20) {
        parameters.expand(name).ok();
    }
});
