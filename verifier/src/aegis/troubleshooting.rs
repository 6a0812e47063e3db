//! The ten rows of the troubleshooting table in the product document, which authors know and search for.
//!
//! What is found on the author's machine names its row, so that it is the same answer the document gives later. Not every
//! finding has one.

/// A row of the table, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    /// The id of the manifest is not that of the binary.
    IdMismatch,
    /// The checksum is not that of the binary.
    Checksum,
    /// No target fits the host.
    NoTarget,
    /// A capability the host does not have.
    Capabilities,
    /// The host does not trust the key.
    SignedRejected,
    /// Events do not arrive.
    NoEvents,
    /// Slow work in the handler of events.
    BlocksServer,
    /// A connector that does not answer, or not in the envelope.
    ConnectorTimesOut,
    /// Initialize or Start does not return.
    StuckAtStarting,
    /// UpdateConfig has no effect, or holds its lock.
    ConfigNotApplied,
}

impl Row {
    /// All of them, in the document's order.
    pub const ALL: [Row; 10] = [
        Row::IdMismatch,
        Row::Checksum,
        Row::NoTarget,
        Row::Capabilities,
        Row::SignedRejected,
        Row::NoEvents,
        Row::BlocksServer,
        Row::ConnectorTimesOut,
        Row::StuckAtStarting,
        Row::ConfigNotApplied,
    ];

    /// A stable name for scripts.
    pub fn name(self) -> &'static str {
        self.texts().0
    }

    /// The document's symptom.
    pub fn symptom(self) -> &'static str {
        self.texts().1
    }

    /// What the document says to do about it, in short.
    pub fn fix(self) -> &'static str {
        self.texts().2
    }

    fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Row::IdMismatch => (
                "id_mismatch",
                "plugin_id mismatch or connector_id mismatch",
                "make the manifest's id and the one of GetDefinition identical",
            ),
            Row::Checksum => {
                ("checksum_mismatch", "checksum mismatch", "build and pack again: sha256 must be that of the binary")
            }
            Row::NoTarget => (
                "no_matching_target",
                "No matching target for the host",
                "add a target for this architecture, with min_host_api_version 1",
            ),
            Row::Capabilities => (
                "unsupported_capabilities",
                "Unsupported capabilities",
                "remove capabilities that the host does not have from the manifest",
            ),
            Row::SignedRejected => (
                "signed_bundle_rejected",
                "Signed bundle rejected",
                "add the key of manifest.pub to plugins.trusted_signing_keys of the host",
            ),
            Row::NoEvents => (
                "never_sees_events",
                "Plugin never sees events",
                "list the event type in Events of GetDefinition, and its events.* capability in the manifest",
            ),
            Row::BlocksServer => (
                "blocks_the_server",
                "Plugin blocks the server",
                "move long work out of HandleEvent into a goroutine; calls of the host API wait for their answer",
            ),
            Row::ConnectorTimesOut => (
                "connector_times_out",
                "Connector calls time out",
                "keep Invoke small, with timeouts of its own, and return errors in the response envelope",
            ),
            Row::StuckAtStarting => (
                "stuck_at_starting",
                "Plugin status stuck at starting",
                "let Initialize and Start return promptly; work that goes on belongs into a goroutine",
            ),
            Row::ConfigNotApplied => (
                "config_not_applied",
                "Config changes not applied",
                "let UpdateConfig replace the stored configuration, and release its lock before it returns",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_name_and_symptom() {
        let mut names: Vec<_> = Row::ALL.iter().map(|row| (row.name(), row.symptom())).collect();
        names.sort_unstable();
        names.dedup_by(|one, other| one.0 == other.0 || one.1 == other.1);
        assert_eq!(names.len(), Row::ALL.len());
        assert!(Row::ALL.is_sorted());
    }
}
