//! Daemons on the loopback interface, which end with the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A process that is ended when it is no longer needed.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts it; what it says goes into a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let command = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap());
        Self(command.stderr(log).spawn().unwrap())
    }

    pub(crate) fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until there is something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    testkit::wait_until(testkit::PATIENCE, what, || {
        found = look();
        found.is_some()
    });
    found.unwrap()
}

/// Prometheus's HTTP API.
pub(crate) struct Api(pub(crate) u16);

impl Api {
    /// The answer to a request, once there is one.
    pub(crate) fn get(&self, path: &str, parameter: Option<&str>) -> Option<Value> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--max-time", "5", "--get"]);
        if let Some(parameter) = parameter {
            curl.args(["--data-urlencode", parameter]);
        }
        let out = curl
            .arg(format!("http://127.0.0.1:{}{path}", self.0))
            .output()
            .unwrap();
        serde_json::from_slice(&out.stdout).ok()
    }

    /// The value of a query that has one.
    pub(crate) fn query(&self, query: &str) -> Option<f64> {
        let answer = self.get("/api/v1/query", Some(&format!("query={query}")))?;
        assert_eq!(answer["status"], "success", "{answer}");
        let result = answer["data"]["result"].as_array().unwrap();
        assert!(result.len() <= 1, "{query}: {answer}");
        result.first()?["value"][1].as_str()?.parse().ok()
    }
}
