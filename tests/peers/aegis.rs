//! Squad Aegis bundles in the hands of others: Go's own libraries, which a host is written with, Python's `zipfile`, `unzip` and
//! `openssl`. aegis-bundle.md §2, §5, §7.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use aileron_testkit::peers::program;
use aileron_testkit::{Requirement, skip};
use aileron_verifier::aegis::canonical::canonical;
use aileron_verifier::aegis::envelope::{self, Claims};
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::zip::write::write;
use sha2::{Digest as _, Sha256};

pub(crate) const LIMIT: u64 = 1 << 20;

/// Numbers that are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Runs a mode of the program in Go over frames.
pub(crate) fn go(mode: &str, frames: &[Vec<u8>]) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/aegis.go");
    let mut go = Command::new("go");
    go.args(["run", script, mode]).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    let mut running = go.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for frame in frames {
                input.write_all(&(frame.len() as u32).to_le_bytes()).unwrap();
                input.write_all(frame).unwrap();
            }
        });
        let ran = running.wait_with_output().unwrap();
        assert!(ran.status.success());
        ran.stdout
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let library = (0..20_000_u32).flat_map(|word| (word * word).to_le_bytes()).collect();
    BTreeMap::from([
        ("manifest.json".to_owned(), b"{}\n".to_vec()),
        ("bin/linux-amd64/x".to_owned(), library),
        ("bin/\u{fc}".to_owned(), Vec::new()),
    ])
}

/// What we say of an archive, in the words of the program in Go.
fn ours(zip: &[u8]) -> String {
    let Ok(archive) = Archive::read(zip) else { return "error".to_owned() };
    let mut said = vec!["ok".to_owned()];
    for entry in archive.entries() {
        let contents = if entry.unpacked > LIMIT {
            "large".to_owned()
        } else {
            match archive.unpack(entry, LIMIT) {
                Ok(bytes) => hex(&Sha256::digest(&bytes)),
                Err(why) if why.is_opening() => "closed".to_owned(),
                Err(_) => "unreadable".to_owned(),
            }
        };
        said.push(format!("{}:{contents}", hex(entry.name)));
    }
    said.join(" ")
}

#[test] // aegis-bundle.md §2.2 to §2.5
fn gos_reader_sees_the_same_entries_and_bytes_in_every_damaged_archive() {
    if !Requirement::Go.is_met() {
        return;
    }
    let small =
        BTreeMap::from([("manifest.json".to_owned(), b"{} {} {} {}".repeat(9)), ("bin/x".to_owned(), b"x".to_vec())]);
    let bases = [go("make", &[]), write(&small).unwrap(), write(&files()).unwrap()];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut archives = bases.to_vec();
    for base in &bases[..2] {
        for at in 0..base.len() {
            for bits in [1, 0x80, 0xff] {
                let mut changed = base.clone();
                changed[at] ^= bits;
                archives.push(changed);
            }
            archives.push(base[..at].to_vec());
            archives.push([&base[at..], &b"tail"[..]].concat());
        }
        for _ in 0..3_000 {
            let mut changed = base.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(changed.len());
                match numbers.below(4) {
                    0 => changed[at] = numbers.one(&[&0xff, &0, &1, &0x50]).to_owned(),
                    1 => drop(changed.splice(at..at, [0_u8; 3])),
                    2 => drop(changed.splice(at..changed.len().min(at + 5), [])),
                    _ => changed[at] = changed[at].wrapping_add(1),
                }
            }
            archives.push(changed);
        }
        archives.push([&b"#!/bin/sh\n"[..], base].concat());
        archives.push([base, &base[..]].concat());
    }
    let theirs = String::from_utf8(go("zip", &archives)).unwrap();
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), archives.len());
    let differ: Vec<_> = archives.iter().zip(theirs).filter(|(archive, theirs)| ours(archive) != *theirs).collect();
    let shown: Vec<String> = differ
        .iter()
        .take(5)
        .map(|(archive, theirs)| format!("ours   {}\ntheirs {theirs}\n{}", ours(archive), hex(archive)))
        .collect();
    assert!(differ.is_empty(), "{} of {} differ\n{}", differ.len(), archives.len(), shown.join("\n"));
}

