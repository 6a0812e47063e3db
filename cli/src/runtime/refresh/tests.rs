//! Every answer to a refresh, and who comes first. vault.md §12; R1–R9.

use std::path::Path;
use std::sync::mpsc;
use std::time::SystemTime;

use aileron_testkit::scripted::{Answer, Received, Scripted};

use super::*;
use crate::secret::Secret;
use crate::sys::clock::Clock;
use crate::sys::disk::crash::Crashing;
use crate::sys::http::Options;
use crate::sys::steps::{Disk, Steps};
use crate::vault::custodian::Cost;
use crate::vault::document::{Document, Entry};

const NAME: &str = "oauth2/tea/home";
/// 2026-05-01T12:00:00Z.
const NOW: u64 = 1_777_636_800;

struct At(SystemTime);

impl Clock for At {
    fn now(&self) -> SystemTime {
        self.0
    }

    fn sleep_until(&self, _: SystemTime, _: &AtomicBool) {
        thread::yield_now();
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

/// A vault with one binding, whose provider is `provider`.
struct Fixture {
    _directory: tempfile::TempDir,
    vault: VaultFile,
    custodian: Arc<Custodian>,
    client: Client,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    /// The stored tokens end `left` seconds from now.
    fn new(token_url: &str, left: i64) -> Fixture {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = VaultFile::with(directory.path().join("secrets.json"), Arc::new(Disk), Cost::CHEAP);
        let custodian = Arc::new(vault.create(&secret("tea")).expect("a vault"));
        let client = Client {
            authorize_url: String::new(),
            token_url: token_url.to_owned(),
            client_id: "tea-client".to_owned(),
            client_secret: None,
            scopes: vec!["read".to_owned()],
        };
        let fixture = Fixture { _directory: directory, vault, custodian, client, warnings: Arc::default() };
        fixture.store("access-1", "refresh-1", left);
        fixture
    }

    fn envelope(&self, access: &str, refresh: &str, left: i64) -> Secret {
        let expiry = Timestamp::from_second(NOW as i64 + left).expect("a time");
        let url = &self.client.token_url;
        secret(&format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_at":"{expiry}","client_id":"tea-client","client_secret":"tea-secret","token_url":"{url}","scopes":["read"]}}"#
        ))
    }

    fn store(&self, access: &str, refresh: &str, left: i64) {
        self.put(&self.envelope(access, refresh, left));
    }

    fn put(&self, plaintext: &Secret) {
        let put = |document: &mut Document| {
            let entry = Entry::new("oauth2", self.custodian.seal(plaintext)?).with_label("account", "me");
            document.put(NAME, entry);
            Ok(())
        };
        self.vault.change(Some(&self.custodian), put).expect("puts");
    }

    fn refresher(&self) -> Refresher {
        self.refresher_of(self.vault.clone())
    }

    fn refresher_of(&self, vault: VaultFile) -> Refresher {
        let warnings = Arc::clone(&self.warnings);
        let say = Arc::new(move |line| warnings.lock().expect("lines").push(line));
        let clock = Arc::new(At(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)));
        let web = Web::new(Options { longest: Duration::from_secs(2), ..Options::default() });
        Refresher::new(vault, Arc::clone(&self.custodian), web, LockPolicy { clock, say, ..LockPolicy::default() })
    }

    fn renewed(&self) -> Result<String, CredentialRefusal> {
        let envelope = block_on(self.refresher().renewed(NAME, &self.client));
        envelope.map(|envelope| text(&envelope.access_token)).map_err(|error| error.into_refusal(NAME))
    }

    /// What the vault has: access token, refresh token, seconds that are left, account.
    fn stored(&self) -> Option<(String, String, Option<i64>, String)> {
        let document = self.vault.read().expect("reads").expect("there");
        let entry = document.entry(NAME)?;
        let envelope = Envelope::read(&value(NAME, entry, &self.custodian).expect("opens")).expect("an envelope");
        assert_eq!(envelope.scopes, ["read"]);
        let refresh = envelope.refresh_token.as_deref().map(text).unwrap_or_default();
        let left = envelope.expires_at.map(|expiry| expiry.as_second() - NOW as i64);
        Some((text(&envelope.access_token), refresh, left, entry.label("account").unwrap_or_default().to_owned()))
    }
}

fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn json(status: &str, body: &str) -> Answer {
    Answer::with(status, &format!("Content-Length: {}\r\n", body.len()), body)
}

fn form(request: &Received) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

