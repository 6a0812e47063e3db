//! A credential reaches the service and nothing else. §7.1 to §7.3, §13 C-1 to C-15.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aileron_sandbox::credential::{
    BoundCredential, CredentialRefusal, CredentialRequest, Credentials, Resolving, StaticCredential,
};
use aileron_sandbox::host::http::{Network, Roots};
use aileron_sandbox::secret::Secret;
use aileron_verifier::problem::Class;
use serde_json::json;

use super::{FQN, Names, ask, hosts, network, refused, text};
use crate::certificate::identity;
use crate::server::{self, Server, answer};

const OAUTH2: &str = "[capabilities.credential]\nkind = \"oauth2\"\n[capabilities.credential.oauth2]\n\
    authorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\nclient_id = \"c\"\nscopes = [\"s\"]\n";

fn api_key(more: &str) -> String {
    format!("[capabilities.credential]\nkind = \"api_key\"\n{more}")
}

fn given(secret: &str) -> Arc<StaticCredential> {
    Arc::new(StaticCredential { secret: Arc::new(Secret::from(secret.to_owned())), region: None, access_key_id: None })
}

fn connected(server: &Server, credential: &str) -> Network {
    network(&(hosts(&[format!("127.0.0.1:{}", server.port())]) + credential))
}

/// A source that says one thing and counts how often it was asked.
struct Says(fn() -> Result<BoundCredential, CredentialRefusal>, AtomicUsize);

impl Credentials for Says {
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a> {
        assert_eq!(wanted.connector.to_string(), FQN);
        self.1.fetch_add(1, Ordering::SeqCst);
        let said = (self.0)();
        Box::pin(async { said })
    }
}

fn bound(kind: &str) -> Result<BoundCredential, CredentialRefusal> {
    let secret = Arc::new(Secret::from("s3cret-s3cret".to_owned()));
    Ok(BoundCredential { kind: kind.to_owned(), secret, region: None, access_key_id: None })
}

/// What the manifest declares, what the guest asks for, what is bound; and the class, the detail and the message of the refusal.
type Check = (
    &'static str,
    &'static str,
    Option<fn() -> Result<BoundCredential, CredentialRefusal>>,
    Class,
    &'static str,
    &'static str,
);

/// §7.2, in the order of its rows.
const CHECKS: [Check; 10] = [
    (
        "",
        "oauth2",
        Some(|| bound("oauth2")),
        Class::CapabilityDenied,
        "connector_manifest",
        "http_request: connector did not declare [capabilities.credential]",
    ),
    (
        OAUTH2,
        "api_key",
        Some(|| bound("oauth2")),
        Class::CapabilityDenied,
        "connector_manifest",
        "http_request: requested credential kind does not match connector manifest",
    ),
    (
        OAUTH2,
        "OAuth2",
        Some(|| bound("oauth2")),
        Class::CapabilityDenied,
        "connector_manifest",
        "http_request: requested credential kind does not match connector manifest",
    ),
    (
        OAUTH2,
        "oauth2",
        None,
        Class::BindingRequired,
        "action",
        "http_request: no oauth2 credential is bound for github://acme/aileron-connector-x; run `aileron binding setup github://acme/aileron-connector-x`, or see `aileron binding list`",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| Err(CredentialRefusal::NotBound { candidates: vec!["oauth2/x/a".into(), "oauth2/x/b".into()] })),
        Class::BindingRequired,
        "action",
        "http_request: several oauth2 credentials are bound for github://acme/aileron-connector-x (oauth2/x/a, oauth2/x/b); run `aileron binding setup github://acme/aileron-connector-x`, or see `aileron binding list`",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| Err(CredentialRefusal::EntryMissing { path: "oauth2/x/work".into() })),
        Class::BindingRequired,
        "action",
        "http_request: github://acme/aileron-connector-x needs the oauth2 credential oauth2/x/work, which is not in the vault; run `aileron binding setup github://acme/aileron-connector-x`, or see `aileron binding list`",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| Err(CredentialRefusal::KindMismatch)),
        Class::CapabilityDenied,
        "vault",
        "http_request: what is bound for github://acme/aileron-connector-x is not of kind oauth2",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| {
            let (binding, why) = ("oauth2/x/work".into(), "provider returned 400: invalid_grant".into());
            Err(CredentialRefusal::RefreshFailed { binding, why, retriable: false })
        }),
        Class::BindingFailed,
        "vault",
        "http_request: oauth2 refresh failed for oauth2/x/work: provider returned 400: invalid_grant; run `aileron binding reauthorize oauth2/x/work`",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| bound("api_key")),
        Class::CapabilityDenied,
        "vault",
        "http_request: what is bound for github://acme/aileron-connector-x is not of kind oauth2",
    ),
    (
        OAUTH2,
        "oauth2",
        Some(|| bound("basic")),
        Class::CapabilityDenied,
        "runtime",
        "http_request: unsupported credential kind for v1 injection",
    ),
];

