//! The way to a server: only addresses that may be dialled, TLS whose certificate is verified. sealing.md §3, §5.
//!
//! The address that was judged is the address that is dialled; what makes one public is the sandbox's to say.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aileron_sandbox::grant::address::is_public;
use aileron_sandbox::host::http::{Resolver, Roots, System, trusting};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::READ;
use super::error::SessionError;
use super::route::{HTTPS, Refusal, Target};

/// How long a connection may take: name, TCP and TLS. sealing.md §5.
pub const CONNECT: Duration = Duration::from_secs(10);

/// `--resolve HOST:443:ADDR:PORT`: one host is dialled at another address, which may be private: it was chosen by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The host, in lower case.
    pub host: String,
    /// Where it is dialled.
    pub address: SocketAddr,
}

/// How servers are found.
#[derive(Clone)]
pub struct Network {
    /// Turns names into addresses.
    pub resolver: Arc<dyn Resolver>,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// Hosts that are somewhere else.
    pub overrides: Vec<Override>,
    /// Names that may lead to private addresses, in lower case.
    pub allow_private: Vec<String>,
    /// How long a connection may take.
    pub connect: Duration,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            resolver: Arc::new(System),
            roots: Roots::Platform,
            overrides: Vec::new(),
            allow_private: Vec::new(),
            connect: CONNECT,
        }
    }
}

/// Connects.
pub(super) struct Dialer {
    network: Network,
    tls: TlsConnector,
}

impl Dialer {
    pub(super) fn new(network: Network) -> Result<Dialer, SessionError> {
        let mut config: ClientConfig = trusting(&network.roots).map_err(SessionError::Roots)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Dialer { network, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection to it, without TLS.
    pub(super) async fn plain(&self, target: &Target) -> Result<TcpStream, Refusal> {
        self.in_time(target, self.reach(target)).await
    }

    /// A connection to it with TLS, whose certificate is for this host and verified.
    pub(super) async fn secured(&self, target: &Target) -> Result<TlsStream<BufReader<TcpStream>>, Refusal> {
        let name = ServerName::try_from(target.host.clone());
        let name = name.map_err(|_| Refusal::Upstream(format!("{} is not a host name", target.host)))?;
        self.in_time(target, async {
            let stream = BufReader::with_capacity(READ, self.reach(target).await?);
            self.tls.connect(name, stream).await.map_err(|error| unreachable(target, &error))
        })
        .await
    }

    async fn in_time<T>(&self, target: &Target, dial: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        match timeout(self.network.connect, dial).await {
            Ok(dialled) => dialled,
            Err(_) => Err(unreachable(target, &io::Error::from(io::ErrorKind::TimedOut))),
        }
    }

    async fn reach(&self, target: &Target) -> Result<TcpStream, Refusal> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in self.addresses(target).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true); // slower without it, not wrong
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(unreachable(target, &last))
    }

    /// The addresses of a target that may be dialled.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Refusal> {
        let Target { host, port, address } = target;
        let chosen = self.network.overrides.iter().find(|chosen| chosen.host == *host && *port == HTTPS);
        if let Some(chosen) = chosen {
            return Ok(vec![chosen.address]);
        }
        if let Some(address) = address {
            return Ok(vec![SocketAddr::new(*address, *port)]); // judged where it was read
        }
        let found = self.network.resolver.lookup(host).await.map_err(|error| unreachable(target, &error))?;
        let is_free = self.network.allow_private.contains(host);
        let admits = |address: &&IpAddr| is_free || is_public(**address);
        let kept: Vec<SocketAddr> =
            found.iter().filter(admits).map(|address| SocketAddr::new(*address, *port)).collect();
        match found.first() {
            Some(address) if kept.is_empty() => Err(Refusal::NotPublic { host: host.clone(), address: *address }),
            _ => Ok(kept),
        }
    }
}

fn unreachable(target: &Target, error: &io::Error) -> Refusal {
    Refusal::Upstream(format!("{} cannot be reached: {error}", target.host))
}
