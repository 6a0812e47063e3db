//! The tools people have: what `openssl`, `sha256sum` and GNU `tar` make, we verify; what we make, they confirm.
//!
//! artifacts.md §6 names the commands. Without a tool these tests are skipped.

use std::path::Path;
use std::process::Command;

use aileron_testkit::{Publisher, Requirement, Toy, pack, say};
use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

fn tools() -> bool {
    Requirement::Openssl.is_met() && Requirement::Tar.is_met()
}

/// Runs a command line in a directory and returns what it prints.
fn run(directory: &Path, line: &str) -> String {
    // Times shown by `tar` are asked for in UTC, and nothing is translated.
    let output =
        Command::new("sh").args(["-euc", line]).current_dir(directory).env("TZ", "UTC").env("LC_ALL", "C").output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn write(directory: &TempDir, name: &str, bytes: &[u8]) {
    std::fs::write(directory.path().join(name), bytes).expect("a temporary file");
}

fn read(directory: &TempDir, name: &str) -> Vec<u8> {
    std::fs::read(directory.path().join(name)).expect("a file the tool made")
}

#[test] // artifacts.md §6, §7: the publishing guide's own commands
fn what_openssl_and_tar_make_verifies() {
    if !tools() {
        return;
    }
    let toy = Toy::default();
    let files = TempDir::new().expect("a temporary directory");
    let run = |line: &str| run(files.path(), line);
    let (Files::Connector { wasm, manifest, .. }, Files::Action { document, .. }) =
        (toy.connector(), toy.action("say"))
    else {
        unreachable!("a connector and an action were made")
    };
    run("mkdir connector action");
    write(&files, "connector/connector.wasm", &wasm);
    write(&files, "connector/manifest.toml", &manifest);
    write(&files, "action/action.md", &document);
    run("openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out publisher.pub");
    run("cat connector/connector.wasm connector/manifest.toml > payload");
    run("openssl pkeyutl -sign -rawin -inkey key.pem -in payload -out connector/signature.sig");
    run("openssl pkeyutl -sign -rawin -inkey key.pem -in action/action.md -out action/signature.sig");
    let content = run("sha256sum payload");
    let content = content.split(' ').next().expect("a digest");
    let key = PublicKey::from_text(&read(&files, "publisher.pub")).expect("openssl's PEM");
    let ring = Keyring::of_keys([key]);

    let mut made = 0;
    for format in
        ["", "--format=pax", "--format=gnu", "--format=ustar", "--format=posix", "--format=v7", "--format=oldgnu"]
    {
        for members in ["*", ".", "./*", "$(ls -r)", "--mode=600 *", "--sort=name ."] {
            for compress in ["-cz", "-c --use-compress-program='gzip -9n'", "-c --use-compress-program='gzip -1'"] {
                for (kind, reference) in [("connector", toy.reference()), ("action", toy.action_reference("say"))] {
                    let line = format!("(cd {kind} && tar {compress} {format} -f ../aileron.tar.gz {members})");
                    run(&line);
                    let digest = run("sha256sum aileron.tar.gz");
                    let archive = read(&files, "aileron.tar.gz");
                    let verified = Unverified::new(archive).verify(&Wanted::of(reference), &ring);
                    let verified = verified.unwrap_or_else(|error| panic!("{line}: {error}"));
                    assert_eq!(
                        verified.digest().map(|digest| digest.hex()).as_deref(),
                        digest.split(' ').next(),
                        "{line}"
                    );
                    if let Some(found) = verified.content() {
                        assert_eq!(found.hex(), content, "{line}");
                    }
                    made += 1;
                }
            }
        }
    }
    say(format_args!("interop: {made} archives of GNU tar verified"));
    // `tar czf x .` from one directory up nests the names: refused.
    run("tar czf aileron.tar.gz connector");
    let refused = Unverified::new(read(&files, "aileron.tar.gz")).verify(&Wanted::default(), &ring);
    assert_eq!(refused.expect_err("nested names").class().as_str(), "malformed_tarball");
}

#[test] // artifacts.md §6, §7
fn what_we_make_openssl_and_tar_confirm() {
    if !tools() {
        return;
    }
    let toy = Toy::default();
    let files = TempDir::new().expect("a temporary directory");
    let run = |line: &str| run(files.path(), line);
    write(&files, "publisher.pub", toy.publisher.key().to_pem().as_bytes());
    let line = |size: usize, name: &str| format!("-rw-r--r-- 0/0 {size} 1970-01-01 00:00 {name}");
    for (artifact, payload) in [
        (toy.connector(), "cat connector.wasm manifest.toml > payload"),
        (toy.action("say"), "cat action.md > payload"),
    ] {
        let archive = pack(&artifact);
        write(&files, "aileron.tar.gz", &archive);
        run("gzip -t aileron.tar.gz && rm -rf out && mkdir out && tar xzf aileron.tar.gz -C out");
        let listed = run("tar tzvf aileron.tar.gz");
        let listed: Vec<String> =
            listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let members = aileron_testkit::tar::members(&artifact);
        let expected: Vec<String> = members.iter().map(|(name, content)| line(content.len(), name)).collect();
        assert_eq!(listed, expected);
        for (name, content) in members {
            assert_eq!(read(&files, &format!("out/{name}")), content);
        }
        let checked = run(&format!(
            "cd out && {payload} && openssl pkeyutl -verify -rawin -pubin -inkey ../publisher.pub -in payload -sigfile signature.sig"
        ));
        assert_eq!(checked.trim(), "Signature Verified Successfully");
        let digest = run("sha256sum aileron.tar.gz");
        assert_eq!(digest.split(' ').next(), Some(ArchiveDigest::of(&[&archive]).hex().as_str()));
    }
    let payload = run("rm -rf out && mkdir out");
    assert!(payload.is_empty());
    write(&files, "aileron.tar.gz", &pack(&toy.connector()));
    let digest = run("tar xzf aileron.tar.gz -C out && cd out && cat connector.wasm manifest.toml | sha256sum");
    assert_eq!(digest.split(' ').next(), Some(toy.content().hex().as_str()));
}

#[test] // the same seed is the same key for both: RFC 8032 leaves no choice
fn openssl_and_the_kit_sign_alike() {
    if !tools() {
        return;
    }
    let publisher = Publisher::from_seed(7);
    let files = TempDir::new().expect("a temporary directory");
    // PKCS#8 of an ed25519 seed: RFC 8410 §7.
    let der =
        [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &publisher.seed()].concat();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    write(&files, "key.pem", pem.as_bytes());
    write(&files, "payload", b"payload");
    run(files.path(), "openssl pkeyutl -sign -rawin -inkey key.pem -in payload -out signature.sig");
    assert_eq!(read(&files, "signature.sig"), publisher.sign(&[b"pay", b"load"]));
    let public = run(files.path(), "openssl pkey -in key.pem -pubout");
    assert_eq!(public, publisher.key().to_pem());
}
