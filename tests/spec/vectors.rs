//! A few verdicts that never change, as bytes: `tests/vectors/archives.jsonl`.
//!
//! Tests that make their archives move with the code that makes them; these stand still. `AILERON_BLESS=1` writes the file
//! again from [`cases`], which is to be reviewed like any change of what is accepted. The recorded verdicts of the existing
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What the rows are made of: one connector and one action of a toy.
struct Parts {
    toy: Toy,
    connector: Files,
    action: Files,
    wasm: Vec<u8>,
    manifest: Vec<u8>,
    signature: Vec<u8>,
    document: Vec<u8>,
    seal: Vec<u8>,
}

impl Parts {
    fn new() -> Parts {
        let toy = Toy::default();
        let (connector, action) = (toy.connector(), toy.action("say"));
        let (Files::Connector { wasm, manifest, signature }, Files::Action { document, signature: seal }) =
            (connector.clone(), action.clone())
        else {
            unreachable!("a connector and an action were made")
        };
        Parts { toy, connector, action, wasm, manifest, signature, document, seal }
    }

    fn row(&self, id: &str, why: &str, reference: String, class: &str, archive: Vec<u8>) -> Row {
        let is_connector = reference == self.toy.reference().to_string();
        Row {
            id: id.into(),
            why: why.into(),
            reference,
            authority: "github://acme".into(),
            key: self.toy.publisher.key().to_base64(),
            class: (!class.is_empty()).then(|| class.into()),
            content: (class.is_empty() && is_connector).then(|| self.toy.content().to_string()),
            archive: STANDARD.encode(archive),
        }
    }

    /// A row that asks for the connector.
    fn of_connector(&self, id: &str, why: &str, class: &str, archive: Vec<u8>) -> Row {
        self.row(id, why, self.toy.reference().to_string(), class, archive)
    }

    /// A row that asks for the action.
    fn of_action(&self, id: &str, why: &str, class: &str, archive: Vec<u8>) -> Row {
        self.row(id, why, self.toy.action_reference("say").to_string(), class, archive)
    }

    /// An action with this signature in place of its own.
    fn sealed(&self, signature: &[u8]) -> Vec<u8> {
        pack(&Files::Action { document: self.document.clone(), signature: signature.to_vec() })
    }

    /// Archives that verify.
    fn accepted(&self) -> Vec<Row> {
        let why = "§7: directories, `./` names, twenty zero blocks, a time and a system are read";
        let entries = [
            Entry::directory("./"),
            Entry::file("./action.md", &self.document),
            Entry::file("./signature.sig", &self.seal),
        ];
        let gnu = Gzip::default().time(1).system(3).pack(&Tar::new(entries).end_blocks(20).bytes());
        vec![
            self.of_connector("connector", "§7: as it is written", "", pack(&self.connector)),
            self.of_action("action", "§7: as it is written", "", pack(&self.action)),
            self.of_action("gnu-tar", why, "", gnu),
        ]
    }

    /// What is signed is not what is asked for, or not signed.
    fn misnamed_or_unsigned(&self) -> Vec<Row> {
        let shifted = Files::Connector {
            wasm: [&self.wasm[..], &self.manifest[..1]].concat(),
            manifest: self.manifest[1..].to_vec(),
            signature: self.signature.clone(),
        };
        let payload = [&self.wasm[..], &self.manifest].concat();
        let posing = Files::Action { document: payload, signature: self.signature.clone() };
        let mut flipped = self.seal.clone();
        flipped[0] ^= 1;
        let (malformed, other, refused) = ("malformed_tarball", "fqn_mismatch", "signature_failure");
        let posing_why = "§6: a connector's payload, truly signed, as action.md";
        let (shout, older) = (pack(&self.toy.action("shout")), pack(&self.toy.clone().at("1.2.2").connector()));
        let (bit, short) = (self.sealed(&flipped), self.sealed(&self.seal[..63]));
        vec![
            self.of_connector("boundary", "§6: a byte moved from manifest to module", malformed, pack(&shifted)),
            self.of_action("kind", posing_why, "parse_error", pack(&posing)),
            self.of_action("name", "§6: another action of the same publisher", other, shout),
            self.of_connector("version", "§6: an older version", other, older),
            self.of_action("signature", "§6: one bit of the signature", refused, bit),
            self.of_action("signature-length", "§7: a signature of 63 bytes", refused, short),
        ]
    }

    /// Archives that are not laid out as §7 says.
    fn malformed(&self) -> Vec<Row> {
        let mut unsigned = Tar::of(&self.action);
        unsigned.entries.pop();
        let mut twice = Tar::of(&self.action);
        twice.entries.insert(0, Entry::file("./action.md", b"+++\n"));
        let mut renamed = Tar::of(&self.action);
        renamed.entries.insert(0, Entry::pax(&[("path", "action.md")]));
        let mut link = Tar::of(&self.connector);
        link.entries[1] = Entry::file("manifest.toml", b"").kind(b'2').link(b"/etc/passwd");
        let archive = pack(&self.action);
        let row = |id, why, archive| self.of_action(id, why, "malformed_tarball", archive);
        vec![
            row("unsigned", "§7: an action without signature", unsigned.pack()),
            row("duplicate", "§7: action.md and ./action.md", twice.pack()),
            row("pax-path", "§7: a PAX path, even one that repeats the name", renamed.pack()),
            self.of_connector("symlink", "§7: a symbolic link", "malformed_tarball", link.pack()),
            row("second-member", "§7: a second gzip member", [&archive[..], &archive].concat()),
            row("trailing", "§7: a byte after the end", [&archive[..], b"\0"].concat()),
            row("cut", "§7: the last byte is missing", archive[..archive.len() - 1].to_vec()),
        ]
    }
}

/// Where the rows come from.
fn cases() -> Vec<Row> {
    let parts = Parts::new();
    [parts.accepted(), parts.misnamed_or_unsigned(), parts.malformed()].concat()
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

#[test]
fn the_recorded_vectors_are_those_that_the_cases_make() {
    assert_eq!(rows(), cases());
}

#[test] // artifacts.md §7: identical input gives identical bytes on every platform
fn the_writer_still_makes_the_recorded_archives() {
    let recorded = |id: &str| {
        let row = rows().into_iter().find(|row| row.id == id).expect("a row of that id");
        let archive = STANDARD.decode(row.archive).expect("base64");
        let wanted = Wanted::of(row.reference.parse().expect("a Ref"));
        let ring = Keyring::of_keys([PublicKey::from_base64(&row.key).expect("a key")]);
        let verified = Unverified::new(archive.clone()).verify(&wanted, &ring).expect("it verifies");
        (archive, verified)
    };
    for id in ["connector", "action"] {
        let (archive, verified) = recorded(id);
        assert_eq!(pack(verified.files()), archive, "{id}");
    }
}