#[test] // sandbox.md §7.2, in the order of its rows; §13 C-1 to C-6, C-12
fn every_check_has_its_class_and_nothing_is_dialled() {
    let server = server::http(|_| answer("200 OK", "caught"));
    for (manifest, asked, source, class, detail, message) in CHECKS {
        let network = connected(&server, manifest);
        let network = match source {
            Some(says) => network.with_credentials(Arc::new(Says(says, AtomicUsize::new(0)))),
            None => network,
        };
        let url = format!("http://127.0.0.1:{}/", server.port());
        let failure = refused(ask(&network, json!({ "url": url, "credential": asked })));
        assert_eq!((failure.class, failure.message.as_str()), (class, message));
        assert_eq!(failure.details["boundary_detail"], detail, "{message}");
        assert_eq!(failure.details["connector"], FQN);
        assert!(!format!("{failure:?}").contains("s3cret") && !failure.message.contains("[[bindings]]"));
        if detail == "connector_manifest" {
            assert_eq!(failure.details["requested"], format!("credential:{asked}"));
            assert_eq!(
                failure.details.get("declared"),
                (!manifest.is_empty()).then(|| json!("credential:oauth2")).as_ref()
            );
        } else {
            assert_eq!(failure.details["capability_kind"], "oauth2");
        }
    }
    let failed = Says(|| Err(CredentialRefusal::Failed("the vault is locked".into())), AtomicUsize::new(0));
    let network = connected(&server, OAUTH2).with_credentials(Arc::new(failed));
    let failure = refused(ask(
        &network,
        json!({ "url": format!("http://127.0.0.1:{}/", server.port()), "credential": "oauth2" }),
    ));
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (Class::ConnectorRuntimeError, "http_request: resolve credential: the vault is locked")
    );
    assert_eq!(server.seen(), []);
}

#[test] // sandbox.md §7.1: asked once per request that wants it, and only then
fn the_vault_is_asked_after_every_gate_and_once() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let says = Arc::new(Says(|| bound("oauth2"), AtomicUsize::new(0)));
    let network = connected(&server, OAUTH2).with_credentials(says.clone());
    let url = format!("http://127.0.0.1:{}/", server.port());
    refused(ask(&network, json!({ "url": "https://evil.example/", "credential": "oauth2" })));
    refused(ask(&network, json!({ "url": url, "method": "B D", "credential": "oauth2" })));
    refused(ask(&network, json!({ "url": url, "credential": "api_key" })));
    ask(&network, json!({ "url": url })).unwrap();
    assert_eq!(says.1.load(Ordering::SeqCst), 0);
    ask(&network, json!({ "url": url, "credential": "oauth2" })).unwrap();
    ask(&network, json!({ "url": url, "credential": "oauth2" })).unwrap();
    assert_eq!(says.1.load(Ordering::SeqCst), 2);
}

