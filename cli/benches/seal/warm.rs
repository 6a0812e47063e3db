//! One request more on a connection that is there: what the proxy adds to it. Each one asks the vault.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use aileron_cli::runtime::seal::credential::VaultCredentials;
use aileron_cli::runtime::seal::proxy::Proxy;
use aileron_cli::secret::Secret;
use aileron_cli::sys::lock::LockPolicy;
use aileron_cli::vault::document::{Document, Entry};
use aileron_cli::vault::file::VaultFile;
use aileron_testkit::tls::{Authority, TlsServer};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::{HOST, REFERENCE, RUNS, TOKEN, median, proxy, timed};

/// What a request may take longer.
const MOST: &str = "1 ms";

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A request directly and through the proxy, in turn, with a vault of one entry and of a thousand.
pub(crate) fn measure(authority: &Authority, server: &TlsServer) {
    println!("a warm request                         median     added  at most");
    for entries in [1, 1_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let vault = VaultFile::at(folder.path().join(".aileron/secrets.json"));
        let passphrase = Secret::from("correct horse battery staple".to_owned());
        let custodian = vault.create(&passphrase).expect("a vault");
        let fill = |document: &mut Document| {
            for number in 1..entries {
                document.put(format!("user/other-{number}"), Entry::new("user", custodian.seal(&passphrase)?));
            }
            document.put(REFERENCE, Entry::new("user", custodian.seal(&Secret::from(TOKEN.to_owned()))?));
            Ok(())
        };
        vault.change(Some(&custodian), fill).expect("entries");
        let credentials = Arc::new(VaultCredentials::new(vault, custodian.into(), LockPolicy::default()));
        let proxy = proxy(server.address(), authority.der(), credentials);
        let mut direct = secure(TcpStream::connect(server.address()).expect("connects"), authority.der());
        let mut sealed = secure(tunnel(&proxy), proxy.authority());
        // A file that was written within a tick of the file system's clock is read at each request; one that lies there is not.
        std::thread::sleep(Duration::from_millis(2_500));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            before.push(timed(|| ask(&mut direct)).1);
            after.push(timed(|| ask(&mut sealed)).1);
        }
        let (before, after) = (median(before), median(after));
        let milliseconds = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
        println!("  directly                         {:>10}", milliseconds(before));
        let added = milliseconds(after.saturating_sub(before));
        println!("  sealed, vault of {entries:<5} entries    {:>10} {added:>9}  {MOST}", milliseconds(after));
    }
    let seen = server.seen();
    let expected = format!("Bearer {TOKEN}");
    let sealed = seen.iter().filter(|asked| asked.header("authorization") == Some(&expected)).count();
    assert!(sealed >= 2 * RUNS, "{sealed} requests had the credential");
}

/// A tunnel to the sealed host.
fn tunnel(proxy: &Proxy) -> TcpStream {
    let url = String::from_utf8(proxy.url().expose().to_vec()).expect("text");
    let (user, address) = url.strip_prefix("http://").and_then(|rest| rest.split_once('@')).expect("a URL");
    let mut stream = TcpStream::connect(address).expect("connects");
    let shown = BASE64_STANDARD.encode(user);
    let head = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nProxy-Authorization: Basic {shown}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("writes");
    assert!(answer(&mut stream).starts_with("HTTP/1.1 200"));
    stream
}

fn secure(stream: TcpStream, authority: &[u8]) -> Tls {
    stream.set_nodelay(true).expect("a socket");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec())).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(HOST).expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a session"), stream)
}

fn ask(stream: &mut Tls) {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).expect("writes");
    assert!(answer(stream).starts_with("HTTP/1.1 200"));
    stream.read_exact(&mut [0; "fine".len()]).expect("a body");
}

/// The head of an answer.
fn answer(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}
