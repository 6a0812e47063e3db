//! Bad input: a clear first line, the right exit code, nothing half-written, the work tree untouched.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::with_client_secret;
use aileron_testkit::home::{PUBLIC_KEY, TestHome};
use aileron_testkit::{Requirement, skip};

const RELEASE: &str = "aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry";

/// Runs a line that must fail with this exit code and a first line that starts so, and change nothing; with `--json`
/// the same is said in one document. Returns what was on standard error.
fn refused(home: &TestHome, line: &str, code: i32, first: &str) -> String {
    let before = (home.files(), git_status(home));
    let ran = home.run(&format!("{line} --quiet"));
    assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
    let said = ran.stderr.lines().next().unwrap_or_default();
    assert!(said.starts_with(first), "{line}\nexpected: {first}\n     was: {said}");
    let json = home.run(&format!("{line} --json --quiet"));
    let (document, class) = (json.json(), first.split(':').next().unwrap());
    assert_eq!(
        (json.code, document["error"]["class"].as_str(), json.stderr.as_str()),
        (code, Some(class), ""),
        "{line}"
    );
    assert_eq!((home.files(), git_status(home)), before, "{line} changed something");
    ran.stderr
}

fn git_status(home: &TestHome) -> Option<String> {
    home.path("tea/.git/HEAD").exists().then(|| home.git(&["status", "--porcelain"]))
}

#[test]
fn a_repository_that_is_none_is_named_as_what_it_lacks() {
    let home = TestHome::with_tea();
    fs::create_dir(home.path("nothing")).unwrap();
    let release = RELEASE.replace("-C tea", "-C nothing");
    let gone = "aileron-pub -C gone check";
    for line in [release.as_str(), "aileron-pub -C nothing check", "aileron-pub -C nothing keys show", gone] {
        refused(&home, line, 6, "validation_error: no connector manifest: there is no connector/manifest.toml in ");
    }
    fs::rename(home.path("tea/.git"), home.path("git")).unwrap();
    let said = refused(&home, RELEASE, 6, "validation_error: [".trim_end_matches('['));
    assert!(said.contains("tea is not in a git repository\nnext: git init && git add -A"), "{said}");
    home.git(&["init", "-q"]);
    let said = refused(&home, RELEASE, 6, "validation_error: the git repository has no commit yet");
    assert!(said.contains("next: git add -A && git commit"), "{said}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_shown_where_it_breaks() {
    let home = TestHome::with_tea();
    let manifest = "tea/connector/manifest.toml";
    home.write(manifest, "[connector\n");
    for line in ["aileron-pub -C tea check", RELEASE, "aileron-pub -C tea keys show"] {
        let said = refused(&home, line, 6, "parse_error: 1 problem stops ");
        assert!(said.lines().next().unwrap().ends_with(" (connector/manifest.toml:1)"), "{said}");
    }
    let drawn = home.run("aileron-pub -C tea check").stdout;
    assert!(drawn.contains("1 │ [connector\n") && drawn.contains("─"), "{drawn}");
    home.write(manifest, b"\xff\xfe[connector]\n");
    refused(&home, "aileron-pub -C tea check", 6, "parse_error: 1 problem stops a release (connector/manifest.toml:1)");
    assert!(home.run("aileron-pub -C tea check").stdout.contains("connector/manifest.toml: byte 0 is not UTF-8"));
    fs::remove_file(home.path(manifest)).unwrap();
    fs::create_dir(home.path(manifest)).unwrap();
    let stopped = "validation_error: 1 problem stops this release (connector/manifest.toml:1)";
    refused(&home, RELEASE, 6, stopped);
    fs::remove_dir(home.path(manifest)).unwrap();
    home.git(&["checkout", "-q", "."]);
    fs::remove_file(home.path("tea/actions/tea-ping/action.md")).unwrap();
    fs::create_dir(home.path("tea/actions/tea-ping/action.md")).unwrap();
    let stopped = "validation_error: 1 problem stops a release (actions/tea-ping/action.md:1)";
    refused(&home, "aileron-pub -C tea check", 6, stopped);
}

#[test]
fn a_version_is_strict_semver_and_not_the_placeholder() {
    let home = TestHome::with_tea();
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
            refused(&home, &format!("aileron-pub -C tea {verb} {version} {rest}"), 2, &first);
        }
    }
    for version in ["v1.0.0-rc.1+build.5", "18446744073709551616.0.0"] {
        home.ok(&format!("aileron-pub -C tea plan {version} --to dir:registry"));
    }
}

