//! `aws_sigv4` on the wire. §7.4, §13 S1 to S9. S10 has no equivalent here: a body is text in memory, and cannot fail to be
//! read.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aileron_sandbox::credential::{
    BoundCredential, CredentialRefusal, CredentialRequest, Credentials, Resolving, StaticCredential,
};
use aileron_sandbox::host::http::{Network, Roots};
use aileron_sandbox::secret::Secret;
use aileron_verifier::problem::Class;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Names, ask, hosts, network, refused, text};
use crate::certificate::identity;
use crate::server::{self, Request, Server, answer};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const EAST: &str = "athena.us-east-1.amazonaws.test";
const WEST: &str = "athena.eu-west-1.amazonaws.test";
const GOV: &str = "athena.us-gov-west-1.amazonaws.test";

fn secret() -> Arc<Secret> {
    Arc::new(Secret::from(SECRET.to_owned()))
}

fn given(region: Option<&str>, access_key_id: Option<&str>) -> Arc<StaticCredential> {
    let text = |value: Option<&str>| value.map(str::to_owned);
    Arc::new(StaticCredential { secret: secret(), region: text(region), access_key_id: text(access_key_id) })
}

fn aws(more: &str) -> String {
    format!("[capabilities.credential]\nkind = \"aws_sigv4\"\nservice = \"s3\"\n{more}")
}

/// A server under AWS-like names, and a connector that may reach it.
fn cloud(manifest: &str, answering: fn(&Request) -> Vec<u8>) -> (Server, Network) {
    let hosts_of = [EAST, WEST, GOV, "plain.example"];
    let identity = identity(&hosts_of);
    let server = server::https(&identity, answering);
    let granted: Vec<String> = hosts_of.iter().map(|host| format!("{host}:{}", server.port())).collect();
    let names = hosts_of.iter().fold(Names::default(), |names, host| names.with(host, "127.0.0.1"));
    let network = network(&(hosts(&granted) + manifest))
        .resolving_with(Arc::new(names))
        .allowing_private(hosts_of.map(str::to_owned))
        .trusting(Roots::Only(vec![identity.certificate.clone()]))
        .with_clock(Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_777_636_800)));
    (server, network)
}

fn authorization(request: &Request) -> &str {
    request.header("authorization").unwrap()
}

#[test] // sandbox.md §13 S1, S4
fn a_request_is_signed_over_what_arrives() {
    let (server, network) = cloud(&aws(""), |_| answer("200 OK", "rows"));
    let network = network.with_credentials(given(None, Some("AKIDEXAMPLE")));
    let body = "{\"QueryString\":\"select 'h\u{e9}'\"}";
    let headers = json!({ "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonAthena.Start", "Authorization": "mine",
        "X-Amz-Date": "never", "X-Amz-Content-Sha256": "00", "Host": "evil.example" });
    let url = format!("https://{EAST}:{}/", server.port());
    let asked = json!({ "url": url, "method": "POST", "credential": "aws_sigv4", "body": body, "headers": headers });
    assert_eq!(text(&ask(&network, asked).unwrap()), "rows");
    let seen = server.only();
    assert!(
        authorization(&seen).starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260501/us-east-1/athena/aws4_request, \
             SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target, Signature="
        ),
        "{}",
        authorization(&seen)
    );
    assert_eq!(seen.header("x-amz-date"), Some("20260501T120000Z"));
    assert_eq!(seen.body, body.as_bytes());
    let digest: String = Sha256::digest(&seen.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(seen.header("x-amz-content-sha256"), Some(digest.as_str()));
    assert_eq!(seen.header("host"), Some(format!("{EAST}:{}", server.port()).as_str()));
    assert!(!format!("{seen:?}").contains(SECRET));
}

#[test] // sandbox.md §13 S2, S3
fn missing_inputs_are_named_and_nothing_leaves() {
    for (manifest, region, key_id, missing) in [
        ("", None, Some("AK"), "no region"),
        ("", Some("eu-west-1"), None, "no access key id"),
        ("", None, None, "no region, no access key id"),
        ("region = \"eu-west-1\"\n", None, None, "no access key id"),
    ] {
        let (server, network) = cloud(&aws(manifest), |_| answer("200 OK", "caught"));
        let network = network.with_credentials(given(region, key_id));
        let url = format!("https://plain.example:{}/", server.port());
        let failure = refused(ask(&network, json!({ "url": url, "credential": "aws_sigv4" })));
        assert_eq!(failure.class, Class::CapabilityDenied);
        assert_eq!(failure.message, format!("http_request: aws_sigv4 signing inputs incomplete: {missing}"));
        assert_eq!(
            (&failure.details["boundary_detail"], &failure.details["capability_kind"]),
            (&json!("connector_manifest"), &json!("aws_sigv4"))
        );
        assert!(!format!("{failure:?}").contains(SECRET));
        assert_eq!(server.seen(), []);
    }
    let (server, network) = cloud(&aws(""), |_| answer("200 OK", "caught"));
    let url = format!("https://{EAST}:{}/", server.port());
    let failure = refused(ask(&network, json!({ "url": url, "credential": "oauth2" })));
    assert_eq!(
        (failure.class, &failure.details["declared"]),
        (Class::CapabilityDenied, &json!("credential:aws_sigv4"))
    );
}

