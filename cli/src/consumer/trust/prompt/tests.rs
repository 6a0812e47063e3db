//! The trust question: when it is asked, what it shows, and what an answer does.

use std::fs;
use std::path::PathBuf;

use aileron_verifier::trust::keyring::SignatureRefused;

use super::*;
use crate::consumer::trust::succession::Divergence;

const KR: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER: &str = "zQ+XqDem9XdybaOJylROIREFydn3+R52NFDRauN6M4w=";

/// Answers from a list, and keeps everything that was shown.
#[derive(Default)]
struct Script {
    answers: Vec<Option<&'static str>>,
    shown: String,
    asked: usize,
}

impl Console for Script {
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.shown.push_str(text);
        Ok(())
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.shown.push_str(question);
        self.asked += 1;
        assert!(!self.answers.is_empty(), "this question was not expected: {question}");
        Ok(self.answers.remove(0).map(str::to_owned))
    }
}

/// A ring and a mirror with `acme/x` and `acme/y` by one key.
struct Scene {
    directory: tempfile::TempDir,
    ring: RingFile,
    origin: Origin,
    console: Script,
}

impl Scene {
    fn new(answers: &[Option<&'static str>]) -> Scene {
        let directory = tempfile::tempdir().expect("a directory");
        let scene = Scene {
            ring: RingFile::at(directory.path().join("keyring.json")),
            origin: Origin::directory(directory.path()),
            console: Script { answers: answers.to_vec(), ..Script::default() },
            directory,
        };
        scene.serve("acme/x", KR);
        scene.serve("acme/y", KR);
        scene
    }

    fn key_file(&self, repo: &str) -> PathBuf {
        self.directory.path().join(repo).join("HEAD/keys/publisher.pub")
    }

    fn serve(&self, repo: &str, key: &str) {
        let path = self.key_file(repo);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, self::key(key).to_pem()).expect("a file");
    }

    fn ensure(&mut self, session: &mut TrustSession, repo: &str) -> Result<Keyring, String> {
        self.ensure_with(session, repo, false, None)
    }

