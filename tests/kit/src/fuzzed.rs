//! What must hold for any bytes at all. The fuzz targets call these, and so do the tests, so that neither forgets what the
//! other knows.
//!
//! Each function takes untrusted bytes through everything that happens to them before a signature counts, and panics
//! where a bound of artifacts.md §10 does not hold.

pub mod aegis;
pub mod seal;
pub mod unit;

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use aileron_cli::consumer::install::error::InstallError;
use aileron_cli::consumer::verify::VerificationError;
use aileron_cli::github::read_answer;
use aileron_cli::publisher::forge::registry::{
    At, Contents, Descriptor, Manifest, Reference, RegistryError, Tag, challenge, tags,
};
use aileron_cli::publisher::release::ApprovalError;
use aileron_cli::publisher::unit::archive::FeatureFile;
use aileron_cli::publisher::unit::published::{self, agree};
use aileron_cli::publisher::unit::{FEATURE_LIMIT, MOST_FILES, archive as feature};
use aileron_cli::ui::report::workflow::{Workflow, inert, inert_json};
use aileron_cli::ui::report::{Exit, Failure};
use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::config::PublisherConfig;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::suite::{InstallSuite, RepositorySuite};
use aileron_verifier::artifact::verify::{Unverified, VerifyError, Wanted};
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::proposal::{Approval, Proposal, ProposalError};
use aileron_verifier::statement::cohort::Cohort;
use aileron_verifier::statement::revocation::Revocation;
use aileron_verifier::statement::rotation::Rotation;
use aileron_verifier::statement::{Document, StatementError, UnverifiedStatement};
use aileron_verifier::text::toml::Stage;
use aileron_verifier::text::{is_shown, screen};
use aileron_verifier::trust::keyring::Keyring;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::{Toy, module, pack};

/// Most bytes of one answer. artifacts.md §10.
pub const MOST_OUTPUT: usize = 64 << 10;

/// Bytes that claim to be an archive: a verdict, and the answer a person and a script get.
///
/// # Panics
/// Where an answer is longer than [`MOST_OUTPUT`] or holds a character that steers a terminal, a problem does not fit its text, or the verdict is an error of ours.
pub fn archive(bytes: &[u8]) {
    let toy = Toy::default();
    for wanted in [Wanted::default(), Wanted::of(toy.reference()), Wanted::of(toy.action_reference("say"))] {
        if let Err(error) = Unverified::new(bytes).verify(&wanted, &toy.ring()) {
            refusal(error);
        }
    }
}

/// Bytes that claim to be a document, inside a sound archive of either kind, unsigned.
///
/// # Panics
/// As [`archive`].
pub fn document(bytes: &[u8]) {
    let signature = vec![0; 64];
    let ring = Toy::default().ring();
    for files in [
        Files::Connector { wasm: module(), manifest: bytes.to_vec(), signature: signature.clone() },
        Files::Action { document: bytes.to_vec(), signature },
    ] {
        if let Err(error) = Unverified::new(pack(&files)).verify(&Wanted::default(), &ring) {
            refusal(error);
        }
    }
    let Ok(source) = Source::read("document", bytes.to_vec()) else { return };
    for stage in [Stage::Source, Stage::Artifact] {
        problems(&ConnectorManifest::parse(source.clone(), stage).problems, stage, &source);
        problems(&Action::parse(source.clone(), stage).problems, stage, &source);
    }
}

/// Bytes that claim to be a suite, in both its forms.
///
/// # Panics
/// As [`archive`].
pub fn suite(bytes: &[u8]) {
    let Ok(source) = Source::read("suite.toml", bytes.to_vec()) else { return };
    problems(&RepositorySuite::parse(source.clone()).problems, Stage::Source, &source);
    let parsed = InstallSuite::parse(source.clone());
    problems(&parsed.problems, Stage::Artifact, &source);
    match parsed.document {
        Some(suite) => {
            let again = InstallSuite::parse(Source::new("suite.toml", suite.render())).document;
            assert_eq!(again, Some(suite), "what is rendered reads back");
        }
        None => {
            answer(InstallError::Suite { problems: parsed.problems, more: parsed.more, text: source }.into());
        }
    }
}