#[test]
fn flags_that_make_no_sense_are_usage_errors() {
    let home = TestHome::with_tea();
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
        refused(&home, &line, 2, first);
    }
}

#[test]
fn a_client_secret_that_is_missing_names_the_variables() {
    let home = TestHome::with_tea();
    with_client_secret(&home);
    let said = refused(
        &home,
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
        &home,
        &given("--client-secret-env MINE"),
        6,
        "validation_error: the manifest wants a client secret and none is set; looked at $MINE",
    );
    home.write("empty", "\n");
    refused(
        &home,
        &given("--client-secret-file empty"),
        6,
        "validation_error: the manifest wants a client secret and none is set; looked at empty (empty)",
    );
    refused(&home, &given("--client-secret-file gone"), 1, "fetch_failed: cannot read gone");
    home.write("binary", b"\xff\xfe");
    refused(
        &home,
        &given("--client-secret-file binary"),
        6,
        "validation_error: the client secret from binary is not UTF-8",
    );
    home.write("secret", "client-5ecret\n");
    home.ok(&given("--client-secret-file secret"));
}

#[test]
fn a_signing_key_that_cannot_sign_says_what_it_is() {
    let home = TestHome::with_tea();
    let key = home.read("publisher.key");
    home.write("public.pem", PUBLIC_KEY);
    home.write("twice.pem", key.repeat(2));
    home.write("literal.pem", key.replace('\n', "\\n"));
    home.write("cut.pem", &key[..60]);
    home.write("empty.pem", "\n");
    home.write("words.pem", "open sesame\n");
    for (file, first) in [
        ("public.pem", "this is a public key; signing needs the private key"),
        ("twice.pem", "there are 2 PEM blocks; give exactly one private key"),
        ("literal.pem", r"the private key has literal \n where line breaks belong"),
        ("cut.pem", "the private key is cut off"),
        ("empty.pem", "the private key is empty"),
        ("words.pem", "this is no private key"),
    ] {
        let line = RELEASE.replace("publisher.key", file);
        refused(&home, &line, 1, &format!("validation_error: key file {file}: {first}"));
    }
    let line = RELEASE.replace("publisher.key", "gone.pem");
    refused(&home, &line, 1, "fetch_failed: cannot read the private key gone.pem");
    if Requirement::Openssl.is_met() {
        home.ok("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out rsa.pem");
        let line = RELEASE.replace("publisher.key", "rsa.pem");
        refused(&home, &line, 1, "validation_error: key file rsa.pem: this is an RSA private key");
        home.ok("openssl genpkey -algorithm ed25519 -out other.pem");
        let said = refused(
            &home,
            &RELEASE.replace("publisher.key", "other.pem"),
            3,
            "signature_failure: the signing key is sha256:",
        );
        assert_eq!(said.matches("sha256:").count(), 2, "both fingerprints: {said}");
    }
    home.git(&["rm", "-q", "keys/publisher.pub"]);
    home.git(&["commit", "-q", "-m", "no key"]);
    let said = refused(&home, RELEASE, 6, "validation_error: there is no keys/publisher.pub");
    assert!(said.contains("next: aileron-pub keys generate, then commit keys/"), "{said}");
}