#[test] // sandbox.md §7.3, §13 C-7 to C-11, C-14, C-15
fn a_kind_becomes_its_header_in_place_of_the_guests() {
    let default = api_key("");
    let bare = api_key("format = \"{key}\"\n");
    let token = api_key("format = \"token {key}\"\n");
    let custom = api_key("header = \"X-API-Key\"\nformat = \"{key}\"\n");
    for (manifest, kind, secret, name, value) in [
        (OAUTH2, "oauth2", "xoxb-token", "authorization", "Bearer xoxb-token"),
        (&default, "api_key", "k-secret", "authorization", "Bearer k-secret"),
        (&bare, "api_key", "lin_api_xxxxxxxx", "authorization", "lin_api_xxxxxxxx"),
        (&token, "api_key", "ghp_abcdef", "authorization", "token ghp_abcdef"),
        (&custom, "api_key", "k-secret", "x-api-key", "k-secret"),
    ] {
        let server = server::http(|_| answer("200 OK", "hi"));
        let network = connected(&server, manifest).with_credentials(given(secret));
        let url = format!("http://127.0.0.1:{}/", server.port());
        ask(&network, json!({ "url": url, "credential": kind })).unwrap();
        let guests = json!({ "authorization": "x", "AUTHORIZATION": "y", "x-api-KEY": "z" });
        ask(&network, json!({ "url": url, "credential": kind, "headers": guests })).unwrap();
        ask(&network, json!({ "url": url, "headers": { "Authorization": "Mine  as it is" } })).unwrap();
        let seen = server.seen();
        assert_eq!((seen[0].header(name), seen[1].header(name)), (Some(value), Some(value)));
        let left_alone = if name == "authorization" { "x-api-key" } else { "authorization" };
        assert_eq!(seen[0].header(left_alone), None, "{manifest}");
        assert_eq!(seen[1].header(left_alone), Some(if name == "authorization" { "z" } else { "y" }));
        assert_eq!(seen[2].header("authorization"), Some("Mine  as it is"));
    }
}

