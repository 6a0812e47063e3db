//! Any bytes, as parts of a Squad Aegis bundle.

use aileron_verifier::aegis::canonical::canonical;
use aileron_verifier::aegis::lint::{self, Checksums};
use aileron_verifier::aegis::manifest::{Manifest, select};
use aileron_verifier::aegis::start::jsonb;
use aileron_verifier::aegis::time::{GoDuration, Instant};
use aileron_verifier::aegis::trust_store::Revocations;
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::zip::strict::Strict;
use aileron_verifier::aegis::{Kind, envelope};

/// Most bytes of one entry that are unpacked here.
const LIMIT: u64 = 1 << 20;

/// Bytes that claim to be a zip file, in both modes.
///
/// # Panics
/// Where strict mode takes what a host reads otherwise.
pub fn zip(bytes: &[u8]) {
    let read = Archive::read(bytes);
    let unpacked = |archive: &Archive<'_>| -> Vec<_> {
        let entries = archive.entries().iter().take(300);
        entries.map(|entry| (entry.shown_name(), archive.unpack(entry, LIMIT).ok())).collect()
    };
    let host = read.ok().map(|archive| unpacked(&archive));
    if let Ok(strict) = Strict::read(bytes, LIMIT) {
        let host = host.expect("a host reads what strict mode takes");
        assert_eq!(host.len(), strict.files().len());
        for (name, contents) in host {
            assert_eq!(contents.as_ref(), strict.files().get(&name), "{name}");
        }
    }
}

/// Bytes that claim to be a manifest.
///
/// # Panics
/// Where a problem does not fit its text, the canonical form is not its own, or strict mode is content with what a host refuses.
pub fn manifest(bytes: &[u8]) {
    for kind in [Kind::Plugin, Kind::Connector] {
        let checked = lint::manifest("manifest.json", bytes, Some(kind), Checksums::Filled);
        for problem in &checked.problems {
            assert!(checked.source.text.get(problem.at.clone()).is_some(), "{problem:?}");
        }
        let decoded = Manifest::decode(bytes, kind);
        if checked.problems.is_empty() {
            let decoded = decoded.as_ref().expect("strict mode is content");
            decoded.validate().expect("strict mode is content");
        }
        if let Ok(decoded) = decoded {
            let _ = select(&decoded.targets, "linux", "amd64");
            let _ = (decoded.validate(), decoded.id_segment(), decoded.version_segment());
        }
    }
    if let Ok(form) = canonical(bytes) {
        assert_eq!(canonical(&form).ok().as_ref(), Some(&form));
    }
    if let Ok(copy) = jsonb(bytes) {
        assert!(canonical(&copy).is_ok_and(|form| form == copy), "a copy is canonical");
    }
}

/// Bytes that claim to be a wrapper.
///
/// # Panics
/// Where a wrapper that is read cannot be built again from what it says.
pub fn wrapper(bytes: &[u8]) {
    let Ok(form) = canonical(bytes) else { return };
    if let Ok(wrapper) = envelope::parse(&form) {
        assert!(wrapper.claims.expires_at > wrapper.claims.signed_at);
        // An offset can reach a year before 0 or past 9999, which is not written.
        let is_written = |instant: Instant| Instant::read(&instant.to_string()) == Ok(instant);
        if !is_written(wrapper.claims.signed_at) || !is_written(wrapper.claims.expires_at) {
            return;
        }
        let built = envelope::build(&wrapper.manifest, &wrapper.claims).expect("what was read can be built");
        let again = envelope::parse(&built).expect("what was built is read");
        assert_eq!(again.manifest, wrapper.manifest);
    }
}

/// Bytes that claim to be a revocation file.
///
/// # Panics
/// Where what is written is not read back.
pub fn revocations(bytes: &[u8]) {
    if let Ok(read) = Revocations::read(bytes) {
        assert_eq!(Revocations::read(read.write().as_bytes()).ok(), Some(read));
    }
}

/// Bytes that claim to be an instant, or a duration.
///
/// # Panics
/// Where an instant is not read back as it was written.
pub fn times(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(instant) = Instant::read(text) {
        let written = instant.to_string();
        if written.len() <= 30 && !written.starts_with('-') {
            assert_eq!(Instant::read(&written), Ok(instant), "{text}");
        }
        let _ = instant.after(GoDuration::DEFAULT_LIFETIME);
    }
    match text.parse::<GoDuration>() {
        Ok(duration) => drop(Instant::ZERO.after(duration)),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
}

/// Bytes that a running extension answers: its first line, every message, every request to the host. aegis-bundle.md §19.
///
/// # Panics
/// Where what is found is longer than a person reads, or a good answer is not one when it is written again.
#[cfg(unix)]
pub fn answers(bytes: &[u8]) {
    use aileron_cli::publisher::aegis::extension::host_api::HostApi;
    use aileron_cli::publisher::aegis::extension::messages::{
        CommandResult, Commands, Config, ConnectorDefinition, ExecutionStatus, InvokeResponse, PluginDefinition,
        Status, StdioData,
    };
    use aileron_cli::publisher::aegis::extension::{answers, handshake, judge, methods, sample};
    use prost::Message as _;

    let text = String::from_utf8_lossy(bytes);
    let home = std::path::Path::new("/tmp/ae-1");
    if let Ok(socket) = handshake::socket(&text, home) {
        assert_eq!(socket.parent(), Some(home));
    }
    let mut found = Vec::new();
    if let Ok(definition) = PluginDefinition::decode(bytes) {
        found.extend(judge::definition(Kind::Plugin, &(&definition).into(), "a", &[]));
        let configuration = sample::configuration(definition.config_schema.as_ref());
        let changed = sample::changed(&configuration, definition.config_schema.as_ref());
        let sent = serde_json::to_vec(&changed).expect("JSON");
        assert!(judge::configuration(&configuration, &changed, &sent).is_none(), "what was set is there again");
    }
    if let Ok(definition) = ConnectorDefinition::decode(bytes) {
        found.extend(judge::definition(Kind::Connector, &(&definition).into(), "a", &[]));
    }
    if let Ok(Config { config_json }) = Config::decode(bytes) {
        found.extend(judge::configuration(&serde_json::Map::new(), &serde_json::Map::new(), &config_json));
    }
    let _ = (Commands::decode(bytes), ExecutionStatus::decode(bytes), StdioData::decode(bytes));
    found.extend(Status::decode(bytes).ok().and_then(|answer| judge::status(&answer.status)));
    found.extend(CommandResult::decode(bytes).ok().and_then(|answer| judge::begun(&text, &answer)));
    if let Ok(answer) = InvokeResponse::decode(bytes) {
        use judge::Request::{NoData, OfTheAuthor, OtherVersion, Ping, UnknownAction};
        for request in [OfTheAuthor, Ping, UnknownAction, NoData, OtherVersion] {
            found.extend(judge::invoked(request, &Ok(answer.clone())));
        }
    }
    found.extend(judge::invoked(judge::Request::Ping, &Err(text.clone().into_owned())));
    let host = HostApi::new(
        &["api.rcon".to_owned(), "api.database".to_owned(), "api.connector".to_owned()],
        answers::Answers::default(),
    );
    for method in &methods::METHODS {
        let _ = host.answer(method.name, bytes);
    }
    found.extend(judge::refused("HandleEvent", &host.calls().0));
    assert!(found.len() <= 200 && found.iter().all(|finding| finding.message.chars().count() <= 601), "{found:?}");
}