#[test]
fn a_module_that_is_no_connector_is_refused_before_signing() {
    let home = TestHome::with_tea();
    let module = |name: &str, text: &str| home.write(name, wat::parse_str(text).unwrap());
    module(
        "foreign.wasm",
        r#"(module (import "env" "steal" (func)) (memory (export "memory") 1) (func (export "_start")))"#,
    );
    module("library.wasm", r#"(module (memory (export "memory") 1) (func (export "start")))"#);
    home.write("text.wasm", "# not a module\n");
    home.write("empty.wasm", "");
    for (file, first) in [
        ("foreign.wasm", "build_failed: the built module is not a connector: "),
        ("library.wasm", "build_failed: the built module is not a connector: "),
        ("text.wasm", "build_failed: the built module is not usable: not a wasm module"),
        ("empty.wasm", "build_failed: the built module is not usable: "),
        ("gone.wasm", "build_failed: cannot read gone.wasm"),
    ] {
        refused(&home, &format!("{RELEASE} --wasm {file}"), 1, first);
        refused(&home, &format!("aileron-pub -C tea build v0.1.0 --wasm {file}"), 1, first);
    }
    let said = refused(&home, &format!("{RELEASE} --wasm foreign.wasm"), 1, "build_failed");
    assert!(said.contains("steal"), "{said}");
    let said = refused(&home, &format!("{RELEASE} --wasm library.wasm"), 1, "build_failed");
    assert!(said.contains("_start"), "{said}");
}

#[test]
fn a_build_that_fails_shows_the_compilers_own_words() {
    let home = TestHome::with_tea();
    home.replace("tea/connector/connector.wat", "(module", "(modul");
    home.commit();
    let said = refused(&home, RELEASE, 1, "build_failed: ");
    assert!(said.contains("connector/connector.wat:"), "{said}");
    home.git(&["rm", "-q", "connector/connector.wat"]);
    home.git(&["commit", "-q", "-m", "nothing to build"]);
    refused(&home, RELEASE, 1, "build_failed: nothing to build in ");
    home.replace("tea/aileron-pub.toml", "\"wat\"", "\"go\"");
    home.write("tea/connector/go.mod", "module example.com/tea\n\ngo 1.21\n");
    home.write("tea/connector/main.go", "package main\n\nfunc main() { undefined() \n");
    home.commit();
    if Requirement::Go.is_met() {
        let said = refused(&home, RELEASE, 1, "build_failed: go failed (exit status: 1)");
        assert!(said.contains("  connector/main.go:4:1: syntax error") && !said.contains("/tmp"), "{said}");
    }
    // The only program on this path is git.
    let git = Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout;
    fs::create_dir(home.path("bin")).unwrap();
    std::os::unix::fs::symlink(String::from_utf8(git).unwrap().trim(), home.path("bin/git")).unwrap();
    let line = format!("PATH={} {RELEASE}", home.path("bin").display());
    refused(&home, &line, 1, "build_failed: go was not found in PATH: install Go ");
}

#[test]
fn a_place_that_cannot_be_written_stays_as_it_was() {
    let home = TestHome::with_tea();
    home.write("file", "mine");
    let released = refused(&home, &RELEASE.replace("dir:registry", "dir:file"), 1, "store_unwritable: cannot ");
    assert!(released.contains("next: make room or correct the permissions"), "{released}");
    refused(&home, &RELEASE.replace("dir:registry", "dir:file/below"), 1, "store_unwritable: cannot ");
    refused(&home, "aileron-pub -C tea pack v0.1.0 --key publisher.key --out file", 1, "store_unwritable: cannot ");
    refused(&home, "aileron-pub -C tea build v0.1.0 --out file/connector.wasm", 1, "store_unwritable: cannot ");
    refused(&home, "aileron-pub init file --owner acme --language wat --yes", 2, "usage_error: ");
    refused(&home, "aileron-pub init file/below --owner acme --language wat --yes", 2, "usage_error: ");
    assert_eq!(home.read("file"), "mine");
}

#[test]
fn a_full_disk_stops_a_release_that_then_continues() {
    let home = TestHome::with_tea();
    fs::create_dir(home.path("registry")).unwrap();
    let mount =
        |arguments: &[&str]| home.command("mount").args(arguments).output().is_ok_and(|out| out.status.success());
    if !mount(&["-t", "tmpfs", "-o", "size=8k", "tmpfs", "registry"]) {
        skip(Requirement::Mount, "this machine does not let a test mount a tmpfs");
        return;
    }
    let full = home.run(&format!("{RELEASE} --quiet"));
    let grown = mount(&["-o", "remount,size=1m", "registry"]);
    let public = home.files().into_keys().filter(|path| path.ends_with("aileron.tar.gz"));
    let public = public.filter(|path| !path.to_string_lossy().contains("/.")).count();
    let again = home.run(&format!("{RELEASE} --quiet"));
    let judged = home.run("aileron verify registry --key tea/keys/publisher.pub --quiet");
    let undone = home.command("umount").arg("registry").status().is_ok_and(|status| status.success());
    assert!(grown && undone, "the mount could not be changed");
    assert_eq!(full.code, 1, "{}", full.stderr);
    assert!(full.stderr.starts_with("store_unwritable: ") && full.stderr.contains("No space left"), "{}", full.stderr);
    assert_eq!(public, 0, "something was public before everything was staged");
    assert_eq!((again.code, judged.code), (0, 0), "{}{}", again.stderr, judged.stderr);
}

#[test]
fn a_keyring_that_is_no_keyring_gives_no_verdict() {
    let home = TestHome::released();
    let verify = "aileron verify registry --keyring ring.json";
    refused(&home, verify, 4, "fetch_failed: cannot read ring.json: there is no such file");
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
        home.write("ring.json", text);
        refused(&home, verify, 1, &format!("validation_error: keyring \"ring.json\": {said}"));
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(home.path("ring.json"), open).unwrap();
    let said = refused(&home, verify, 1, "validation_error: ring.json can be written by other users");
    assert!(said.contains("next: chmod go-w ring.json"), "{said}");
    home.write("not.pub", "open sesame");
    refused(&home, "aileron verify registry --key not.pub", 1, "validation_error: not.pub: ");
    refused(&home, "aileron verify registry --key publisher.key", 1, "validation_error: publisher.key: ");
}

#[test]
fn an_archive_in_another_artifacts_place_is_refused() {
    let home = TestHome::released();
    let place =
        |version: &str| format!("registry/acme/aileron-connector-tea/releases/download/{version}/aileron.tar.gz");
    fs::create_dir(home.path(&place("v0.9.0")).parent().unwrap()).unwrap();
    fs::copy(home.path(&place("v0.1.0")), home.path(&place("v0.9.0"))).unwrap();
    let ours = "--key tea/keys/publisher.pub";
    refused(&home, &format!("aileron verify registry {ours}"), 3, "fqn_mismatch: ");
    let replayed = format!("aileron verify github://acme/aileron-connector-tea@0.9.0 --from registry {ours}");
    refused(&home, &replayed, 3, "fqn_mismatch: ");
}

#[test]
fn standard_output_that_is_gone_is_no_panic() {
    let home = TestHome::with_tea();
    for line in
        ["aileron-pub -C tea keys show", "aileron-pub --help", "aileron-pub -C tea check --json", "aileron verify gone"]
    {
        let mut child = home.typed(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked") && output.status.code().is_some(), "{line}: {} {said}", output.status);
    }
    if std::path::Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = home.typed("aileron-pub -C tea keys show").stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(said.starts_with("store_unwritable: cannot write the result to standard output: "), "{said}");
    }
}

#[test]
fn standard_input_is_never_waited_for() {
    let home = TestHome::with_tea();
    let closed = home
        .command("sh")
        .args(["-c", &format!("{} -C tea keys generate <&-", env!("CARGO_BIN_EXE_aileron-pub"))])
        .output()
        .unwrap();
    assert_eq!(closed.status.code(), Some(2), "{}", String::from_utf8_lossy(&closed.stderr));
    let mut child =
        home.typed(&format!("{RELEASE} --quiet")).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(b"yes\n");
    assert!(child.wait().unwrap().success());
}