/// A document of any kind, in many spellings.
fn document(numbers: &mut Numbers, depth: usize) -> String {
    const TEXTS: [&str; 14] = [
        r#""""#,
        r#""a""#,
        r#""A""#,
        r#""b""#,
        r#""\u0061""#,
        r#""<&>""#,
        "\"\u{2028}é\u{1f375}\"",
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\udc00x""#,
        r#""\u0000\b\f\n\r\t\/\\\"""#,
        "\"\u{7f}\u{fffd}\u{feff}\"",
        r#""\u2029\u003c""#,
        "\"\u{e000}\"",
    ];
    const NUMBERS: [&str; 9] =
        ["0", "-0", "1", "1.0", "1.50", "1e2", "1E+2", "-12.5e-7", "123456789012345678901234567890"];
    let blank = |numbers: &mut Numbers| numbers.one(&["", "", " ", "\n\t", "\r"]);
    let kind = if depth > 5 { numbers.below(3) } else { numbers.below(6) };
    match kind {
        0 => (*numbers.one(&["null", "true", "false"])).to_owned(),
        1 => (*numbers.one(&NUMBERS)).to_owned(),
        2 => (*numbers.one(&TEXTS)).to_owned(),
        3 => {
            let items: Vec<String> = (0..numbers.below(4)).map(|_| document(numbers, depth + 1)).collect();
            format!("[{}{}]", blank(numbers), items.join(","))
        }
        _ => {
            let member = |numbers: &mut Numbers| {
                let name = numbers.one(&TEXTS);
                format!("{}{name}{}:{}", blank(numbers), blank(numbers), document(numbers, depth + 1))
            };
            let members: Vec<String> = (0..numbers.below(6)).map(|_| member(numbers)).collect();
            format!("{{{}}}{}", members.join(","), blank(numbers))
        }
    }
}

#[test] // aegis-bundle.md §5
fn gos_encoder_writes_ten_thousand_documents_as_we_do() {
    if !Requirement::Go.is_met() {
        return;
    }
    let mut numbers = Numbers(42);
    let mut documents: Vec<Vec<u8>> = Vec::new();
    for number in 0..10_000 {
        let mut document = document(&mut numbers, 0).into_bytes();
        // Some are not JSON, or not UTF-8, or go on behind their end.
        match number % 10 {
            0 => {
                let at = numbers.below(document.len());
                document[at] = *numbers.one(&[&0xff, &b'"', &b',', &b'}', &0xc3, &b'0', &b'\\', &b'1']);
            }
            1 => document.extend(b" x"),
            2 => document.truncate(numbers.below(document.len() + 1)),
            _ => {}
        }
        documents.push(document);
    }
    let theirs = String::from_utf8(go("json", &documents)).unwrap();
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), documents.len());
    for (document, theirs) in documents.iter().zip(theirs) {
        let ours = canonical(document).map_or("error".to_owned(), |form| hex(&form));
        assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(document));
    }
}

#[test] // aegis-bundle.md §2.6
fn python_and_unzip_read_what_we_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.zip");
    std::fs::write(&path, write(&files()).unwrap()).unwrap();
    let script = "import sys, zipfile, hashlib\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nfor i in z.infolist(): print(i.filename, hashlib.sha256(z.read(i)).hexdigest(), oct(i.external_attr >> 16))";
    let ran = Command::new("python3").args(["-c", script]).arg(&path).env("PYTHONUTF8", "1").output();
    match ran {
        Ok(ran) if ran.status.success() => {
            let expected: String = files()
                .iter()
                .map(|(name, contents)| {
                    let mode = if name == "manifest.json" { "0o100644" } else { "0o100755" };
                    format!("{name} {} {mode}\n", hex(&Sha256::digest(contents)))
                })
                .collect();
            assert_eq!(String::from_utf8(ran.stdout).unwrap(), expected);
        }
        Ok(ran) => panic!("{}", String::from_utf8_lossy(&ran.stderr)),
        Err(_) => skip(Requirement::Peers, "there is no python3 here"),
    }
    match Command::new("unzip").arg("-t").arg(&path).output() {
        Ok(ran) => assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout)),
        Err(_) => skip(Requirement::Peers, "there is no unzip here"),
    }
}

#[test] // aegis-bundle.md §7.1
fn openssl_verifies_our_signature_over_our_wrapper() {
    let Some(openssl) = program("openssl").filter(|_| Requirement::Openssl.is_met()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, contents: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    };
    let key = aileron_cli::publisher::sign::SigningKey::generate().ok().unwrap();
    let at = |text: &str| Instant::read(text).unwrap();
    let claims =
        Claims { key_id: "k".into(), signed_at: at("2026-01-02T03:04:05Z"), expires_at: at("2027-01-02T03:04:05Z") };
    let wrapper = envelope::build(br#"{"name":"<\u00e9>","n":1e2}"#, &claims).unwrap();
    let (signature, public) = (file("sig", &key.sign(&[&wrapper])), file("pub", key.public().to_pem().as_bytes()));
    let wrapper = file("manifest.signed.json", &wrapper);
    let mut verify = Command::new(openssl);
    verify.args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]).arg(&public);
    let ran = verify.arg("-in").arg(&wrapper).arg("-sigfile").arg(&signature).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
