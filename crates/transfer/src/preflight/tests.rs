//! The space that a plan needs.

use super::*;
use crate::plan::{Action, Effects, Item};

/// A plan of so many messages of a MiB each.
fn plan(count: u32, cross_device: bool) -> Plan {
    let side = serde_json::json!({"instance": "a", "config_directory": "/", "syslog_name": "a",
        "queue_directory": "/", "hash_queue_names": "", "hash_queue_depth": 1, "owner": [0, 0], "identity": [0, 0]});
    let side: Side = serde_json::from_value(side).unwrap();
    let item = |n| {
        let file = serde_json::json!({"device": 0, "inode": 1, "mode": 448, "uid": 0, "gid": 0, "links": 1,
            "size": 1 << 20, "mtime": {"seconds": 0, "nanoseconds": 0}});
        let intent = serde_json::json!({"n": n, "queue_id": "3F2A51C04B", "queue": "deferred", "file": file,
            "arrival": 0, "size": 1, "sender": "", "recipients": []});
        Item {
            message: serde_json::from_value(intent).unwrap(),
            effects: Effects::default(),
            action: Action::Move,
        }
    };
    Plan {
        from: side.clone(),
        to: side,
        cross_device,
        items: (0..count).map(item).collect(),
    }
}

/// By hand: 100 messages of 1 MiB need 200 MiB for two copies, 64 MiB, and 100 times 4 KiB.
#[test]
fn the_space_that_is_needed_is_named_with_what_it_is_made_of() {
    const ENOUGH: u64 = (200 << 20) + (64 << 20) + (400 << 10);
    let room = |free| room(&plan(100, true), free, Path::new("/var/spool/b/maildrop"));
    assert_eq!(room(ENOUGH), None);
    let refused = room(ENOUGH - 1).unwrap();
    assert!(refused.refuses);
    for text in [
        "277233663 bytes are free, but 277233664 are needed",
        "twice the 104857600 bytes that are copied",
        "67518464 to spare (64 MiB, and 4 KiB for each of 100 messages)",
    ] {
        assert!(
            refused.what.contains(text),
            "{text} is not in: {}",
            refused.what
        );
    }
}

/// The reserve grows with what is moved, and where nothing is copied it is no reason to refuse.
#[test]
fn one_file_system_needs_the_reserve_and_the_largest() {
    let room = |count, free| room(&plan(count, false), free, Path::new("/m"));
    assert_eq!(room(1000, (1 << 20) + (64 << 20) + (4000 << 10)), None);
    let warned = room(1000, (64 << 20) + (4000 << 10)).unwrap();
    assert!(
        !warned.refuses && warned.what.contains("1048576 bytes for the largest"),
        "{warned:?}"
    );
    assert_eq!(room(0, 0), None);
}
