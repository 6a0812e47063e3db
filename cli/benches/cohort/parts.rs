//! Where the time goes: every part of an action's way, one thread, nothing else running.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::Duration;

use aileron_cli::publisher::sign::SigningKey;
use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::archive::{self, Files, Packer};
use aileron_verifier::artifact::binding;
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::name::digest::{ArchiveDigest, ContentHash};
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use aileron_verifier::trust::keyring::Keyring;

use crate::repository::Repository;
use crate::{RUNS, median, timed};

/// Measures each part over all actions; microseconds per action.
pub(crate) fn table(repository: &Repository) -> String {
    let sources = sources(repository);
    let mut text = format!("one action of {} bytes on average, one thread\n", average(&sources));
    let mut row = |part: &str, time: Duration| {
        let each = time.as_secs_f64() * 1e6 / sources.len() as f64;
        writeln!(text, "  {part:<46} {each:>9.1} µs").expect("a string takes it");
    };

    let parse = |stage| move |source: &Source| Action::parse(source.clone(), stage).document.expect("an action");
    let (actions, time) = each(&sources, parse(Stage::Source));
    row("parse the committed text", time);

    let connector: Fqn = actions[0].requires[0].name.value.clone();
    let version = "0.1.0".parse().expect("a version");
    let content = ContentHash::of(&[b"any"]);
    let (bound, time) = each(&actions, |action| {
        let edits = binding::action(action, &connector, &version, Some(&content)).expect("binds");
        let left = binding::leftovers(&action.source, action.front_matter.clone(), &edits);
        assert!(left.is_empty());
        binding::apply(&action.source.text, &edits)
    });
    row("bind, look for placeholders that are left", time);

    let key = fs::read(&repository.key).expect("the key");
    let key = SigningKey::read(key.into(), || unreachable!("it is not encrypted")).expect("a key");
    let (signatures, time) = each(&bound, |text| key.sign(&[text.as_bytes()]));
    row("sign", time);

    let files: Vec<Files> = bound
        .iter()
        .zip(&signatures)
        .map(|(text, signature)| Files::Action { document: text.clone().into_bytes(), signature: signature.to_vec() })
        .collect();
    let mut packer = Packer::new();
    let (archives, time) = each(&files, |files| packer.pack(files));
    row("pack", time);

    let (_, time) = each(&archives, |archive| ArchiveDigest::of(&[archive]));
    row("digest of the archive", time);

    let (_, time) = each(&archives, |archive| archive::read(archive, None).expect("an archive"));
    row("unpack", time);

    let ring = Keyring::of_keys([repository.public]);
    let authority = connector.repo_authority();
    let (_, time) = each(&files, |files| match files {
        Files::Action { document, signature } => ring.verify(&authority, &[document], signature).expect("signed"),
        Files::Connector { .. } => unreachable!("these are actions"),
    });
    row("verify the signature", time);

    let read = |text: &String| Source::read("action.md", text.clone().into_bytes()).expect("UTF-8");
    let texts: Vec<Source> = bound.iter().map(read).collect();
    let (_, time) = each(&texts, parse(Stage::Artifact));
    row("parse the bound text", time);

    let (_, time) = each(&archives, |archive| {
        Unverified::new(archive.as_slice()).verify(&Wanted::default(), &ring).expect("whole")
    });
    row("the whole verdict (the four above, and names)", time);
    text
}

fn sources(repository: &Repository) -> Vec<Source> {
    let read = |action: std::io::Result<fs::DirEntry>| {
        let bytes = fs::read(action.expect("lists").path().join("action.md")).expect("reads");
        Source::read("action.md", bytes).expect("UTF-8")
    };
    fs::read_dir(repository.root.join("actions")).expect("actions").map(read).collect()
}

fn average(sources: &[Source]) -> usize {
    sources.iter().map(|source| source.text.len()).sum::<usize>() / sources.len()
}

/// Does the work on each item, several times over; what the last time made, and the median time.
fn each<T, U>(items: &[T], mut work: impl FnMut(&T) -> U) -> (Vec<U>, Duration) {
    let mut made = Vec::new();
    let times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            made = Vec::with_capacity(items.len());
            timed(|| items.iter().for_each(|item| made.push(black_box(work(item))))).1
        })
        .collect();
    (made, median(times))
}
