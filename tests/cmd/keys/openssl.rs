//! Keys, with the real openssl on the other side.

use std::fs::{self, File};
use std::process::Stdio;

use aileron_testkit::home::tree::mode;
use aileron_testkit::home::{PUBLIC_KEY, TestHome};
use serde_json::{Value, json};

use aileron_testkit::Requirement;

fn new_repository() -> Option<TestHome> {
    let home = Requirement::Openssl.is_met().then(TestHome::new)?;
    home.ok("aileron-pub init tea --owner acme --language wat --yes");
    Some(home)
}

#[test]
fn the_public_key_is_byte_for_byte_what_openssl_writes() {
    let Some(home) = new_repository() else { return };
    home.ok("aileron-pub -C tea keys generate --out publisher.key");
    home.ok("openssl pkey -in publisher.key -pubout -out openssl.pub");
    assert_eq!(home.read("tea/keys/publisher.pub"), home.read("openssl.pub"));
    assert_eq!(mode(&home.path("publisher.key")), 0o600);
    home.ok("openssl pkey -in publisher.key -out openssl.key");
    assert_eq!(home.read("publisher.key"), home.read("openssl.key"));
    let readme = home.read("tea/keys/README.md");
    let fingerprint = home.ok("aileron-pub -C tea keys show --json").json()["fingerprint"].clone();
    assert!(readme.contains(fingerprint.as_str().unwrap()), "{readme}");
}

#[test]
fn an_encrypted_key_file_opens_with_its_passphrase_here_and_in_openssl() {
    let Some(home) = new_repository() else { return };
    home.ok("AILERON_KEY_PASSPHRASE=hunter2 aileron-pub -C tea keys generate --out sealed.key --encrypt");
    home.commit();
    assert!(home.read("sealed.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(mode(&home.path("sealed.key")), 0o600);
    home.ok("openssl pkey -in sealed.key -passin pass:hunter2 -pubout -out openssl.pub");
    assert_eq!(home.read("tea/keys/publisher.pub"), home.read("openssl.pub"));
    home.ok("AILERON_KEY_PASSPHRASE=hunter2 aileron-pub -C tea pack v0.1.0 --key sealed.key --out archives");
    for (passphrase, code, class) in [("", 2, "usage_error"), ("AILERON_KEY_PASSPHRASE=barley", 1, "validation_error")]
    {
        let ran = home.run(&format!("{passphrase} aileron-pub -C tea pack v0.1.0 --key sealed.key --out no --quiet"));
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("{class}: key file sealed.key: the p")), "{}", ran.stderr);
        assert!(!home.path("no").exists());
    }
    let absent = home.run("aileron-pub -C tea pack v0.1.0 --key sealed.key --out no --quiet");
    assert!(absent.stderr.contains("next: set AILERON_KEY_PASSPHRASE"), "{}", absent.stderr);
}

#[test]
fn a_printed_secret_is_base64_of_a_key_that_openssl_reads_and_a_release_takes() {
    let Some(home) = new_repository() else { return };
    let made = home.ok("aileron-pub -C tea keys generate --print-secret --json");
    let made = made.json();
    home.commit();
    let secret = made["secret"].as_str().unwrap();
    home.write("secret.b64", format!("{secret}\n"));
    home.ok("openssl base64 -d -A -in secret.b64 -out secret.key");
    home.ok("openssl pkey -in secret.key -pubout -out openssl.pub");
    assert_eq!(home.read("tea/keys/publisher.pub"), home.read("openssl.pub"));
    let released =
        home.ok(&format!("AILERON_SIGNING_KEY={secret} aileron-pub -C tea release v0.1.0 --to dir:registry --json"));
    assert_eq!(released.json()["key"], made["fingerprint"]);
    let leaks = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
        (path.starts_with("tea") && bytes.windows(40).any(|window| window == &secret.as_bytes()[60..100]))
            .then_some(path)
    };
    assert_eq!(home.files().into_iter().find_map(leaks), None);
}

#[test]
fn a_key_made_by_openssl_signs_a_release_that_openssl_verifies() {
    let Some(home) = new_repository() else { return };
    home.ok("openssl genpkey -algorithm ed25519 -out openssl.key");
    fs::create_dir(home.path("tea/keys")).unwrap();
    home.ok("openssl pkey -in openssl.key -pubout -out tea/keys/publisher.pub");
    home.commit();
    home.ok("aileron-pub -C tea release v0.1.0 --key openssl.key --to dir:registry");
    home.ok("aileron verify registry --key tea/keys/publisher.pub");
    let action = "registry/acme/aileron-connector-tea/releases/download/actions/tea-ping/v0.1.0/aileron.tar.gz";
    if Requirement::Tar.is_met() {
        home.ok(&format!("tar -xzf {action}"));
        home.ok(
            "openssl pkeyutl -verify -rawin -pubin -inkey tea/keys/publisher.pub -in action.md -sigfile signature.sig",
        );
    }
}