#[test] // R2, R3, R4, R7
fn new_tokens_are_stored_and_what_the_answer_does_not_say_stays() {
    for (answer, access, refresh, left) in [
        (
            r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}"#,
            "access-2",
            "refresh-2",
            Some(3_600),
        ),
        (r#"{"access_token":"access-2","expires_in":"3600"}"#, "access-2", "refresh-1", Some(3_600)),
        (r#"{"access_token":"access-2","refresh_token":""}"#, "access-2", "refresh-1", Some(10)),
    ] {
        let provider = Scripted::start(move |_| json("200 OK", answer));
        let fixture = Fixture::new(&format!("{}/token", provider.base()), 10);
        assert_eq!(fixture.renewed().as_deref(), Ok(access), "{answer}");
        assert_eq!(fixture.stored(), Some((access.to_owned(), refresh.to_owned(), left, "me".to_owned())), "{answer}");
        let sent = "client_id=tea-client&client_secret=tea-secret&grant_type=refresh_token&refresh_token=refresh-1";
        let seen = provider.seen();
        assert_eq!(seen.iter().map(form).collect::<Vec<_>>(), [sent]);
        assert_eq!(seen[0].header("authorization"), None);
        assert!(fixture.warnings.lock().expect("lines").is_empty());
    }
}

#[test] // R1, R6
fn a_token_that_has_not_ended_or_cannot_be_renewed_is_left_as_it_is() {
    let provider = Scripted::start(|_| json("200 OK", "{}"));
    let url = format!("{}/token", provider.base());
    for (left, refresh, due) in [(3_600, "refresh-1", false), (61, "r", false), (59, "r", true), (-100, "", false)] {
        let fixture = Fixture::new(&url, left);
        let refresher = fixture.refresher();
        let envelope = Envelope::read(&fixture.envelope("access-1", refresh, left)).expect("an envelope");
        assert_eq!(refresher.is_due(&envelope), due, "{left} {refresh}");
    }
    assert_eq!(Fixture::new(&url, 3_600).renewed().as_deref(), Ok("access-1"), "another process was first");
    assert!(provider.seen().is_empty());
}

#[test] // R5; vault.md §12: the standard error code, never the body
fn a_refusal_names_the_binding_and_nothing_of_the_answer() {
    /// An answer, how its error begins, whether the same may succeed later.
    type Row = (fn() -> Answer, &'static str, bool);
    let rows: [Row; 11] = [
        (
            || json("400 Bad Request", r#"{"error":"invalid_grant","error_description":"s3cret"}"#),
            "provider returned 400: invalid_grant",
            false,
        ),
        (|| json("200 OK", r#"{"error":"bad_refresh_token"}"#), "provider returned 200: no standard error code", false),
        (|| json("401 Unauthorized", r#"{"error":"invalid_client"}"#), "provider returned 401: invalid_client", false),
        (
            || json("503 Service Unavailable", "<html>s3cret</html>"),
            "provider returned 503: no standard error code",
            true,
        ),
        (|| Answer::redirect("http://127.0.0.1:9/s3cret"), "provider returned 302: no standard error code", false),
        (|| json("200 OK", "s3cret"), "parse token response: ", false),
        (|| json("200 OK", r#"{"token_type":"s3cret"}"#), "provider response missing access_token", false),
        (|| Answer::Silence, "the token endpoint did not answer: ", true),
        (|| Answer::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), "the token endpoint did not answer: ", true),
        (|| Answer::Bytes(Vec::new()), "the token endpoint did not answer: ", true),
        (
            || Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 1 << 16]),
            "the token endpoint did not answer: ",
            false,
        ),
    ];
    for (answer, expected, is_retriable) in rows {
        let provider = Scripted::start(move |_| answer());
        let fixture = Fixture::new(&format!("{}/token", provider.base()), 10);
        let before = fixture.stored();
        match fixture.renewed() {
            Err(CredentialRefusal::RefreshFailed { binding, why, retriable }) => {
                assert_eq!(binding, NAME);
                assert!(why.starts_with(expected) && !why.contains("s3cret"), "{why}");
                assert_eq!(retriable, is_retriable, "{why}");
            }
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(fixture.stored(), before, "{expected}");
        assert_eq!(provider.seen().len(), 1, "{expected}");
    }
}

#[test] // vault.md §3.2
fn tokens_are_sent_to_the_endpoint_of_the_installed_connector_alone() {
    let provider = Scripted::start(|_| json("200 OK", r#"{"access_token":"access-2"}"#));
    let mut fixture = Fixture::new(&format!("{}/token", provider.base()), 10);
    fixture.client.token_url = "https://auth.example/token".to_owned();
    let refused = fixture.renewed();
    let why = "its token_url is not the one of the installed connector, https://auth.example/token".to_owned();
    let expected = CredentialRefusal::RefreshFailed { binding: NAME.to_owned(), why, retriable: false };
    assert_eq!(refused, Err(expected));
    assert!(provider.seen().is_empty());
    // An entry that names no endpoint is one of the shortest form: the manifest has the rest.
    fixture.client.token_url = format!("{}/token", provider.base());
    fixture.put(&secret(
        r#"{"access_token":"a","refresh_token":"r","expires_at":"2020-01-01T00:00:00Z","scopes":["read"]}"#,
    ));
    assert_eq!(fixture.renewed().as_deref(), Ok("access-2"));
    assert_eq!(form(&provider.seen()[0]), "client_id=tea-client&grant_type=refresh_token&refresh_token=r");
}

#[test] // the issue: a clock that is set back and forth
fn a_clock_that_was_set_renews_once_and_ends_nothing() {
    let provider = Scripted::start(|_| json("200 OK", r#"{"access_token":"access-2","expires_in":3600}"#));
    let fixture = Fixture::new(&format!("{}/token", provider.base()), 3_600);
    let at = |seconds: u64| {
        let clock = Arc::new(At(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)));
        let (vault, custodian) = (fixture.vault.clone(), Arc::clone(&fixture.custodian));
        let waiting = LockPolicy { clock, ..LockPolicy::default() };
        let refresher = Refresher::new(vault, custodian, Web::default(), waiting);
        block_on(refresher.renewed(NAME, &fixture.client)).map(|envelope| text(&envelope.access_token))
    };
    let year = 365 * 86_400;
    // Back before everything, forward by a year, back again: what was renewed then is not due now.
    for (seconds, expected, requests) in
        [(0, "access-1", 0), (NOW + year, "access-2", 1), (NOW + year, "access-2", 1), (NOW, "access-2", 1)]
    {
        assert_eq!(at(seconds).expect("a token"), expected, "{seconds}");
        assert_eq!(provider.seen().len(), requests, "{seconds}");
    }
}

#[test] // R9; cloudflare/workers-sdk#15136: a race of refreshes
fn many_at_once_send_one_request() {
    let provider = Scripted::start(|_| json("200 OK", r#"{"access_token":"access-2","expires_in":3600}"#));
    let fixture = Fixture::new(&format!("{}/token", provider.base()), 10);
    thread::scope(|scope| {
        let renew = || fixture.renewed();
        let runs: Vec<_> = (0..10).map(|_| scope.spawn(renew)).collect();
        for run in runs {
            assert_eq!(run.join().expect("no panic").as_deref(), Ok("access-2"));
        }
    });
    assert_eq!(provider.seen().len(), 1);
}

#[test] // the issue: from the request to the stored token nothing cuts it short
fn an_op_that_ends_in_mid_refresh_keeps_the_new_token() {
    let (answers, asked, go) = gate(r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}"#);
    let fixture = Fixture::new(&format!("{}/token", answers.base()), 10);
    let refresher = fixture.refresher();
    block_on(async {
        let mut renewed = Box::pin(refresher.renewed(NAME, &fixture.client));
        // The op waits until the provider has the request, and is gone then.
        let is_asked = std::future::poll_fn(|context| match asked.try_recv() {
            Ok(()) => std::task::Poll::Ready(()),
            Err(_) => {
                assert!(renewed.as_mut().poll(context).is_pending());
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        });
        is_asked.await;
    });
    go.send(()).expect("the provider waits");
    refresher.finish();
    let (access, refresh, ..) = fixture.stored().expect("there");
    assert_eq!((access.as_str(), refresh.as_str()), ("access-2", "refresh-2"));
    // What comes after the end sends nothing.
    fixture.store("access-1", "refresh-1", 10);
    assert!(matches!(block_on(refresher.renewed(NAME, &fixture.client)), Err(RefreshError::GivenUp)));
    assert_eq!(answers.seen().len(), 1);
}

/// A provider that says when it is asked, and answers when it is told to.
fn gate(body: &'static str) -> (Scripted, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((is_asked, asked), (go, goes)) = (mpsc::channel(), mpsc::channel::<()>());
    let gates = Mutex::new((is_asked, goes));
    let provider = Scripted::start(move |_| {
        let gates = gates.lock().expect("one at a time");
        let _ = gates.0.send(());
        let _ = gates.1.recv();
        json("200 OK", body)
    });
    (provider, asked, go)
}

#[test] // vault.md §12, §5: programs that take no lock; the user who revokes meanwhile
fn what_happens_to_the_vault_during_a_request_is_kept() {
    type Meanwhile = fn(&Fixture);
    let rows: [(Meanwhile, Result<&str, ()>, Option<&str>); 3] = [
        // Another entry is written.
        (
            |fixture| {
                let add = |document: &mut Document| {
                    document.put("secret/more", Entry::new("secret", fixture.custodian.seal(&secret("v"))?));
                    Ok(())
                };
                fixture.vault.change(Some(&fixture.custodian), add).expect("puts");
            },
            Ok("access-2"),
            Some("access-2"),
        ),
        // The user authorized again: those tokens are the newer ones.
        (|fixture| fixture.store("access-3", "refresh-3", 3_600), Ok("access-2"), Some("access-3")),
        // The user revoked the binding.
        (
            |fixture| {
                fixture.vault.change(None, |document| Ok(document.remove(NAME))).expect("removes");
            },
            Err(()),
            None,
        ),
    ];
    for (at, (meanwhile, used, stored)) in rows.into_iter().enumerate() {
        let (provider, asked, go) =
            gate(r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}"#);
        let fixture = Fixture::new(&format!("{}/token", provider.base()), 10);
        let renewed = thread::scope(|scope| {
            let run = scope.spawn(|| fixture.renewed());
            asked.recv().expect("a request");
            meanwhile(&fixture);
            go.send(()).expect("the provider waits");
            run.join().expect("no panic")
        });
        let missing = CredentialRefusal::EntryMissing { path: NAME.to_owned() };
        assert_eq!(renewed, used.map(str::to_owned).map_err(|()| missing), "row {at}");
        assert_eq!(fixture.stored().map(|stored| stored.0).as_deref(), stored, "row {at}");
        let document = fixture.vault.read().expect("reads").expect("there");
        assert_eq!(document.entry("secret/more").is_some(), at == 0);
    }
}

#[test] // the issue: on invalid_grant read once more
fn a_refused_token_that_another_program_has_renewed_meanwhile_is_read_again() {
    let fixture = Arc::new(Mutex::new(None::<Fixture>));
    let other = Arc::clone(&fixture);
    let provider = Scripted::start(move |_| {
        other.lock().expect("one").as_ref().expect("there").store("access-3", "refresh-3", 3_600);
        json("400 Bad Request", r#"{"error":"invalid_grant"}"#)
    });
    let url = format!("{}/token", provider.base());
    let made = Fixture::new(&url, 10);
    let (refresher, client) = (made.refresher(), made.client.clone());
    *fixture.lock().expect("one") = Some(made);
    let envelope = block_on(refresher.renewed(NAME, &client)).expect("renewed by another");
    assert_eq!(text(&envelope.access_token), "access-3");
}

#[test] // vault.md §12: the new token is used, and the user is warned; V19
fn a_crash_at_any_disk_step_leaves_the_old_tokens_or_the_new_ones() {
    let provider = Scripted::start(|_| {
        json("200 OK", r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600}"#)
    });
    let url = format!("{}/token", provider.base());
    let mut stored = [0, 0];
    for steps in 1.. {
        let fixture = Fixture::new(&url, 10);
        let disk = Arc::new(Crashing::at(steps));
        let path: &Path = fixture.vault.path();
        let vault = VaultFile::with(path.to_owned(), Arc::clone(&disk) as Arc<dyn Steps>, Cost::CHEAP);
        let renewed = block_on(fixture.refresher_of(vault).renewed(NAME, &fixture.client));
        let (access, refresh, ..) = fixture.stored().expect("whole");
        let is_new = (access.as_str(), refresh.as_str()) == ("access-2", "refresh-2");
        assert!(is_new || (access.as_str(), refresh.as_str()) == ("access-1", "refresh-1"), "{steps}");
        stored[usize::from(is_new)] += 1;
        let warnings = fixture.warnings.lock().expect("lines").clone();
        if disk.is_alive() {
            assert!(is_new && warnings.is_empty(), "{warnings:?}");
            break;
        }
        // Before the request there is nothing to lose: then the step is an error of the vault.
        match renewed {
            Ok(renewed) => {
                assert_eq!(text(&renewed.access_token), "access-2");
                let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
                assert!(
                    warning.contains("could not be stored: vault: ") && !warning.contains("refresh-2"),
                    "{warning}"
                );
            }
            Err(error) => assert!(matches!(error, RefreshError::Vault(VaultError::Disk(_))), "{error}"),
        }
    }
    assert!(stored[0] > 2 && stored[1] > 0, "{stored:?}");
}

#[test]
fn a_binding_that_is_being_renewed_elsewhere_is_waited_for_and_given_up_in_time() {
    let fixture = Fixture::new("https://auth.example/token", 10);
    let _held = fixture.vault.lock_binding(NAME, LockPolicy::default()).expect("free");
    let once = LockPolicy { wait: Duration::ZERO, ..LockPolicy::default() };
    let other = fixture.vault.lock_binding("oauth2/tea/work", once.clone());
    assert!(other.is_ok(), "another binding is renewed at the same time");
    let busy = fixture.vault.lock_binding(NAME, once).expect_err("it is held");
    let refusal = RefreshError::from(busy).into_refusal(NAME);
    assert!(matches!(refusal, CredentialRefusal::RefreshFailed { retriable: true, .. }), "{refusal:?}");
}
