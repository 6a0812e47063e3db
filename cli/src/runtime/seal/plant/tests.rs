use aileron_verifier::problem::Source;
use aileron_verifier::unit::{Layer, Origin, read_bindings};

use super::*;

const BINDINGS: &str = "version: v1
bindings:
  - {host: github.com, credential_ref: user/github, scheme: basic, username: x}
  - {host: '*.api.example.com', credential_ref: user/github, scheme: bearer}
  - {host: api.github.com, credential_ref: user/github, scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: placeholder, env: GH_TOKEN}}
  - {host: absent.example, credential_ref: user/absent, scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: placeholder, env: ABSENT}}
";

fn plant(variables: &[(&str, &str)], bindings: &str) -> Plant {
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let mut table = Effective::default();
    for entry in read_bindings(&Source::new("x", bindings)).expect("a document") {
        table.add_binding(entry, Origin::of(Layer::User, "x"));
    }
    let surroundings = Surroundings {
        environment: &environment,
        table: &table,
        is_held: &|reference| reference == "user/github",
        is_credential: &|value| value == "the credential",
        acquire: &|reference| format!("acquire {reference}"),
    };
    let certificates = Certificates::write(b"certificate", &environment).expect("writes");
    Plant::new(&surroundings, &certificates, OsStr::new("http://proxy"))
}

fn value(plant: &Plant, name: &str) -> Option<String> {
    let found = plant.set.iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value.to_string_lossy().into_owned())
}

#[test] // sealing.md §6, the first row
fn only_what_leads_to_a_sealed_host_is_taken_out_of_no_proxy() {
    for (before, after) in [
        ("localhost,127.0.0.1", None),
        ("*", Some("")),
        ("github.com", Some("")),
        (".github.com,localhost", Some("localhost")),
        ("*.github.com", Some("")),
        ("GitHub.com:443", Some("")),
        ("com", Some("")),
        ("api.github.com example.org", Some("example.org")),
        ("example.com,mygithub.com", Some("mygithub.com")),
        ("x.api.example.com", Some("")),
        ("hub.com,github.com.evil", None),
        ("10.0.0.0/8,::1", None),
        ("", None),
    ] {
        let plant = plant(&[("no_proxy", before)], BINDINGS);
        assert_eq!(value(&plant, "no_proxy").as_deref(), after, "{before}");
        assert_eq!(plant.notes.iter().any(|note| note.starts_with("no_proxy: without ")), after.is_some(), "{before}");
    }
}

#[test] // sealing.md §6, the second row
fn a_placeholder_is_planted_where_the_vault_has_what_takes_its_place() {
    let planted = plant(&[("GH_TOKEN", "mine"), ("ABSENT", "theirs")], BINDINGS);
    assert_eq!(value(&planted, "GH_TOKEN").as_deref(), Some("placeholder"));
    assert_eq!(value(&planted, "ABSENT"), None);
    let warning = "warning: user/absent is not in the vault, so requests for it are refused; acquire user/absent";
    assert_eq!(planted.notes, ["GH_TOKEN is replaced by a placeholder", warning]);
    // One that holds the credential itself is replaced, and no other copy of it stays.
    let planted = plant(&[("GH_TOKEN", "the credential"), ("COPY", "the credential"), ("OTHER", "x")], BINDINGS);
    assert_eq!(
        (value(&planted, "GH_TOKEN").as_deref(), planted.dropped.as_slice()),
        (Some("placeholder"), &["COPY".to_owned()][..])
    );
}

#[test] // sealing.md §6, the third row
fn certificates_are_named_to_every_kind_of_program() {
    let temp = tempfile::tempdir().expect("a directory");
    let extra = temp.path().join("corporate.pem");
    std::fs::write(&extra, "corporate").expect("writes");
    let environment: Environment = [(EXTRA.into(), extra.into_os_string())].into_iter().collect();
    let certificates = Certificates::write(&[7; 100], &environment).expect("writes");
    let read = |path: OsString| std::fs::read_to_string(path).expect("there");
    let ours = pem(&[7; 100]);
    assert!(ours.lines().all(|line| line.len() <= PEM_LINE) && ours.starts_with("-----BEGIN CERTIFICATE-----\nBwcH"));
    let bundle = read(certificates.bundle());
    assert!(bundle.ends_with(&ours) && bundle.matches("BEGIN CERTIFICATE").count() > 1, "the roots of this system too");
    assert_eq!(read(certificates.authority()), format!("corporate\n{ours}"), "what the user had stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = certificates.directory.path().metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let path = certificates.bundle();
    drop(certificates);
    assert!(!Path::new(&path).exists());
}

#[test] // sealing.md §6, the fourth row
fn git_is_told_only_where_a_user_and_a_password_are_injected() {
    let planted = plant(&[("GIT_CONFIG_COUNT", "2")], BINDINGS);
    for (name, expected) in [
        ("GIT_CONFIG_COUNT", "3"),
        ("GIT_CONFIG_KEY_2", "credential.helper"),
        ("GIT_CONFIG_VALUE_2", ""),
        ("GIT_TERMINAL_PROMPT", "0"),
    ] {
        assert_eq!(value(&planted, name).as_deref(), Some(expected), "{name}");
    }
    let bearer = "version: v1\nbindings: [{host: a.example, credential_ref: user/github, scheme: bearer}]\n";
    assert_eq!(value(&plant(&[], bearer), "GIT_CONFIG_COUNT"), None);
}
