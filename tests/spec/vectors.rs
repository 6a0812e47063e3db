//! A few verdicts that never change, as bytes: `tests/vectors/archives.jsonl`.
//!
//! Tests that make their archives move with the code that makes them; these stand still. `AILERON_BLESS=1` writes the file
//! anew from [`cases`], which is to be reviewed like any change of what is accepted. The recorded verdicts of the existing
//! runtime, many more, may lie beside the workspace.

use std::path::PathBuf;

use aileron_testkit::tar::{Entry, Gzip, Tar};
use aileron_testkit::{Toy, pack};
use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::name::fqn::Authority;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// One archive and its verdict.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    id: String,
    /// The rule, with its section.
    why: String,
    /// What it is asked for under.
    reference: String,
    /// The one grant of the ring.
    authority: String,
    key: String,
    /// The failure class; none when it verifies.
    class: Option<String>,
    /// The content hash of a connector that verifies.
    content: Option<String>,
    /// The archive, base64.
    archive: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors/archives.jsonl")
}

/// Where the rows come from.
fn cases() -> Vec<Row> {
    let toy = Toy::default();
    let (connector, action) = (toy.connector(), toy.action("say"));
    let (Files::Connector { wasm, manifest, signature }, Files::Action { document, signature: seal }) =
        (connector.clone(), action.clone())
    else {
        unreachable!("a connector and an action were made")
    };
    let (as_connector, as_action) = (toy.reference().to_string(), toy.action_reference("say").to_string());
    let row = |id: &str, why: &str, reference: &str, class: &str, archive: Vec<u8>| Row {
        id: id.into(),
        why: why.into(),
        reference: reference.into(),
        authority: "github://acme".into(),
        key: toy.publisher.key().to_base64(),
        class: (!class.is_empty()).then(|| class.into()),
        content: (class.is_empty() && reference == as_connector).then(|| toy.content().to_string()),
        archive: STANDARD.encode(archive),
    };
    let shifted = Files::Connector {
        wasm: [&wasm[..], &manifest[..1]].concat(),
        manifest: manifest[1..].to_vec(),
        signature: signature.clone(),
    };
    let posing = Files::Action { document: [&wasm[..], &manifest].concat(), signature };
    let mut flipped = seal.clone();
    flipped[0] ^= 1;
    let mut twice = Tar::of(&action);
    twice.entries.insert(0, Entry::file("./action.md", b"+++\n"));
    let mut renamed = Tar::of(&action);
    renamed.entries.insert(0, Entry::pax(&[("path", "action.md")]));
    let mut link = Tar::of(&connector);
    link.entries[1] = Entry::file("manifest.toml", b"").kind(b'2').link(b"/etc/passwd");
    let mut unsigned = Tar::of(&action);
    unsigned.entries.pop();
    let archive = pack(&action);
    vec![
        row("connector", "§7: as it is written", &as_connector, "", pack(&connector)),
        row("action", "§7: as it is written", &as_action, "", archive.clone()),
        row(
            "gnu-tar",
            "§7: directories, `./` names, twenty zero blocks, a time and a system are read",
            &as_action,
            "",
            {
                let entries = [
                    Entry::directory("./"),
                    Entry::file("./action.md", &document),
                    Entry::file("./signature.sig", &seal),
                ];
                Gzip::default().time(1).system(3).pack(&Tar::new(entries).end_blocks(20).bytes())
            },
        ),
        row("boundary", "§6: a byte moved from manifest to module", &as_connector, "malformed_tarball", pack(&shifted)),
        row("kind", "§6: a connector's payload, truly signed, as action.md", &as_action, "parse_error", pack(&posing)),
        row("name", "§6: another action of the same publisher", &as_action, "fqn_mismatch", pack(&toy.action("shout"))),
        row(
            "version",
            "§6: an older version",
            &as_connector,
            "fqn_mismatch",
            pack(&toy.clone().at("1.2.2").connector()),
        ),
        row(
            "signature",
            "§6: one bit of the signature",
            &as_action,
            "signature_failure",
            pack(&Files::Action { document: document.clone(), signature: flipped }),
        ),
        row(
            "signature-length",
            "§7: a signature of 63 bytes",
            &as_action,
            "signature_failure",
            pack(&Files::Action { document, signature: seal[..63].to_vec() }),
        ),
        row("unsigned", "§7: an action without signature", &as_action, "malformed_tarball", unsigned.pack()),
        row("duplicate", "§7: action.md and ./action.md", &as_action, "malformed_tarball", twice.pack()),
        row(
            "pax-path",
            "§7: a PAX path, even one that repeats the name",
            &as_action,
            "malformed_tarball",
            renamed.pack(),
        ),
        row("symlink", "§7: a symbolic link", &as_connector, "malformed_tarball", link.pack()),
        row(
            "second-member",
            "§7: a second gzip member",
            &as_action,
            "malformed_tarball",
            [&archive[..], &archive].concat(),
        ),
        row("trailing", "§7: a byte after the end", &as_action, "malformed_tarball", [&archive[..], b"\0"].concat()),
        row(
            "cut",
            "§7: the last byte is missing",
            &as_action,
            "malformed_tarball",
            archive[..archive.len() - 1].to_vec(),
        ),
    ]
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(path()).expect("the vectors are part of the sources");
    text.lines().map(|line| serde_json::from_str(line).expect("a row is a line of JSON")).collect()
}

#[test]
fn every_vector_keeps_its_verdict() {
    if std::env::var_os("AILERON_BLESS").is_some() {
        let line = |row: &Row| serde_json::to_string(row).expect("a row is JSON") + "\n";
        std::fs::write(path(), cases().iter().map(line).collect::<String>()).expect("the vectors can be written");
    }
    let rows = rows();
    assert_eq!(rows.len(), 16);
    for row in &rows {
        let mut ring = Keyring::new();
        ring.grant(Authority::new(row.authority.clone()), PublicKey::from_base64(&row.key).expect("a key"));
        let wanted = Wanted::of(row.reference.parse().expect("a Ref"));
        let archive = STANDARD.decode(&row.archive).expect("base64");
        let found = Unverified::new(archive).verify(&wanted, &ring);
        let content = found.as_ref().ok().and_then(|verified| verified.content()).map(|content| content.to_string());
        let class = found.err().map(|error| error.class().as_str());
        assert_eq!((class, content), (row.class.as_deref(), row.content.clone()), "{}: {}", row.id, row.why);
    }
}

#[test] // artifacts.md §7: identical input gives identical bytes on every platform
fn the_writer_still_makes_the_recorded_archives() {
    let recorded = |id: &str| {
        let row = rows().into_iter().find(|row| row.id == id).expect("a row of that id");
        let archive = STANDARD.decode(row.archive).expect("base64");
        let wanted = Wanted::of(row.reference.parse().expect("a Ref"));
        let ring = Keyring::of_keys([PublicKey::from_base64(&row.key).expect("a key")]);
        let verified = Unverified::new(archive.clone()).verify(&wanted, &ring).expect("sound");
        (archive, verified)
    };
    for id in ["connector", "action"] {
        let (archive, verified) = recorded(id);
        assert_eq!(pack(verified.files()), archive, "{id}");
    }
}