/// Bytes that claim to be a proposal, the answer to one, or the settings of a repository: what a stolen token can write to a
/// draft, and what a pull request can.
///
/// # Panics
/// As [`archive`], and where what is read is written otherwise.
pub fn proposal(bytes: &[u8]) {
    let refused = |error: ProposalError| answer(Failure::from(&ApprovalError::from(error)));
    match Proposal::read(bytes) {
        Ok(proposal) => {
            let again = Proposal::read(&proposal.pack());
            assert!(again.is_ok_and(|again| again == proposal), "what is packed reads back");
        }
        Err(error) => refused(error),
    }
    match Approval::read(bytes) {
        Ok(approval) => assert_eq!(Approval::read(&approval.render()).ok(), Some(approval)),
        Err(error) => refused(error),
    }
    let Ok(source) = Source::read("aileron-pub.toml", bytes.to_vec()) else { return };
    problems(&PublisherConfig::parse(source.clone()).problems, Stage::Source, &source);
}

/// Bytes that claim to be a ring: what is read is written so that it reads back.
///
/// # Panics
/// Where it does not.
pub fn ring(bytes: &[u8]) {
    match Keyring::parse(bytes, "keyring.json") {
        Ok(ring) => {
            let again = Keyring::parse(ring.render().as_bytes(), "keyring.json").map(|ring| ring.render());
            assert_eq!(again, Ok(ring.render()));
            archive_refused_by(&ring);
        }
        Err(error) => assert_eq!(error.class(), Class::ValidationError, "{error}"),
    }
}

fn archive_refused_by(ring: &Keyring) {
    let toy = Toy::default();
    let signed = pack(&toy.connector());
    if let Err(error) = Unverified::new(signed.as_slice()).verify(&Wanted::of(toy.reference()), ring) {
        answer(Failure::from(VerificationError::Refused(error)));
    }
}

/// Bytes that claim to be a signed statement: the index of a release, a key that follows another, the end of a key.
///
/// # Panics
/// Where what is read does not read back, or a refusal breaks the bounds of [`archive`].
pub fn statement(bytes: &[u8]) {
    if let Some(cohort) = read_back::<Cohort>(bytes) {
        assert_eq!(cohort.archives().count(), cohort.actions.len() + 1);
    }
    let exact = read_back::<Rotation>(bytes).is_some() || read_back::<Revocation>(bytes).is_some();
    assert!(!exact || bytes.ends_with(b"\n"), "a kind with one form was read in another");
    // Signed by no one: the signature is judged before a word of the document is believed.
    let toy = Toy::default();
    let repository = toy.reference().name.repository();
    for refused in [
        UnverifiedStatement::<Rotation>::new(bytes, vec![0; 128]).verify(&repository, &toy.ring()).err(),
        UnverifiedStatement::<Revocation>::new(bytes, vec![0; 64]).verify(&repository, &toy.ring()).err(),
    ] {
        assert!(matches!(refused, Some(StatementError::Signature(_))), "{refused:?}");
    }
}

/// The document, if it is one of this kind: what is rendered of it reads back.
fn read_back<D: Document + PartialEq + Debug>(bytes: &[u8]) -> Option<D> {
    let document = D::read_unverified(bytes).ok()?;
    let _ = document.contradiction();
    assert_eq!(D::read_unverified(&document.render()).ok().as_ref(), Some(&document), "what is rendered reads back");
    Some(document)
}

/// Bytes that claim to be an answer of GitHub's: a status, lines of headers, an empty line, a body.
///
/// # Panics
/// Where reading it does.
pub fn github(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..end], bytes.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok()).unwrap_or(403);
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    for now in [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)] {
        read_answer(status, &headers, body, now);
    }
}

