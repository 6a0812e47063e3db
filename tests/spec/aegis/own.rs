//! Vectors of our own, `tests/vectors/aegis/verdicts.jsonl`: they stand still while the code that makes bundles moves.
//!
//! `AILERON_BLESS=1` writes the file again from [`cases`], which is to be reviewed like any change of what is accepted.

use std::path::PathBuf;

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::upload::examine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::toy::{self, Toy, host, key};

/// One bundle, and what a host of [`host`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    id: String,
    /// The section it comes from.
    why: String,
    /// The class of the signature, or `upload`.
    class: String,
    /// What the host answers, where it refuses.
    refusal: Option<String>,
    /// The archive, base64.
    archive: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors/aegis/verdicts.jsonl")
}

fn row(id: &str, why: &str, zip: &[u8]) -> Row {
    Row {
        id: id.into(),
        why: why.into(),
        class: toy::class(zip, &host()).into(),
        refusal: toy::refusal(zip, &host()),
        archive: STANDARD.encode(zip),
    }
}

fn cases() -> Vec<Row> {
    let signed = || Toy::new().signed(&key(1));
    vec![
        row("signed", "§8.2", &signed().zip()),
        row("unsigned", "§8.4", &Toy::new().zip()),
        row("untrusted", "§8.2, 1", &Toy::new().signed(&key(2)).zip()),
        row("other-manifest", "§8.2, 9", &signed().with(|manifest| manifest["name"] = "x".into()).zip()),
        row("other-library", "§2.2, 16", &signed().file("bin/linux-amd64/toy", b"x").zip()),
        row("other-library-of-the-other-architecture", "§2.2", &signed().file("bin/linux-arm64/toy", b"x").zip()),
        row("traversal", "§2.3", &signed().file("../x", b"x").zip()),
        row("partly-signed", "§2.2, 10", &signed().without("manifest.pub").zip()),
    ]
}

#[test] // aegis-bundle.md §2.2, §8
fn recorded_bundles_have_their_recorded_verdicts() {
    if std::env::var_os("AILERON_BLESS").is_some() {
        let lines: String = cases().iter().map(|row| serde_json::to_string(row).expect("JSON") + "\n").collect();
        std::fs::create_dir_all(path().parent().expect("a directory")).expect("a directory");
        std::fs::write(path(), lines).expect("the vectors are written");
    }
    let text = std::fs::read_to_string(path()).expect("the vectors are committed");
    let recorded: Vec<Row> = text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    for recorded in &recorded {
        let zip = STANDARD.decode(&recorded.archive).expect("base64");
        assert_eq!(&row(&recorded.id, &recorded.why, &zip), recorded);
        let examined = examine(&zip, Kind::Plugin, &host());
        assert_eq!(examined.is_ok(), recorded.class != "upload", "{}", recorded.id);
    }
    // The archives too: what is packed today is what was packed when they were recorded.
    assert_eq!(cases(), recorded);
}
