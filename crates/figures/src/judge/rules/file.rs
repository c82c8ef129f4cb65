//! The form of the file.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) blocked: Table,
    #[serde(default)]
    pub(super) bounced: Table,
    #[serde(default)]
    pub(super) deferred: Table,
    #[serde(default)]
    pub(super) expired: Table,
    #[serde(default)]
    pub(super) discarded: Table,
    #[serde(default)]
    pub(super) delay: DelayTable,
    #[serde(default)]
    pub(super) unread: UnreadTable,
    #[serde(default)]
    pub(super) change: ChangeTable,
    #[serde(default)]
    pub(super) volume: VolumeTable,
    #[serde(default)]
    pub(super) mailq: MailqTable,
    #[serde(default)]
    pub(super) complaints: ComplaintsTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) warning: Option<f64>,
    pub(super) critical: Option<f64>,
    pub(super) from: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct DelayTable {
    pub(super) warning: Option<u64>,
    pub(super) critical: Option<u64>,
    pub(super) from: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct UnreadTable {
    pub(super) warning: Option<f64>,
    pub(super) unknown: Option<f64>,
    pub(super) from: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeTable {
    pub(super) times: Option<f64>,
    pub(super) blocked: Option<f64>,
    pub(super) bounced: Option<f64>,
    pub(super) deferred: Option<f64>,
    pub(super) expired: Option<f64>,
    pub(super) discarded: Option<f64>,
    pub(super) from: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct VolumeTable {
    pub(super) more: Option<f64>,
    pub(super) less: Option<f64>,
    pub(super) from: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct MailqTable {
    pub(super) warning: Option<u64>,
    pub(super) critical: Option<u64>,
    pub(super) oldest_warning: Option<u64>,
    pub(super) oldest_critical: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct ComplaintsTable {
    pub(super) critical: Option<Vec<String>>,
    pub(super) warnings: Option<Vec<String>>,
    pub(super) ignored: Option<Vec<String>>,
}
