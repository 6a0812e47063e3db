use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use aileron_testkit::scripted::{Answer, Scripted};
use jiff::Timestamp;

use super::*;
use crate::sys::disk::Disk;
use crate::vault::custodian::Cost;
use crate::vault::document::{Document, Entry};
use crate::vault::error::VaultError;

/// 2026-05-01T12:00:00Z.
const NOW: i64 = 1_777_636_800;
const TEA: &str = "oauth2/tea/home";

struct At(SystemTime);

impl Clock for At {
    fn now(&self) -> SystemTime {
        self.0
    }

    fn sleep_until(&self, _: SystemTime, _: &AtomicBool) {
        std::thread::yield_now();
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

/// A vault, what was said, and the credentials of it.
struct Fixture {
    directory: tempfile::TempDir,
    vault: VaultFile,
    custodian: Arc<Custodian>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new() -> Fixture {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = VaultFile::with(directory.path().join("secrets.json"), Arc::new(Disk), Cost::CHEAP);
        let custodian = Arc::new(vault.create(&secret("hunter2")).expect("a vault"));
        let fixture = Fixture { directory, vault, custodian, said: Arc::default() };
        fixture.put("user/github", "user", "gho_x");
        fixture
    }

    fn put(&self, name: &str, kind: &str, text: &str) {
        let put = |document: &mut Document| -> Result<(), VaultError> {
            document.put(name, Entry::new(kind, self.custodian.seal(&secret(text))?));
            Ok(())
        };
        self.vault.change(Some(&self.custodian), put).expect("puts");
    }

    /// Tokens that end so many seconds from now.
    fn put_tokens(&self, token_url: &str, refresh: &str, left: i64) {
        let expiry = Timestamp::from_second(NOW + left).expect("a time");
        let text = format!(
            r#"{{"access_token":"access-1","refresh_token":"{refresh}","expires_at":"{expiry}","client_id":"c","token_url":"{token_url}"}}"#
        );
        self.put(TEA, "oauth2", &text);
    }

    fn credentials(&self) -> VaultCredentials {
        self.credentials_at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()))
    }

    fn credentials_at(&self, now: SystemTime) -> VaultCredentials {
        let said = Arc::clone(&self.said);
        let say = Arc::new(move |line| said.lock().expect("lines").push(line));
        let waiting = LockPolicy { clock: Arc::new(At(now)), say, ..LockPolicy::default() };
        VaultCredentials::new(self.vault.clone(), Arc::clone(&self.custodian), waiting)
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().expect("lines").clone()
    }
}

fn client(token_url: &str) -> Client {
    let (authorize_url, client_id) = (String::new(), "c".to_owned());
    Client { authorize_url, token_url: token_url.to_owned(), client_id, client_secret: None, scopes: Vec::new() }
}

fn given(credentials: &VaultCredentials, reference: &str) -> Option<String> {
    credentials.credential(reference).map(|value| String::from_utf8_lossy(value.expose()).into_owned())
}

fn tokens(body: &'static str) -> Scripted {
    Scripted::start(move |_| Answer::with("200 OK", &format!("Content-Length: {}\r\n", body.len()), body))
}

#[test] // sealing.md §4: absent, locked or unreadable
fn a_credential_that_is_not_there_or_cannot_be_opened_is_none_at_that_moment() {
    let fixture = Fixture::new();
    // Late enough for a file that did not change to be the one that was read.
    let credentials = fixture.credentials_at(SystemTime::now() + Duration::from_secs(3600));
    fixture.put("user/blank", "user", " \n");
    fixture.put("user/damaged", "oauth2", "no envelope");
    assert_eq!(given(&credentials, "user/github").as_deref(), Some("gho_x"));
    for reference in ["user/absent", "user/blank", "user/damaged", ""] {
        assert_eq!(given(&credentials, reference), None, "{reference}");
    }
    // Changed while the run lasts: what counts is what the vault holds at the request.
    for text in ["gho_y", "gho_z", "gho_y"] {
        fixture.put("user/github", "user", text);
        assert_eq!(given(&credentials, "user/github").as_deref(), Some(text));
        assert_eq!(given(&credentials, "user/github").as_deref(), Some(text), "as it was read before");
    }
    let (file, whole) = (fixture.vault.path(), std::fs::read(fixture.vault.path()).expect("reads"));
    std::fs::write(file, &whole[..whole.len() / 2]).expect("writes");
    assert_eq!(given(&credentials, "user/github"), None, "cut");
    std::fs::remove_file(file).expect("removes");
    assert_eq!(given(&credentials, "user/github"), None, "gone");
    // Another passphrase meanwhile: this run's key is no longer the vault's.
    std::fs::write(file, &whole).expect("writes");
    fixture.vault.rekey(&fixture.custodian, &secret("hunter3")).expect("rekeys");
    assert_eq!(given(&credentials, "user/github"), None, "rekeyed");
    assert!(fixture.said().is_empty());
    drop(fixture.directory);
}

#[test] // vault.md §12
fn a_token_that_ends_is_renewed_by_the_app_of_its_connector_and_stored() {
    let provider = tokens(r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}"#);
    let url = format!("{}/token", provider.base());
    let fixture = Fixture::new();
    fixture.put_tokens(&url, "refresh-1", 3600);
    let credentials = fixture.credentials().renewed_by(TEA, client(&url));
    assert_eq!(given(&credentials, TEA).as_deref(), Some("access-1"), "it lasts");
    assert!(provider.seen().is_empty());
    fixture.put_tokens(&url, "refresh-1", 10);
    assert_eq!(given(&credentials, TEA).as_deref(), Some("access-2"));
    assert_eq!(given(&credentials, TEA).as_deref(), Some("access-2"), "and is asked for once");
    assert_eq!(provider.seen().len(), 1);
    let (stored, can_end) = credentials.stored(TEA).expect("stored");
    assert_eq!((stored.expose(), can_end), (&b"access-2"[..], true));
    credentials.finish();
    assert!(fixture.said().is_empty());
}

#[test]
fn a_token_that_ended_and_cannot_be_renewed_is_refused_and_why_is_said_once() {
    let provider = tokens(r#"{"access_token":"access-2","expires_in":3600}"#);
    let url = format!("{}/token", provider.base());
    for (left, app, why) in [
        (-10, None, "no connector that is installed says how"),
        (-10, Some("https://other.example/token"), "its token_url is not the one of the installed connector"),
    ] {
        let fixture = Fixture::new();
        fixture.put_tokens(&url, "refresh-1", left);
        let credentials = fixture.credentials();
        let credentials = match app {
            Some(app) => credentials.renewed_by(TEA, client(app)),
            None => credentials,
        };
        for _ in 0..3 {
            assert_eq!(given(&credentials, TEA), None, "{why}");
        }
        let said = fixture.said();
        assert!(said.len() == 1 && said[0].contains(why), "{said:?}");
        assert!(said[0].ends_with(&format!("aileron binding reauthorize {TEA}")), "{said:?}");
        assert!(!said[0].contains("access-1") && !said[0].contains("refresh-1"));
    }
    // Without a refresh token it is used as it is, however old. vault.md §12.
    let fixture = Fixture::new();
    fixture.put_tokens(&url, "", -10);
    assert_eq!(given(&fixture.credentials(), TEA).as_deref(), Some("access-1"));
    assert!(provider.seen().is_empty() && fixture.said().is_empty());
}