    fn ensure_with(
        &mut self,
        session: &mut TrustSession,
        repo: &str,
        yes: bool,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Keyring, String> {
        let name = format!("github://{repo}").parse().expect("a name");
        let (ring, origin, console) = (&self.ring, &self.origin, &mut self.console);
        let yes = if yes { Yes::Granted } else { Yes::Ask };
        let mut asking = Asking { ring, origin, console, yes, fingerprint };
        session.ensure_trusted(&name, &mut asking).map_err(|error| error.to_string())
    }

    fn saved(&self) -> String {
        fs::read_to_string(self.ring.path()).unwrap_or_default()
    }
}

fn key(text: &str) -> PublicKey {
    PublicKey::from_base64(text).expect(text)
}

fn grants(ring: &Keyring) -> Vec<&str> {
    ring.authorities().map(Authority::as_str).collect()
}

#[test] // keyring.md §7.1, T1: the text, and what a yes is
fn yes_grants_the_owner_after_the_key_was_shown() {
    for answer in ["y", "YES", " yes ", "Y\r"] {
        let mut scene = Scene::new(&[Some(answer)]);
        let ring = scene.ensure(&mut TrustSession::new(), "acme/x/actions/post").expect(answer);
        assert_eq!(grants(&ring), ["github://acme"]);
        assert_eq!(ring, scene.ring.load().expect("reads"));
        let root = scene.directory.path().display();
        let expected = format!(
            "\nPublisher github://acme/x is not yet trusted.\n  Aileron will fetch keys/publisher.pub on the publisher's default branch\n  and trust github://acme to verify signed installs from every connector\n  this publisher ships.\n  Fingerprint: sha256:If4x36FUomFia/hUBG/SJx\n  Mirror: {root}/acme/x/HEAD/keys/publisher.pub\nTrust publisher github://acme/x? [y/N]: ✓ Trusted publisher github://acme\n  Fingerprint: sha256:If4x36FUomFia/hUBG/SJx\n  Keyring: {root}/keyring.json\n"
        );
        assert_eq!(scene.console.shown, expected);
    }
}

#[test] // T2, and artifacts.md §10: the end of input is a no
fn everything_but_yes_is_no_and_writes_nothing() {
    for answer in [Some(""), Some("n"), Some("maybe"), Some("yes please"), Some("ye"), None] {
        let mut scene = Scene::new(&[answer]);
        let refused = scene.ensure(&mut TrustSession::new(), "acme/x");
        assert_eq!(refused, Err("publisher github://acme/x not trusted; aborting".to_owned()), "{answer:?}");
        assert!(!scene.ring.path().exists(), "{answer:?}");
    }
}

#[test] // T3: one question and one fetch for two repositories of one owner
fn an_accepted_owner_is_not_asked_about_again() {
    let mut scene = Scene::new(&[Some("y")]);
    let mut session = TrustSession::new();
    scene.ensure(&mut session, "acme/x").expect("trusted");
    fs::remove_file(scene.key_file("acme/y")).expect("there"); // a second fetch would fail
    let ring = scene.ensure(&mut session, "acme/y").expect("covered");
    assert_eq!((grants(&ring), scene.console.asked), (vec!["github://acme"], 1));
}

#[test] // T4: a no stands for the rest of the run, and a failed fetch is a no too
fn a_declined_owner_stays_declined() {
    let mut scene = Scene::new(&[Some("n")]);
    let mut session = TrustSession::new();
    scene.ensure(&mut session, "acme/x").expect_err("declined");
    for repo in ["acme/y", "acme/x"] {
        let again = scene.ensure(&mut session, repo);
        let expected = format!("publisher github://{repo} trust previously declined this run; skipping");
        assert_eq!((again, scene.console.asked), (Err(expected), 1));
    }
    let elsewhere = scene.ensure(&mut session, "zeta/x").expect_err("no such key");
    assert!(elsewhere.starts_with("fetch publisher key for github://zeta/x: "), "{elsewhere}");
    scene.serve("zeta/y", KR);
    let again = scene.ensure(&mut session, "zeta/y").expect_err("declined");
    assert_eq!(again, "publisher github://zeta/y trust previously declined this run; skipping");
    assert!(!scene.ring.path().exists());
    scene.console.answers = vec![Some("y")];
    scene.ensure(&mut TrustSession::new(), "acme/y").expect("another run starts afresh");
}

#[test] // T5
fn a_key_for_one_repository_does_not_speak_for_its_sibling() {
    let mut scene = Scene::new(&[Some("y")]);
    scene.ring.edit(|ring| ring.grant(Authority::new("github://acme/x"), key(OTHER))).expect("saves");
    let mut session = TrustSession::new();
    let ring = scene.ensure(&mut session, "acme/x").expect("pinned");
    assert_eq!((grants(&ring), scene.console.shown.as_str()), (vec!["github://acme/x"], ""));
    let ring = scene.ensure(&mut session, "acme/y").expect("asked");
    assert_eq!((grants(&ring), scene.console.asked), (vec!["github://acme", "github://acme/x"], 1));
}

#[test] // T6; a stale key is the verdict's business, keyring.md §7.1
fn assuming_yes_shows_the_notice_and_the_key_but_no_question() {
    let mut scene = Scene::new(&[]);
    let ring = scene.ensure_with(&mut TrustSession::new(), "acme/x", true, None).expect("trusted");
    assert_eq!(grants(&ring), ["github://acme"]);
    assert!(scene.console.shown.contains("is not yet trusted.\n") && !scene.console.shown.contains('?'));
    let before = scene.saved();
    scene.serve("acme/x", OTHER);
    scene.ensure_with(&mut TrustSession::new(), "acme/x", true, None).expect("silent");
    assert_eq!(scene.saved(), before);
}

#[test] // artifacts.md §10 and §6
fn only_the_named_key_and_no_weak_one_is_granted() {
    let mut scene = Scene::new(&[]);
    let wanted = Some(key(OTHER).fingerprint());
    let refused = scene.ensure_with(&mut TrustSession::new(), "acme/x", true, wanted).expect_err("another key");
    assert!(refused.contains("has fingerprint sha256:If4x36FUomFia/hUBG/SJx, not sha256:7HuX6+"), "{refused}");
    let mut scene = Scene::new(&[]);
    scene.serve("acme/x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let refused = scene.ensure_with(&mut TrustSession::new(), "acme/x", true, None).expect_err("weak");
    assert!(refused.contains("small order"), "{refused}");
    assert!(!scene.ring.path().exists());
}

#[test] // keyring.md §1.4: what cannot be read is not "no key is trusted"
fn a_broken_ring_stops_before_any_question() {
    let mut scene = Scene::new(&[]);
    fs::write(scene.ring.path(), "{\"version\":99}").expect("writes");
    let path = scene.ring.path().display();
    let expected = format!(
        "load keyring \"{path}\": validation_error: keyring \"{path}\": unsupported version 99 (expected 1 or 2)"
    );
    assert_eq!(scene.ensure(&mut TrustSession::new(), "acme/x"), Err(expected));
    assert_eq!(scene.saved(), "{\"version\":99}");
}

#[test] // artifacts.md §10
fn a_refused_signature_is_compared_with_the_published_key() {
    let scene = Scene::new(&[]);
    let name: Fqn = "github://acme/x".parse().expect("a name");
    let authority = name.repo_authority();
    let refusal = |tried: &str| {
        let tried = vec![key(tried).fingerprint()];
        SignatureRefused::NoMatch { authority: authority.clone(), tried }
    };
    let mut ring = Keyring::new();
    ring.grant(authority.clone(), key(OTHER));
    let look = |refusal: &SignatureRefused| Divergence::after(refusal, &ring, &name, &scene.origin);
    let rotated = look(&refusal(OTHER)).expect("compared");
    assert_eq!(rotated.differs(), Some(&key(KR)));
    let same = look(&refusal(KR)).expect("compared");
    assert_eq!((same.differs(), same.published.is_ok()), (None, true));
    fs::remove_file(scene.key_file("acme/x")).expect("there");
    let unknown = look(&refusal(OTHER)).expect("compared");
    assert!(unknown.published.is_err() && unknown.differs().is_none());
    let no_key = SignatureRefused::NoKey { authority: authority.clone() };
    assert!(look(&no_key).is_none());
}