#[test] // sandbox.md §13 S6, S7, S8; §7.4 steps 1 and 2
fn the_host_decides_the_scope_and_the_binding_beats_the_manifest() {
    for (manifest, region, key_id, host, scope) in [
        ("", Some("eu-west-1"), Some("AK"), EAST, "AK/20260501/us-east-1/athena/"),
        ("", None, Some("AK"), WEST, "AK/20260501/eu-west-1/athena/"),
        ("", None, Some("AK"), GOV, "AK/20260501/us-gov-west-1/athena/"),
        ("", Some("ap-south-1"), Some("AK"), "plain.example", "AK/20260501/ap-south-1/s3/"),
        ("region = \"eu-west-3\"\naccess_key_id = \"MF\"\n", None, None, "plain.example", "MF/20260501/eu-west-3/s3/"),
        (
            "region = \"eu-west-3\"\naccess_key_id = \"MF\"\n",
            Some("ap-south-1"),
            Some("AK"),
            "plain.example",
            "AK/20260501/ap-south-1/s3/",
        ),
    ] {
        let (server, network) = cloud(&aws(manifest), |_| answer("200 OK", ""));
        let network = network.with_credentials(given(region, key_id));
        ask(&network, json!({ "url": format!("https://{host}:{}/", server.port()), "credential": "aws_sigv4" }))
            .unwrap();
        let seen = server.only();
        assert!(authorization(&seen).contains(&format!("Credential={scope}aws4_request,")), "{}", authorization(&seen));
    }
}

/// Two bindings, chosen by the region of the host; without one it is ambiguous.
struct Regional;

impl Credentials for Regional {
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a> {
        let bound = |key_id: &str| {
            let (kind, secret) = (wanted.kind.as_str().to_owned(), secret());
            Ok(BoundCredential { kind, secret, region: wanted.region.clone(), access_key_id: Some(key_id.to_owned()) })
        };
        let found = match wanted.region.as_deref() {
            Some("us-east-1") => bound("AKEAST"),
            Some("eu-west-1") => bound("AKWEST"),
            _ => Err(CredentialRefusal::NotBound {
                candidates: vec!["aws_sigv4/x/east".into(), "aws_sigv4/x/west".into()],
            }),
        };
        Box::pin(async { found })
    }
}

#[test] // sandbox.md §13 S5
fn each_region_is_signed_with_its_own_key() {
    let (server, network) = cloud(&aws(""), |_| answer("200 OK", ""));
    let network = network.with_credentials(Arc::new(Regional));
    let ask = |host: &str| {
        ask(&network, json!({ "url": format!("https://{host}:{}/", server.port()), "credential": "aws_sigv4" }))
    };
    ask(EAST).unwrap();
    ask(WEST).unwrap();
    let seen = server.seen();
    let signature = |request: &Request| authorization(request).rsplit('=').next().unwrap().to_owned();
    assert!(authorization(&seen[0]).contains("Credential=AKEAST/20260501/us-east-1/athena/"));
    assert!(authorization(&seen[1]).contains("Credential=AKWEST/20260501/eu-west-1/athena/"));
    assert_ne!(signature(&seen[0]), signature(&seen[1]));
    assert!(!format!("{seen:?}").contains(SECRET));
    let failure = refused(ask(GOV));
    assert_eq!((failure.class, failure.details["candidates"].as_array().unwrap().len()), (Class::BindingRequired, 2));
}

#[test] // sandbox.md §4.3 [R]: a signature is for one request
fn a_signed_request_follows_no_redirect() {
    let (server, network) = cloud(&aws(""), |request| match request.target.as_str() {
        "/" => answer("307 Elsewhere\r\nLocation: /next", "<Endpoint/>"),
        _ => answer("200 OK", "caught"),
    });
    let network = network.with_credentials(given(None, Some("AK")));
    let url = format!("https://{EAST}:{}/", server.port());
    let response = ask(&network, json!({ "url": url, "credential": "aws_sigv4" })).unwrap();
    assert_eq!((response.status, text(&response)), (307, "<Endpoint/>"));
    assert_eq!(server.seen().len(), 1);
    assert_eq!(text(&ask(&network, json!({ "url": url })).unwrap()), "caught");
}