#[test]
fn the_ring_entry_that_is_shown_is_a_keyring_that_verify_accepts() {
    let home = TestHome::released();
    let shown = home.ok("aileron-pub -C tea keys show --json").json();
    home.write("keyring.json", serde_json::to_vec(&shown["ring_entry"]).unwrap());
    let judged = home.ok("aileron verify registry --keyring keyring.json --json").json();
    assert_eq!(judged["verified"], 3);
    home.write(
        "other.json",
        json!({"version": 2, "publishers": {"github://acme/other": [shown["base64"]]}}).to_string(),
    );
    let refused = home.run("aileron verify registry --keyring other.json --json");
    assert_eq!((refused.code, refused.json()["refused"].clone()), (3, Value::from(3)));
    // At home, the same file is found without being named.
    fs::create_dir_all(home.path("../home/.aileron")).unwrap();
    fs::copy(home.path("keyring.json"), home.path("../home/.aileron/keyring.json")).unwrap();
    home.ok("aileron verify registry");
}

/// Where standard output goes when it is not read.
#[derive(Clone, Copy, Debug)]
enum Lost {
    FullDisk,
    NobodyReads,
    Null,
    Closed,
    ClosedForWriting,
}

#[test] // a public key whose private half is nowhere must not be committed
fn a_key_pair_whose_private_half_was_not_handed_over_leaves_nothing() {
    use Lost::{Closed, ClosedForWriting, FullDisk, NobodyReads, Null};
    let home = TestHome::new();
    home.ok("aileron-pub init tea --owner acme --language wat --yes");
    let before = home.files();
    for lost in [FullDisk, NobodyReads, Null, Closed, ClosedForWriting] {
        for json in ["", " --json", " --quiet"] {
            let line = format!("aileron-pub -C tea keys generate --print-secret{json}");
            let mut command = match lost {
                Closed => home.command("sh"),
                _ => home.typed(&line),
            };
            match lost {
                FullDisk => drop(command.stdout(File::options().write(true).open("/dev/full").unwrap())),
                Null => drop(command.stdout(Stdio::null())),
                NobodyReads => {
                    let (reader, writer) = std::io::pipe().unwrap();
                    drop(reader);
                    command.stdout(writer);
                }
                ClosedForWriting => drop(command.stdout(File::open("/dev/zero").unwrap())),
                Closed => {
                    let program = env!("CARGO_BIN_EXE_aileron-pub");
                    let line = line.replacen("aileron-pub", program, 1);
                    command.args(["-c", &format!("exec {line} >&-")]);
                }
            }
            let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(matches!(output.status.code(), Some(1 | 2)), "{lost:?}{json}: {} {said}", output.status);
            assert!(!said.contains("panicked"), "{said}");
            // Under --json the error is in the document, which could not be written either.
            if json.is_empty() {
                assert!(said.contains("standard output"), "{lost:?}: {said}");
            }
            assert_eq!(home.files(), before, "{lost:?}{json}");
        }
    }
    home.ok("aileron-pub -C tea keys generate --print-secret");
}

#[test]
fn a_key_file_that_cannot_be_written_leaves_nothing() {
    let home = TestHome::new();
    home.ok("aileron-pub init tea --owner acme --language wat --yes");
    home.write("taken.key", "mine");
    home.write("tea/.gitignore", "ignored.key\n");
    std::os::unix::fs::symlink("nowhere/else", home.path("dangling.key")).unwrap();
    let before = home.files();
    for (to, code) in [
        ("--out taken.key", 2),
        ("--out taken.key/below", 1),
        ("--out dangling.key", 2),
        ("--out .", 2),
        ("--out /proc/no.key", 1),
        ("--out /dev/full", 2),
        ("--out /dev/full/below", 1),
        ("--out new/../up.key", 1),
        ("--out tea/inside.key", 2),
        ("--out tea/keys/publisher.key", 2),
        ("--out tea/.git/hidden.key", 2),
        ("--keychain", 2),
    ] {
        let ran = home.run(&format!("aileron-pub -C tea keys generate {to}"));
        assert_eq!(ran.code, code, "{to}: {}", ran.stderr);
        assert_eq!(home.files(), before, "{to}: {}", ran.stderr);
    }
    home.ok("aileron-pub -C tea keys generate --out tea/ignored.key");
}

#[test] // keyring.md §4.1: readers take the first block
fn a_second_key_in_the_committed_file_is_named_by_every_verb_that_reads_it() {
    let home = TestHome::with_tea();
    let other = PUBLIC_KEY
        .replace("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw");
    for (second, what) in [
        (other.clone(), "a second PEM block"),
        (format!("\n# the next one\n{other}"), "a second PEM block"),
        ("PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n".to_owned(), "a raw key in base64"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQ me\n".to_owned(), "an OpenSSH public key"),
    ] {
        home.write("tea/keys/publisher.pub", format!("{PUBLIC_KEY}{second}"));
        home.commit();
        for (line, code) in [
            ("aileron-pub -C tea check", 6),
            ("aileron-pub -C tea check v0.1.0", 6),
            ("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry", 6),
            ("aileron-pub -C tea pack v0.1.0 --key publisher.key", 6),
            ("aileron-pub -C tea hub entry --out catalog", 6),
            ("aileron-pub -C tea keys show", 6),
        ] {
            let ran = home.run(line);
            assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(&format!("also holds {what}")), "{line}: {said}");
        }
    }
    let private = home.read("publisher.key");
    home.write("tea/keys/publisher.pub", format!("{PUBLIC_KEY}{private}"));
    home.commit();
    for json in ["", " --json"] {
        let ran = home.run(&format!("aileron-pub -C tea check{json}"));
        assert_eq!(ran.code, 6);
        assert!(format!("{}{}", ran.stderr, ran.stdout).contains("holds a private key"), "{}", ran.stderr);
    }
}
