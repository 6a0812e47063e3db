//! `seal`: the proxy itself, and real programs behind it.

mod client;
mod decisions;
mod events;
mod forwarding;
mod leaks;
mod programs;
mod who_may;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aileron_cli::runtime::seal::credential::Credentials;
use aileron_cli::runtime::seal::dial::{Network, Override};
use aileron_cli::runtime::seal::proxy::{IDLE, Proxy, SealOptions};
use aileron_cli::secret::Secret;
use aileron_sandbox::host::http::{Lookup, Resolver, Roots};
use aileron_testkit::home::TestHome;
use aileron_testkit::tls::{Authority, TlsServer};
use aileron_verifier::problem::Source;
use aileron_verifier::unit::{Effective, Layer, Origin, read_bindings};

use crate::vault::{PASSPHRASE, with_vault};

/// The credential of these tests. No program may ever see it, and no output hold it.
pub(crate) const TOKEN: &str = "gho_marker-0123456789-abcdef";
/// What a tool is given in its place.
pub(crate) const SENTINEL: &str = "ghp_AILERONSENTINELAAAAAAAAAAAAAAAAAAAAA";

/// gh's two hosts, and one for each other scheme.
pub(crate) const BINDINGS: &str = "version: v1
bindings:
  - host: github.com
    credential_ref: user/github
    scheme: basic
    emit_mechanism: inject
    username: x-access-token
  - host: api.github.com
    credential_ref: user/github
    scheme: bearer
    emit_mechanism: sentinel-swap
    sentinel:
      value: ghp_AILERONSENTINELAAAAAAAAAAAAAAAAAAAAA
      env: GH_TOKEN
  - host: header.example
    credential_ref: user/github
    scheme: header-template
    header: X-Api-Key
    template: key={token};again={token}
  - host: query.example
    credential_ref: user/github
    scheme: query-param
    query_param: api_key
  - host: '*.wild.example'
    credential_ref: user/github
    scheme: bearer
  - host: absent.example
    credential_ref: user/absent
    scheme: bearer
";

/// Which hosts a document seals.
pub(crate) fn table(document: &str) -> Effective {
    let source = Source::new("binding-descriptors.yaml", document);
    let mut table = Effective::default();
    for entry in read_bindings(&source).unwrap() {
        table.add_binding(entry, Origin::of(Layer::User, "binding-descriptors.yaml"));
    }
    table
}

/// A vault of one entry.
struct Held(&'static str);

impl Credentials for Held {
    fn credential(&self, reference: &str) -> Option<Arc<Secret>> {
        (reference == "user/github").then(|| Arc::new(Secret::from(self.0.to_owned())))
    }
}

/// Names that lead where a test says.
struct Names(&'static [(&'static str, [u8; 4])]);

impl Resolver for Names {
    fn lookup(&self, host: &str) -> Lookup {
        let found: Vec<IpAddr> =
            self.0.iter().filter(|(name, _)| *name == host).map(|(_, address)| IpAddr::from(*address)).collect();
        Box::pin(async move {
            if found.is_empty() { Err(io::Error::new(io::ErrorKind::NotFound, "no such name")) } else { Ok(found) }
        })
    }
}

/// A proxy in this process, and what it may reach.
pub(crate) struct Setup {
    pub(crate) authority: Authority,
    pub(crate) proxy: Proxy,
    log: tempfile::NamedTempFile,
}

/// What differs from test to test.
struct Options {
    token: &'static str,
    names: &'static [(&'static str, [u8; 4])],
    allow_private: &'static [&'static str],
    connect: Duration,
    idle: Duration,
    /// An authority that nobody believes signs for the servers.
    is_believed: bool,
}

impl Default for Options {
    fn default() -> Options {
        let connect = Duration::from_secs(10);
        Options { token: TOKEN, names: &[], allow_private: &[], connect, idle: IDLE, is_believed: true }
    }
}

impl Setup {
    /// A proxy that finds these hosts at the server.
    fn before(server: impl FnOnce(&Authority) -> TlsServer, hosts: &[&str], options: Options) -> (Setup, TlsServer) {
        let authority = Authority::new();
        let server = server(&authority);
        let overrides =
            hosts.iter().map(|host| Override { host: (*host).to_owned(), address: server.address() }).collect();
        let believed = if options.is_believed { authority.der().to_vec() } else { Authority::new().der().to_vec() };
        let network = Network {
            resolver: Arc::new(Names(options.names)),
            roots: Roots::Only(vec![believed]),
            overrides,
            allow_private: options.allow_private.iter().map(|host| (*host).to_owned()).collect(),
            connect: options.connect,
        };
        let log = tempfile::NamedTempFile::new().unwrap();
        let proxy = Proxy::start(SealOptions {
            table: table(BINDINGS),
            credentials: Arc::new(Held(options.token)),
            network,
            idle: options.idle,
            log: Some(log.reopen().unwrap()),
            now: SystemTime::now,
        });
        (Setup { authority, proxy: proxy.unwrap(), log }, server)
    }

    /// The lines of the log so far.
    fn events(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.log.path()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A home whose vault holds [`TOKEN`] and whose binding file is [`BINDINGS`].
pub(crate) fn home() -> TestHome {
    let home = with_vault();
    home.write("token.txt", TOKEN);
    home.ok("aileron vault put user/github --from-file token.txt --passphrase-file passphrase.txt");
    std::fs::remove_file(home.path("token.txt")).unwrap();
    std::fs::write(home.home().join(".aileron/binding-descriptors.yaml"), BINDINGS).unwrap();
    home
}

/// `aileron seal` with what a test adds, for servers of this authority at these places.
pub(crate) fn seal(home: &TestHome, authority: &Authority, hosts: &[(&str, &TlsServer)]) -> Command {
    let mut command = home.consumer(&["seal", "--passphrase-file", "passphrase.txt"]);
    for (host, server) in hosts {
        command.args(["--resolve", &format!("{host}:443:{}", server.address())]);
    }
    command.env("SSL_CERT_FILE", authority.write(&home.path("roots.pem")));
    command
}

/// Whether a file or directory of this test's home holds a text, and which.
pub(crate) fn holders(root: &Path, text: &str) -> Vec<String> {
    let files = aileron_testkit::home::tree::contents(root);
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    files.into_iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name).collect()
}

#[test]
fn the_passphrase_of_these_tests_is_one_that_no_output_may_hold() {
    assert!(aileron_testkit::home::SECRETS.iter().any(|secret| PASSPHRASE.starts_with(secret)));
}
