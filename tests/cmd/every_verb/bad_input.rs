//! Bad input: a clear first line, the right exit code, nothing half-written, the work tree untouched.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::transcripts::with_client_secret;
use aileron_testkit::{Requirement, skip};

use crate::house::{House, PUBLIC_KEY};

const RELEASE: &str = "aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry";

/// Runs a line that must fail with this exit code and a first line that starts so, and change nothing; with `--json`
/// the same is said in one document. Returns what was on standard error.
fn refused(house: &House, line: &str, code: i32, first: &str) -> String {
    let before = (house.files(), git_status(house));
    let ran = house.run(&format!("{line} --quiet"));
    assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
    let said = ran.stderr.lines().next().unwrap_or_default();
    assert!(said.starts_with(first), "{line}\nexpected: {first}\n     was: {said}");
    let json = house.run(&format!("{line} --json --quiet"));
    let (document, class) = (json.json(), first.split(':').next().unwrap());
    assert_eq!(
        (json.code, document["error"]["class"].as_str(), json.stderr.as_str()),
        (code, Some(class), ""),
        "{line}"
    );
    assert_eq!((house.files(), git_status(house)), before, "{line} changed something");
    ran.stderr
}

fn git_status(house: &House) -> Option<String> {
    house.path("tea/.git/HEAD").exists().then(|| house.git(&["status", "--porcelain"]))
}