/// Bytes that claim to be text of a repository, on their way into a job of GitHub Actions.
///
/// # Panics
/// Where a line of the text could be taken for a command of ours.
pub fn workflow(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let problem = json!({
        "severity": "error", "file": text, "line": 1, "column": 1, "message": text, "rule": text, "help": text,
    });
    for document in [
        json!({"command": "check", "problems": [problem]}),
        json!({"command": "release", "error": {"class": text, "message": text, "next": text, "file": text, "line": 3}}),
        serde_json::from_slice(bytes).unwrap_or_default(),
    ] {
        for exit in [Exit::Ok, Exit::Policy, Exit::Incomplete] {
            for line in Workflow::bare().tell(&document, exit).lines() {
                assert!(line.starts_with("::error ") || line.starts_with("::warning "), "{line:?}");
            }
        }
        let shown = inert_json(&document.to_string()).into_owned();
        assert!(!shown.contains("##["), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).ok(), Some(document));
    }
    for line in inert(&text).lines() {
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
    }
}

fn refusal(error: VerifyError) {
    assert!(!matches!(error, VerifyError::Unjudged(_)), "{error}");
    if let VerifyError::Document { problems: found, text, .. } = &error {
        problems(found, Stage::Artifact, text);
    }
    answer(Failure::from(VerificationError::Refused(error)));
}

fn problems(problems: &[Problem], stage: Stage, source: &Source) {
    assert!(problems.len() <= stage.most_problems(), "{} problems", problems.len());
    for problem in problems {
        assert!(source.text.get(problem.at.clone()).is_some(), "{problem:?}");
        let (line, column) = source.position(problem.at.start);
        assert!(line >= 1 && column >= 1, "{problem:?}");
    }
}

fn answer(failure: Failure) {
    let (text, document) = (failure.text(), failure.json().to_string());
    let shown = screen(&text);
    assert!(shown.len() <= MOST_OUTPUT, "{} bytes of text", text.len());
    let steers = shown.chars().find(|char| *char != '\n' && !is_shown(*char));
    assert_eq!(steers, None, "{shown}");
    assert!(document.len() <= MOST_OUTPUT, "{} bytes of JSON", document.len());
}

/// Bytes that claim to be a Feature's archive: files that fit into their directory, which pack to the same files again, or an
/// error.
///
/// # Panics
/// Where a file would be unpacked elsewhere, or more is read than is allowed.
pub fn feature_archive(bytes: &[u8]) {
    let Ok(files) = feature::read(bytes) else { return };
    assert!(files.len() <= MOST_FILES);
    assert!(files.iter().map(|file| file.bytes.len() as u64).sum::<u64>() <= FEATURE_LIMIT);
    for FeatureFile { path, .. } in &files {
        let is_fit = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':', '\0']);
        assert!(path.split('/').all(is_fit), "{path:?}");
    }
    // A path that came in a GNU or PAX header may be longer than ours.
    if let Ok(archive) = feature::write(&files) {
        assert!(feature::read(&archive).is_ok_and(|again| again == files));
    }
}

/// Bytes that claim to be what a registry answers: a challenge, a manifest, a Feature's annotation and archive, a reference, tags.
///
/// # Panics
/// Where an answer is longer than [`MOST_OUTPUT`] or holds a character that steers a terminal.
pub fn registry(bytes: &[u8]) {
    struct Answers<'a>(&'a [u8], &'a [u8]);
    impl Contents for Answers<'_> {
        fn manifest(&self, _: &At) -> Result<Vec<u8>, RegistryError> {
            Ok(self.0.to_vec())
        }

        fn blob(&self, _: &Descriptor, _: u64) -> Result<Vec<u8>, RegistryError> {
            Ok(self.1.to_vec())
        }
    }
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (first, second) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    if let Ok(value) = HeaderValue::from_bytes(first) {
        challenge(&HeaderMap::from_iter([(HeaderName::from_static("www-authenticate"), value)]));
    }
    let _ = (Manifest::read(first), agree(first, second));
    let tag: Tag = "latest".parse().unwrap_or_else(|why| unreachable!("{why}"));
    if let Err(error) = published::read(&Answers(first, second), &At::Tag(tag)) {
        answer(Failure::from(error));
    }
    let text = String::from_utf8_lossy(first);
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse::<Reference>().as_ref(), Ok(&reference), "{text:?}");
    }
    let _ = text.parse().map(|version| tags(&version));
}
