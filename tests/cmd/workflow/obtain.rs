//! How the action finds a binary it may trust: from a release on the fake GitHub, signed by a key made for the test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use aileron_cli::HOME;
use aileron_cli::publisher::forge::model::GitHub as Model;
use aileron_testkit::github::{FakeGitHub, Repository as Remote};
use aileron_testkit::home::tree::sha256;
use aileron_testkit::home::{Ran, TestHome, ok, run};
use aileron_testkit::{Publisher, Requirement};
use serde_json::Value;

use super::{RELEASE_KEY, checkout, workspace};

const NAME: &str = "aileron-pub-0.9.0-x86_64-unknown-linux-gnu";
const PROGRAM: &[u8] = b"#!/bin/sh\necho \"$@\"\n";

/// A home with one release, a release key, and an action that knows both.
struct Place {
    home: TestHome,
    fake: FakeGitHub,
    key: Publisher,
}

impl Place {
    fn new() -> Option<Place> {
        if !Requirement::Curl.is_met() || !Requirement::Openssl.is_met() {
            return None;
        }
        let fake = FakeGitHub::start(Model::new(Remote::new("aileron-pub", "aileron-pub")));
        let place = Place { home: TestHome::new(), fake, key: Publisher::from_seed(7) };
        checkout(&place.root(), |file, text| match file {
            "action/release.pub" => place.key.key().to_pem(),
            "action/obtain.sh" => {
                let pinned = text.lines().find(|line| line.starts_with("readonly RELEASE_KEY=")).unwrap().to_owned();
                let ours = format!("readonly RELEASE_KEY={}", place.key.fingerprint());
                text.replace("'=https'", "'=http'")
                    .replace(HOME, &format!("{}/aileron-pub/aileron-pub", place.fake.url()))
                    .replace(&pinned, &ours)
            }
            "Cargo.toml" => {
                text.replace(&format!("\nversion = \"{}\"", env!("CARGO_PKG_VERSION")), "\nversion = \"0.9.0\"")
            }
            _ => text,
        });
        Some(place)
    }

    fn root(&self) -> PathBuf {
        self.home.path("action checkout")
    }

    /// The script pins no key any more.
    fn unpin(&self) {
        let file = self.root().join("action/obtain.sh");
        let text = fs::read_to_string(&file).unwrap();
        let pinned = text.lines().find(|line| line.starts_with("readonly RELEASE_KEY=")).unwrap().to_owned();
        fs::write(&file, text.replace(&pinned, "readonly RELEASE_KEY=")).unwrap();
    }