#[test] // 15a: https, or http to this machine
fn a_credential_is_not_sent_in_the_clear() {
    let names = Names::default().with("clear.example", "127.0.0.1");
    let server = server::http(|_| answer("200 OK", "caught"));
    let says = Arc::new(Says(|| bound("oauth2"), AtomicUsize::new(0)));
    let network = network(&(hosts(&[format!("clear.example:{}", server.port())]) + OAUTH2))
        .resolving_with(Arc::new(names))
        .allowing_private(["clear.example".to_owned()])
        .with_credentials(says.clone());
    let url = format!("http://clear.example:{}/", server.port());
    let failure = refused(ask(&network, json!({ "url": url, "credential": "oauth2" })));
    let message = "http_request: a credential travels only over https, or http to this machine";
    assert_eq!((failure.class, failure.message.as_str()), (Class::CapabilityDenied, message));
    assert_eq!((server.seen().len(), says.1.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(text(&ask(&network, json!({ "url": url })).unwrap()), "caught");
}

#[test] // sandbox.md §13 C-13, over TLS; §4.3: dropped on a downgrade
fn a_bearer_travels_over_tls_and_not_along_a_downgrade() {
    let plain = server::http(|_| answer("200 OK", "plain"));
    let location = format!("http://granted.example:{}/", plain.port());
    let identity = identity(&["granted.example"]);
    let server = server::https(&identity, move |request| match request.target.as_str() {
        "/" => answer("200 OK", "hi"),
        _ => answer(&format!("307 Down\r\nLocation: {location}"), ""),
    });
    let granted = [server.port(), plain.port()].map(|port| format!("granted.example:{port}"));
    let network = network(&(hosts(&granted) + OAUTH2))
        .resolving_with(Arc::new(Names::default().with("granted.example", "127.0.0.1")))
        .allowing_private(["granted.example".to_owned()])
        .trusting(Roots::Only(vec![identity.certificate.clone()]))
        .with_credentials(given("xoxb-0123456789"));
    let ask = |path: &str| {
        ask(
            &network,
            json!({ "url": format!("https://granted.example:{}{path}", server.port()), "credential": "oauth2" }),
        )
        .unwrap()
    };
    assert_eq!(text(&ask("/")), "hi");
    assert_eq!(server.only().header("authorization"), Some("Bearer xoxb-0123456789"));
    assert_eq!(text(&ask("/down")), "plain");
    assert_eq!(plain.only().header("authorization"), None);
}

#[test] // sandbox.md §7.1 [R]; vault.md §13.4
fn a_service_that_echoes_the_credential_does_not_reveal_it() {
    let server = server::http(|request| {
        let echo = format!("{{\"auth\":\"{}\",\"n\":1}}", request.header("authorization").unwrap_or_default());
        answer("200 OK", echo)
    });
    let echoed = |secret: &str| {
        let network = connected(&server, OAUTH2).with_credentials(given(secret));
        let url = format!("http://127.0.0.1:{}/", server.port());
        text(&ask(&network, json!({ "url": url, "credential": "oauth2" })).unwrap()).to_owned()
    };
    assert_eq!(echoed("xoxb-0123456789"), "{\"auth\":\"Bearer [REDACTED]\",\"n\":1}");
    assert_eq!(echoed("seven77"), "{\"auth\":\"Bearer seven77\",\"n\":1}");
    let refusing = connected(&server, OAUTH2).with_credentials(given("evil\r\nX-Evil: 1"));
    let failure = refused(ask(
        &refusing,
        json!({ "url": format!("http://127.0.0.1:{}/", server.port()), "credential": "oauth2" }),
    ));
    assert!(
        failure.message.starts_with("http_request: resolve credential: the credential cannot stand in a header"),
        "{failure}"
    );
    assert!(!format!("{failure:?}").contains("evil"));
}

#[test] // sandbox.md §7.1 [R]: what the host cannot read it cannot redact
fn an_answer_to_a_request_with_a_credential_comes_whole_and_readable() {
    let server = server::http(|request| {
        let echo = request.header("authorization").unwrap_or_default().to_owned();
        answer("200 OK", echo)
    });
    let network = connected(&server, &api_key("")).with_credentials(given("s3cret-s3cret-s3cret"));
    let url = format!("http://127.0.0.1:{}/", server.port());
    for headers in [
        json!({ "Accept-Encoding": "gzip" }),
        json!({ "accept-encoding": "identity" }),
        json!({ "Accept-Encoding": "br, deflate" }),
        json!({ "ACCEPT-ENCODING": "" }),
        json!({ "Range": "bytes=0-3" }),
        json!({ "range": "bytes=4-7" }),
        json!({ "Range": "bytes=0-0,2-2,4-4" }),
        json!({ "If-Range": "\"tag\"" }),
        json!({ "Range": "bytes=-1", "If-Range": "\"tag\"" }),
        json!({ "Accept-Encoding": "gzip", "Range": "bytes=0-3", "X-Other": "o" }),
    ] {
        let with = json!({ "url": url, "headers": headers, "credential": "api_key" });
        assert_eq!(text(&ask(&network, with).unwrap()), "Bearer [REDACTED]", "{headers}");
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("accept-encoding"), Some("gzip"), "{headers}");
        assert_eq!((seen.header("range"), seen.header("if-range")), (None, None), "{headers}");
        // Without a credential there is nothing to protect, and the guest asks as it likes.
        ask(&network, json!({ "url": url, "headers": headers })).unwrap();
        let seen = server.seen().pop().unwrap();
        for (name, value) in headers.as_object().unwrap() {
            assert_eq!(seen.header(&name.to_ascii_lowercase()), value.as_str(), "{headers}");
        }
    }
}