#[test]
fn a_repository_that_is_none_is_named_as_what_it_lacks() {
    let house = House::new();
    fs::create_dir(house.path("nothing")).unwrap();
    let release = RELEASE.replace("-C tea", "-C nothing");
    for line in [release.as_str(), "aileron-pub -C nothing check", "aileron-pub -C nothing keys show"] {
        refused(&house, line, 6, "validation_error: no connector manifest: there is no connector/manifest.toml in ");
    }
    refused(&house, "aileron-pub -C gone check", 1, "fetch_failed: cannot open gone: ");
    fs::rename(house.path("tea/.git"), house.path("git")).unwrap();
    let said = refused(&house, RELEASE, 6, "validation_error: [".trim_end_matches('['));
    assert!(said.contains("tea is not in a git repository\nnext: git init && git add -A"), "{said}");
    house.git(&["init", "-q"]);
    let said = refused(&house, RELEASE, 6, "validation_error: the git repository has no commit yet");
    assert!(said.contains("next: git add -A && git commit"), "{said}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_shown_where_it_breaks() {
    let house = House::new();
    let manifest = "tea/connector/manifest.toml";
    house.write(manifest, "[connector\n");
    for line in ["aileron-pub -C tea check", RELEASE, "aileron-pub -C tea keys show"] {
        let said = refused(&house, line, 6, "parse_error: 1 problem stops ");
        assert!(said.lines().next().unwrap().ends_with(" (connector/manifest.toml:1)"), "{said}");
    }
    let drawn = house.run("aileron-pub -C tea check").stdout;
    assert!(drawn.contains("1 │ [connector\n") && drawn.contains("─"), "{drawn}");
    house.write(manifest, b"\xff\xfe[connector]\n");
    refused(
        &house,
        "aileron-pub -C tea check",
        6,
        "parse_error: 1 problem stops a release (connector/manifest.toml:1)",
    );
    assert!(house.run("aileron-pub -C tea check").stdout.contains("connector/manifest.toml: byte 0 is not UTF-8"));
    fs::remove_file(house.path(manifest)).unwrap();
    fs::create_dir(house.path(manifest)).unwrap();
    let stopped = "validation_error: 1 problem stops this release (connector/manifest.toml:1)";
    refused(&house, RELEASE, 6, stopped);
    fs::remove_dir(house.path(manifest)).unwrap();
    house.git(&["checkout", "-q", "."]);
    fs::remove_file(house.path("tea/actions/tea-ping/action.md")).unwrap();
    fs::create_dir(house.path("tea/actions/tea-ping/action.md")).unwrap();
    let stopped = "validation_error: 1 problem stops a release (actions/tea-ping/action.md:1)";
    refused(&house, "aileron-pub -C tea check", 6, stopped);
}

#[test]
fn a_version_is_strict_semver_and_not_the_placeholder() {
    let house = House::new();
    for version in [
        "vfoo",
        "1.2",
        "v1.0.0-a&b",
        "v1.0.0-é",
        "vv1.0.0",
        "v01.0.0",
        "v1.0.0-01",
        "../v1.0.0",
        "v0.0.0-dev",
        "0.0.0-dev",
    ] {
        for verb in [
            "build",
            "pack --key publisher.key",
            "plan --to dir:registry",
            "release --key publisher.key --to dir:registry",
            "status --to dir:registry",
            "check",
        ] {
            let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
            let first = format!("usage_error: invalid value '{version}' for ");
            refused(&house, &format!("aileron-pub -C tea {verb} {version} {rest}"), 2, &first);
        }
    }
    for version in ["v1.0.0-rc.1+build.5", "18446744073709551616.0.0"] {
        house.ok(&format!("aileron-pub -C tea plan {version} --to dir:registry"));
    }
}

#[test]
fn flags_that_make_no_sense_are_usage_errors() {
    let house = House::new();
    for (line, first) in [
        (RELEASE.replace("dir:registry", "registry"), "usage_error: invalid value 'registry' for '--to"),
        (RELEASE.replace("dir:registry", "dir:"), "usage_error: invalid value 'dir:' for '--to"),
        (format!("{RELEASE} --allow no-such-rule"), "usage_error: invalid value 'no-such-rule' for '--allow"),
        (format!("{RELEASE} --allow toml-syntax"), "usage_error: invalid value 'toml-syntax' for '--allow"),
        (format!("{RELEASE} --client-secret-env X"), "usage_error: --client-secret-env gives a client secret"),
        (format!("{RELEASE} --client-secret-file X"), "usage_error: --client-secret-file gives a client secret"),
        (format!("{RELEASE} --client-secret-file X --client-secret-env X"), "usage_error: the argument"),
        ("aileron-pub -C tea release v0.1.0 --to dir:registry".to_owned(), "usage_error: there is no signing key: "),
    ] {
        refused(&house, &line, 2, first);
    }
}

#[test]
fn a_client_secret_that_is_missing_names_the_variables() {
    let house = House::new();
    with_client_secret(&house);
    let said = refused(
        &house,
        RELEASE,
        6,
        "validation_error: the manifest wants a client secret and none is set; looked at $AILERON_CLIENT_SECRET, $TEA_OAUTH_CLIENT_SECRET",
    );
    assert!(
        said.contains("next: set one of them, or pass --client-secret-env NAME or --client-secret-file FILE"),
        "{said}"
    );
    let given = |flag: &str| format!("{RELEASE} {flag}");
    refused(
        &house,
        &given("--client-secret-env MINE"),
        6,
        "validation_error: the manifest wants a client secret and none is set; looked at $MINE",
    );
    house.write("empty", "\n");
    refused(
        &house,
        &given("--client-secret-file empty"),
        6,
        "validation_error: the manifest wants a client secret and none is set; looked at empty (empty)",
    );
    refused(&house, &given("--client-secret-file gone"), 1, "fetch_failed: cannot read gone");
    house.write("binary", b"\xff\xfe");
    refused(
        &house,
        &given("--client-secret-file binary"),
        6,
        "validation_error: the client secret from binary is not UTF-8",
    );
    house.write("secret", "client-5ecret\n");
    house.ok(&given("--client-secret-file secret"));
}

#[test]
fn a_signing_key_that_cannot_sign_says_what_it_is() {
    let house = House::new();
    let key = house.read("publisher.key");
    house.write("public.pem", PUBLIC_KEY);
    house.write("twice.pem", key.repeat(2));
    house.write("literal.pem", key.replace('\n', "\\n"));
    house.write("cut.pem", &key[..60]);
    house.write("empty.pem", "\n");
    house.write("words.pem", "open sesame\n");
    for (file, first) in [
        ("public.pem", "this is a public key; signing needs the private key"),
        ("twice.pem", "there are 2 PEM blocks; give exactly one private key"),
        ("literal.pem", r"the private key has literal \n where line breaks belong"),
        ("cut.pem", "the private key is cut off"),
        ("empty.pem", "the private key is empty"),
        ("words.pem", "this is no private key"),
    ] {
        let line = RELEASE.replace("publisher.key", file);
        refused(&house, &line, 1, &format!("validation_error: key file {file}: {first}"));
    }
    let line = RELEASE.replace("publisher.key", "gone.pem");
    refused(&house, &line, 1, "fetch_failed: cannot read the private key gone.pem");
    if Requirement::Openssl.is_met() {
        house.ok("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out rsa.pem");
        let line = RELEASE.replace("publisher.key", "rsa.pem");
        refused(&house, &line, 1, "validation_error: key file rsa.pem: this is an RSA private key");
        house.ok("openssl genpkey -algorithm ed25519 -out other.pem");
        let said = refused(
            &house,
            &RELEASE.replace("publisher.key", "other.pem"),
            3,
            "signature_failure: the signing key is sha256:",
        );
        assert_eq!(said.matches("sha256:").count(), 2, "both fingerprints: {said}");
    }
    house.git(&["rm", "-q", "keys/publisher.pub"]);
    house.git(&["commit", "-q", "-m", "no key"]);
    let said = refused(&house, RELEASE, 6, "validation_error: there is no keys/publisher.pub");
    assert!(said.contains("next: aileron-pub keys generate, then commit keys/"), "{said}");
}

#[test]
fn a_module_that_is_no_connector_is_refused_before_signing() {
    let house = House::new();
    let module = |name: &str, text: &str| house.write(name, wat::parse_str(text).unwrap());
    module(
        "foreign.wasm",
        r#"(module (import "env" "steal" (func)) (memory (export "memory") 1) (func (export "_start")))"#,
    );
    module("library.wasm", r#"(module (memory (export "memory") 1) (func (export "start")))"#);
    house.write("text.wasm", "# not a module\n");
    house.write("empty.wasm", "");
    for (file, first) in [
        ("foreign.wasm", "build_failed: the built module is not a connector: "),
        ("library.wasm", "build_failed: the built module is not a connector: "),
        ("text.wasm", "build_failed: the built module is not usable: not a wasm module"),
        ("empty.wasm", "build_failed: the built module is not usable: "),
        ("gone.wasm", "build_failed: cannot read gone.wasm"),
    ] {
        refused(&house, &format!("{RELEASE} --wasm {file}"), 1, first);
        refused(&house, &format!("aileron-pub -C tea build v0.1.0 --wasm {file}"), 1, first);
    }
    let said = refused(&house, &format!("{RELEASE} --wasm foreign.wasm"), 1, "build_failed");
    assert!(said.contains("steal"), "{said}");
    let said = refused(&house, &format!("{RELEASE} --wasm library.wasm"), 1, "build_failed");
    assert!(said.contains("_start"), "{said}");
}

#[test]
fn a_build_that_fails_shows_the_compilers_own_words() {
    let house = House::new();
    house.replace("tea/connector/connector.wat", "(module", "(modul");
    house.commit();
    let said = refused(&house, RELEASE, 1, "build_failed: ");
    assert!(said.contains("connector/connector.wat:"), "{said}");
    house.git(&["rm", "-q", "connector/connector.wat"]);
    house.git(&["commit", "-q", "-m", "nothing to build"]);
    refused(&house, RELEASE, 1, "build_failed: nothing to build in ");
    house.write("tea/connector/go.mod", "module example.com/tea\n\ngo 1.21\n");
    house.write("tea/connector/main.go", "package main\n\nfunc main() { undefined() \n");
    house.commit();
    if Requirement::Go.is_met() {
        let said = refused(&house, RELEASE, 1, "build_failed: go failed (exit status: 1)");
        assert!(said.contains("  connector/main.go:4:1: syntax error") && !said.contains("/tmp"), "{said}");
    }
    // The only program on this path is git.
    let git = Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout;
    fs::create_dir(house.path("bin")).unwrap();
    std::os::unix::fs::symlink(String::from_utf8(git).unwrap().trim(), house.path("bin/git")).unwrap();
    let line = format!("PATH={} {RELEASE}", house.path("bin").display());
    refused(&house, &line, 1, "build_failed: go was not found in PATH: install Go ");
}

#[test]
fn a_place_that_cannot_be_written_stays_as_it_was() {
    let house = House::new();
    house.write("file", "mine");
    let released = refused(&house, &RELEASE.replace("dir:registry", "dir:file"), 1, "store_unwritable: cannot ");
    assert!(released.contains("next: make room or correct the permissions"), "{released}");
    refused(&house, &RELEASE.replace("dir:registry", "dir:file/below"), 1, "store_unwritable: cannot ");
    refused(&house, "aileron-pub -C tea pack v0.1.0 --key publisher.key --out file", 1, "store_unwritable: cannot ");
    refused(&house, "aileron-pub -C tea build v0.1.0 --out file/connector.wasm", 1, "store_unwritable: cannot ");
    refused(&house, "aileron-pub init file --owner acme --language wat --yes", 2, "usage_error: ");
    refused(&house, "aileron-pub init file/below --owner acme --language wat --yes", 2, "usage_error: ");
    assert_eq!(house.read("file"), "mine");
}

#[test]
fn a_full_disk_stops_a_release_that_then_continues() {
    let house = House::new();
    fs::create_dir(house.path("registry")).unwrap();
    let mount =
        |arguments: &[&str]| house.command("mount").args(arguments).output().is_ok_and(|out| out.status.success());
    if !mount(&["-t", "tmpfs", "-o", "size=8k", "tmpfs", "registry"]) {
        skip(Requirement::Mount, "this machine does not let a test mount a tmpfs");
        return;
    }
    let full = house.run(&format!("{RELEASE} --quiet"));
    let grown = mount(&["-o", "remount,size=1m", "registry"]);
    let public = house.files().into_keys().filter(|path| path.ends_with("aileron.tar.gz"));
    let public = public.filter(|path| !path.to_string_lossy().contains("/.")).count();
    let again = house.run(&format!("{RELEASE} --quiet"));
    let judged = house.run("aileron verify registry --key tea/keys/publisher.pub --quiet");
    let undone = house.command("umount").arg("registry").status().is_ok_and(|status| status.success());
    assert!(grown && undone, "the mount could not be changed");
    assert_eq!(full.code, 1, "{}", full.stderr);
    assert!(full.stderr.starts_with("store_unwritable: ") && full.stderr.contains("No space left"), "{}", full.stderr);
    assert_eq!(public, 0, "something was public before everything was staged");
    assert_eq!((again.code, judged.code), (0, 0), "{}{}", again.stderr, judged.stderr);
}

#[test]
fn a_keyring_that_is_no_keyring_gives_no_verdict() {
    let house = House::released();
    let verify = "aileron verify registry --keyring ring.json";
    refused(&house, verify, 4, "fetch_failed: cannot read ring.json: there is no such file");
    for (text, said) in [
        ("", "invalid JSON"),
        ("{", "invalid JSON"),
        ("{}", "unsupported version 0 (expected 1 or 2)"),
        (r#"{"version":99}"#, "unsupported version 99 (expected 1 or 2)"),
        (
            r#"{"version":2,"publishers":{"github://a/b":["AAAA"]}}"#,
            "authority \"github://a/b\" key[0]: decoded length 3, want 32",
        ),
    ] {
        house.write("ring.json", text);
        refused(&house, verify, 1, &format!("validation_error: keyring \"ring.json\": {said}"));
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(house.path("ring.json"), open).unwrap();
    let said = refused(&house, verify, 1, "validation_error: ring.json can be written by other users");
    assert!(said.contains("next: chmod go-w ring.json"), "{said}");
    house.write("not.pub", "open sesame");
    refused(&house, "aileron verify registry --key not.pub", 1, "validation_error: not.pub: ");
    refused(&house, "aileron verify registry --key publisher.key", 1, "validation_error: publisher.key: ");
}

#[test]
fn an_archive_in_another_artifacts_place_is_refused() {
    let house = House::released();
    let place =
        |version: &str| format!("registry/acme/aileron-connector-tea/releases/download/{version}/aileron.tar.gz");
    fs::create_dir(house.path(&place("v0.9.0")).parent().unwrap()).unwrap();
    fs::copy(house.path(&place("v0.1.0")), house.path(&place("v0.9.0"))).unwrap();
    let ours = "--key tea/keys/publisher.pub";
    refused(&house, &format!("aileron verify registry {ours}"), 3, "fqn_mismatch: ");
    let replayed = format!("aileron verify github://acme/aileron-connector-tea@0.9.0 --from registry {ours}");
    refused(&house, &replayed, 3, "fqn_mismatch: ");
}

#[test]
fn standard_output_that_is_gone_is_no_panic() {
    let house = House::new();
    for line in
        ["aileron-pub -C tea keys show", "aileron-pub --help", "aileron-pub -C tea check --json", "aileron verify gone"]
    {
        let mut child = house.typed(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked") && output.status.code().is_some(), "{line}: {} {said}", output.status);
    }
    if std::path::Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = house.typed("aileron-pub -C tea keys show").stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(said.starts_with("store_unwritable: cannot write the result to standard output: "), "{said}");
    }
}

#[test]
fn standard_input_is_never_waited_for() {
    let house = House::new();
    let closed = house
        .command("sh")
        .args(["-c", &format!("{} -C tea keys generate <&-", env!("CARGO_BIN_EXE_aileron-pub"))])
        .output()
        .unwrap();
    assert_eq!(closed.status.code(), Some(2), "{}", String::from_utf8_lossy(&closed.stderr));
    let mut child =
        house.typed(&format!("{RELEASE} --quiet")).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(b"yes\n");
    assert!(child.wait().unwrap().success());
}