    /// Publishes these files as v0.9.0.
    fn release(&self, files: &[(&str, &[u8])]) {
        let curl = |args: &[&str]| {
            let mut command = self.home.command("curl");
            ok(command
                .args(["--silent", "--fail", "-H", "authorization: token x", "-H", "user-agent: test"])
                .args(args))
        };
        let body = format!(r#"{{"tag_name": "v0.9.0", "target_commitish": "{}"}}"#, "1".repeat(40));
        let made = curl(&["-d", &body, &format!("{}/repos/aileron-pub/aileron-pub/releases", self.fake.url())]).value();
        let upload = made["upload_url"].as_str().unwrap().split('{').next().unwrap().to_owned();
        for (name, bytes) in files {
            let file = self.home.path("upload");
            fs::write(&file, bytes).unwrap();
            let data = format!("@{}", file.display());
            let kind = "content-type: application/octet-stream";
            let uploaded = curl(&["-H", kind, "--data-binary", &data, &format!("{upload}?name={name}")]).value();
            assert_eq!(uploaded["state"], Value::from("uploaded"), "{uploaded}");
        }
    }

    /// The three files of an honest release.
    fn release_with(&self, checksums: &str, signer: &Publisher, program: &[u8]) {
        let signature = signer.sign(&[checksums.as_bytes()]);
        self.release(&[("checksums.txt", checksums.as_bytes()), ("checksums.txt.sig", &signature), (NAME, program)]);
    }

    fn obtain(&self, wanted: &str) -> Ran {
        let mut command = self.home.command("bash");
        command.arg(self.root().join("action/obtain.sh")).env("INPUT_TOOL_VERSION", wanted);
        command.env("RUNNER_TEMP", self.home.tmp()).env("RUNNER_OS", "Linux").env("RUNNER_ARCH", "X64");
        let stubs = self.home.path("stubs");
        let path = format!("{}:{}", stubs.display(), std::env::var("PATH").unwrap());
        run(command.env("PATH", path))
    }
}

fn checksums(program: &[u8], name: &str) -> String {
    let digest = sha256(&[program]);
    format!(
        "{}  aileron-0.9.0-x86_64-unknown-linux-gnu\n{}  {name}\n",
        "0".repeat(64),
        digest.trim_start_matches("sha256:")
    )
}

#[test]
fn a_signed_release_gives_the_binary_whose_digest_it_names() {
    for wanted in ["", "v0.9.0", "0.9.0"] {
        let Some(place) = Place::new() else { return };
        place.release_with(&checksums(PROGRAM, NAME), &place.key, PROGRAM);
        let said = place.obtain(wanted);
        assert_eq!(said.code, 0, "{said}");
        let path = PathBuf::from(said.stdout.trim_end());
        assert_eq!(fs::read(&path).unwrap(), PROGRAM);
        assert_eq!(ok(place.home.command(&path).args(["check", "it"])).stdout, "check it\n");
        assert!(said.stderr.contains(&format!("signed by {}", place.key.fingerprint())), "{said}");
    }
}

#[test]
fn every_doubt_about_a_release_ends_the_step() {
    let refused = |words: &str, release: &dyn Fn(&Place)| {
        let Some(place) = Place::new() else { return };
        release(&place);
        let said = place.obtain("");
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{words}: {said}");
        assert!(said.stderr.contains("::error title=") && said.stderr.contains(words), "{words}: {said}");
    };
    let honest = checksums(PROGRAM, NAME);
    refused("is not signed by the release key", &|place| {
        place.release_with(&honest, &Publisher::from_seed(8), PROGRAM);
    });
    refused("is not signed by the release key", &|place| {
        let signature = place.key.sign(&[honest.as_bytes()]);
        let changed = honest.replacen('0', "1", 1);
        let files = [("checksums.txt", changed.as_bytes()), ("checksums.txt.sig", &signature), (NAME, PROGRAM)];
        place.release(&files);
    });
    refused("has no checksums.txt.sig", &|place| place.release(&[("checksums.txt", honest.as_bytes())]));
    refused("checksums.txt says", &|place| place.release_with(&honest, &place.key, b"#!/bin/sh\nevil\n"));
    // An older release, signed once, served under a newer tag.
    refused("has no aileron-pub-0.9.0", &|place| {
        place.release_with(&checksums(PROGRAM, &NAME.replace("0.9.0", "0.8.0")), &place.key, PROGRAM);
    });
    refused("answered 403", &|place| {
        place.fake.set_script(r#"{"on": {}, "do": "status", "status": 403}"#.parse().unwrap());
    });
    refused("pinned is", &|place| {
        place.release_with(&honest, &place.key, PROGRAM);
        fs::write(place.root().join(RELEASE_KEY), Publisher::from_seed(8).key().to_pem()).unwrap();
    });
    refused("come and go together", &|place| fs::remove_file(place.root().join(RELEASE_KEY)).unwrap());
    refused("come and go together", &|place| place.unpin());
}

/// A cargo that only writes down what it was asked for.
fn stub_cargo(place: &Place) {
    let stub = place.home.path("stubs/cargo");
    fs::create_dir_all(stub.parent().unwrap()).unwrap();
    fs::write(&stub, "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$RUNNER_TEMP/cargo\"\n").unwrap();
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_a_release_key_no_release_is_trusted_and_the_action_builds_what_it_came_with() {
    let Some(place) = Place::new() else { return };
    stub_cargo(&place);
    place.release_with(&checksums(PROGRAM, NAME), &place.key, PROGRAM);
    place.unpin();
    fs::remove_file(place.root().join(RELEASE_KEY)).unwrap();
    let requests = place.fake.log().len();
    let said = place.obtain("");
    assert!(said.code == 0 && said.stderr.contains("there is no release key yet"), "{said}");
    assert!(said.stdout.ends_with("/aileron-pub-source/bin/aileron-pub\n"), "{said}");
    let said = place.obtain("v0.9.0");
    assert!(said.code == 1 && said.stderr.contains("give tool-version: source"), "{said}");
    assert_eq!(place.fake.log().len(), requests, "nothing was fetched");
}

#[test]
fn the_commands_of_contributing_make_a_key_that_the_action_trusts() {
    let Some(place) = Place::new() else { return };
    let contributing = fs::read_to_string(workspace(".github/CONTRIBUTING.md")).unwrap();
    let commands = contributing.split_once("## The release key").unwrap().1.split("```").nth(1).unwrap();
    place.unpin();
    let root = place.root();
    fs::remove_file(root.join(RELEASE_KEY)).unwrap();
    // gh would put it into GitHub; here it keeps what it is given.
    let gh = place.home.path("stubs/gh");
    fs::create_dir_all(gh.parent().unwrap()).unwrap();
    fs::write(&gh, format!("#!/bin/sh\necho \"$@\" > {0}/gh.args; cat > {0}/gh.stdin\n", place.home.tmp().display()))
        .unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    ok(place.home.command("git").current_dir(&root).args(["init", "-q"]));
    let script = commands.trim_start_matches("sh");
    let path = format!("{}:{}", place.home.path("stubs").display(), std::env::var("PATH").unwrap());
    ok(place.home.command("bash").current_dir(&root).args(["-euo", "pipefail", "-c", script]).env("PATH", path));
    assert_eq!(
        fs::read_to_string(place.home.tmp().join("gh.args")).unwrap(),
        "secret set AILERON_RELEASE_KEY --env release\n"
    );
    // What the workflow does with the secret, and what the action does then.
    let made = checksums(PROGRAM, NAME);
    fs::write(place.home.path("checksums.txt"), &made).unwrap();
    let sign = format!(
        "openssl pkeyutl -sign -rawin -inkey <(base64 --decode {}/gh.stdin) -in checksums.txt -out checksums.txt.sig",
        place.home.tmp().display()
    );
    ok(place.home.command("bash").args(["-c", &sign]));
    let signature = fs::read(place.home.path("checksums.txt.sig")).unwrap();
    place.release(&[("checksums.txt", made.as_bytes()), ("checksums.txt.sig", &signature), (NAME, PROGRAM)]);
    let said = place.obtain("");
    assert!(said.code == 0 && said.stderr.contains("aileron-pub 0.9.0, signed by sha256:"), "{said}");
}

#[test]
fn where_there_is_no_such_release_the_action_builds_what_it_came_with() {
    let Some(place) = Place::new() else { return };
    stub_cargo(&place);
    for wanted in ["", "source"] {
        let said = place.obtain(wanted);
        assert_eq!(said.code, 0, "{said}");
        assert!(said.stdout.ends_with("/aileron-pub-source/bin/aileron-pub\n"), "{said}");
        let words = fs::read_to_string(place.home.tmp().join("cargo")).unwrap();
        assert!(
            words.contains("install\n") && words.contains("--locked\n") && words.contains("/action/../cli\n"),
            "{words}"
        );
    }
    let said = place.obtain("v0.8.0");
    assert!(said.code == 1 && said.stderr.contains("has no release v0.8.0"), "{said}");
    for wanted in ["latest", "v1", "../../other/releases", "v1.0.0 "] {
        let said = place.obtain(wanted);
        assert!(said.code == 1 && said.stderr.contains("tool-version must be"), "{said}");
    }
}
