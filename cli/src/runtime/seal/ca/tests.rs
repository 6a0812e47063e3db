use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    NOW + Duration::from_secs(1_800_000_000 + seconds)
}

/// A clock for a client's check of certificates.
#[derive(Debug)]
struct Then(u64);

impl rustls::time_provider::TimeProvider for Then {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// The chain a client saw, and the protocol.
type Seen = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// A handshake with a client that believes this authority alone, at this time.
fn handshake(ca: &SessionCa, config: Arc<ServerConfig>, host: &str, seconds: i64) -> Result<Seen, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate.clone()).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut client =
        ClientConfig::builder_with_details(provider, Arc::new(Then((1_800_000_000 + seconds).cast_unsigned())))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
    let mut server = ServerConnection::new(config).expect("a server");
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).expect("memory");
        server.read_tls(&mut wire.as_slice()).expect("memory");
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).expect("memory");
        client.read_tls(&mut wire.as_slice()).expect("memory");
        client.process_new_packets()?;
    }
    let chain = client.peer_certificates().expect("a chain").iter().map(|found| found.to_vec()).collect();
    Ok((chain, client.alpn_protocol().map(<[u8]>::to_vec)))
}

#[test] // sealing.md §2, §3
fn a_certificate_is_for_its_host_valid_from_a_minute_ago_for_half_an_hour_and_offers_http_1_1() {
    let ca = SessionCa::new(at(0)).expect("an authority");
    let config = ca.for_host("api.github.com", at(0)).expect("a certificate");
    let (_, protocol) = handshake(&ca, config.clone(), "api.github.com", 0).expect("believed");
    assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
    assert!(handshake(&ca, config.clone(), "github.com", 0).is_err(), "another host");
    for (seconds, believed) in [(-61, false), (-59, true), (29 * 60 - 1, true), (29 * 60 + 1, false)] {
        let shown = handshake(&ca, config.clone(), "api.github.com", seconds);
        assert_eq!(shown.is_ok(), believed, "{seconds} seconds later");
    }
    // An address is a name too.
    let config = ca.for_host("192.0.2.7", at(0)).expect("a certificate");
    assert!(handshake(&ca, config, "192.0.2.7", 0).is_ok());
    assert!(
        SessionCa::new(at(0)).is_ok_and(|other| {
            let config = other.for_host("api.github.com", at(0)).expect("a certificate");
            handshake(&ca, config, "api.github.com", 0).is_err()
        }),
        "another run's authority is not believed"
    );
}

#[test] // sealing.md §2: once per host and run
fn a_host_has_one_key_and_one_certificate_until_a_long_run_needs_the_next() {
    let ca = SessionCa::new(at(0)).expect("an authority");
    let chain = |host: &str, seconds| {
        let config = ca.for_host(host, at(seconds)).expect("a certificate");
        handshake(&ca, config, host, seconds.cast_signed()).expect("believed").0
    };
    let first = chain("a.example", 0);
    assert_eq!(first, chain("a.example", 60));
    assert_ne!(first, chain("b.example", 60));
    let later = chain("a.example", 20 * 60);
    assert_ne!(first, later);
    assert_eq!(later, chain("a.example", 21 * 60));
}

#[test] // sealing.md §2, as openssl reads it
fn a_certificate_is_ecdsa_p_256_for_server_authentication_only() {
    let ca = SessionCa::new(at(0)).expect("an authority");
    let config = ca.for_host("api.github.com", at(0)).expect("a certificate");
    let (chain, _) = handshake(&ca, config, "api.github.com", 0).expect("believed");
    let text = |der: &[u8]| {
        let mut command = Command::new("openssl");
        command.args(["x509", "-inform", "DER", "-noout", "-text"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut openssl) = command.spawn() else { return None };
        std::io::Write::write_all(&mut openssl.stdin.take().expect("a pipe"), der).expect("it reads");
        Some(String::from_utf8(openssl.wait_with_output().expect("it ends").stdout).expect("text"))
    };
    let (Some(leaf), Some(authority)) = (text(&chain[0]), text(ca.certificate())) else {
        let missing = aileron_testkit::Requirement::Openssl;
        return aileron_testkit::skip(missing, "there is no openssl here");
    };
    for (text, wanted) in [
        (&leaf, "CN = api.github.com"),
        (&leaf, "DNS:api.github.com\n"),
        (&leaf, "ASN1 OID: prime256v1"),
        (&leaf, "TLS Web Server Authentication\n"),
        (&leaf, "CA:FALSE"),
        (&leaf, "Issuer: CN = aileron sandbox proxy"),
        (&authority, "CA:TRUE, pathlen:0"),
        (&authority, "Certificate Sign, CRL Sign\n"),
        (&authority, "ASN1 OID: prime256v1"),
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}
