//! Files made up in memory, for the tests of this crate and of those that show figures.

use postfix::queue::{Envelope, FileInfo, QueueFile, QueueId, Recipient, RecipientState};
use postfix::{Span, Time};

use super::*;

const NOW: Time = Time::from_seconds(1_800_000_000);

/// A message of 1000 bytes that arrived this many minutes ago; its recipients still wait.
pub fn file(queue: Queue, minutes: u64, sender: &str, recipients: &[&str]) -> QueueFile {
    let mut envelope = Envelope::default();
    envelope.arrival = Some(NOW.minus(Span::from_minutes(minutes)));
    envelope.sender = Some(sender.into());
    envelope.recipients = recipients.iter().map(|r| to_do(r)).collect();
    QueueFile {
        queue,
        id: QueueId::new("1A2B3C").unwrap(),
        misplaced: false,
        info: FileInfo {
            size: 1000,
            mode: 0o700,
            uid: 0,
            gid: 0,
            device: 0,
            inode: 0,
            links: 1,
            // The next attempt: no age may come of it.
            mtime: NOW.plus(Span::from_hours(1)),
            ctime: NOW,
        },
        envelope,
    }
}

fn to_do(address: &str) -> Recipient {
    Recipient {
        address: address.into(),
        orig_address: None,
        dsn_orig_recipient: None,
        dsn_notify: None,
        state: RecipientState::ToDo,
        offset: 0,
    }
}

/// Two instances: aol-a with one message on hold, aol-b with the files given.
pub fn distribution(by: &[Dimension], top: Option<usize>, files: &[QueueFile]) -> Distribution {
    let settings = Arc::new(Settings {
        by: by.to_vec(),
        now: NOW,
        most_keys: crate::bounds::MOST_KEYS,
        providers: Arc::new(Providers::load(None).unwrap()),
    });
    let tally = |files: &[QueueFile]| {
        // In two parts, which must be the same as in one.
        let mut tallies = [0, 1].map(|_| Tally::new(Arc::clone(&settings)));
        for (n, file) in files.iter().enumerate() {
            tallies[n % 2].add(file);
        }
        let [mut one, other] = tallies;
        one.merge(other);
        one
    };
    let held = [file(Queue::Hold, 1, "a@example.org", &["b@example.net"])];
    let instances = [
        ("postfix-aol-a", tally(&held)),
        ("postfix-aol-b", tally(files)),
    ];
    let frame = Frame {
        host: "rustin".to_owned(),
        time: NOW,
        by: by.to_vec(),
        top,
        ..Frame::default()
    };
    let instances = instances.map(|(instance, tally)| InstanceTally {
        instance: instance.to_owned(),
        tally,
        is_repeated: false,
        is_whole: true,
    });
    Distribution::new(frame, instances.into())
}
