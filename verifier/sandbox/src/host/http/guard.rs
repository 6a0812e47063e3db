//! Which addresses may be dialled: what this resolver does not return, the client cannot reach.
//!
//! The client gets its addresses from [`Guarded`] and from nowhere else, so a second, different answer of a DNS server
//! changes nothing. Behind a proxy the proxy looks names up, and only the name grant decides.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use crate::failure::Failure;
use crate::grant::address;
use aileron_verifier::problem::Class;

/// What [`Resolver::lookup`] returns.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns names into addresses.
pub trait Resolver: Send + Sync {
    /// Every address of a name. Dropping the future gives up.
    fn lookup(&self, host: &str) -> Lookup;
}

/// The machine's resolver, asked on a thread of its own: a lookup that hangs holds up neither the deadline of an invoke nor
/// the end of its runtime, which would wait for a blocking task.
pub struct System;

impl Resolver for System {
    fn lookup(&self, host: &str) -> Lookup {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let host = host.to_owned();
        let spawned = std::thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            let _ = sender.send(found.map(|found| found.map(|address| address.ip()).collect())); // the waiting side may be gone
        });
        Box::pin(async move {
            spawned?;
            receiver.await.unwrap_or_else(|_| Err(io::Error::other("the lookup ended without an answer")))
        })
    }
}

/// The resolver the client is given: what it does not return cannot be dialled.
#[derive(Clone)]
pub(super) struct Guarded {
    resolver: Arc<dyn Resolver>,
    /// Hosts whose private addresses may be dialled.
    allow_private: Vec<String>,
    /// The names are those of proxies, which the user has chosen.
    proxied: bool,
}

impl Guarded {
    /// A guard over this resolver. `proxied`: the names are those of proxies, which the user has chosen.
    pub(super) fn new(resolver: Arc<dyn Resolver>, allow_private: Vec<String>, proxied: bool) -> Guarded {
        Guarded { resolver, allow_private, proxied }
    }

    /// The addresses of a name that may be dialled; the port is filled in by the client.
    pub(super) fn resolve(&self, name: &str) -> Resolution {
        let host = name.to_ascii_lowercase();
        let lookup = self.resolver.lookup(&host);
        let is_free = self.proxied || self.allow_private.contains(&host);
        let admits = move |host: &str, address: &IpAddr| match host {
            _ if is_free => true,
            "localhost" => address.to_canonical().is_loopback(),
            _ => address::is_public(*address),
        };
        Box::pin(async move {
            let found = lookup.await?;
            let kept: Vec<SocketAddr> = found
                .iter()
                .filter(|address| admits(&host, address))
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            match found.first() {
                Some(address) if kept.is_empty() => Err(NotPublic { host, address: *address }.into()),
                None => Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")).into()),
                Some(_) => Ok(kept.into_iter()),
            }
        })
    }
}

/// What [`Guarded::resolve`] returns.
pub(super) type Resolution = Pin<
    Box<dyn Future<Output = Result<std::vec::IntoIter<SocketAddr>, Box<dyn std::error::Error + Send + Sync>>> + Send>,
>;

/// A granted name leads into the user's own network. Its class is that of [`NotPublic::failure`], which never is retriable.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, which is not a public address")]
pub(super) struct NotPublic {
    host: String,
    address: IpAddr,
}

impl NotPublic {
    pub(super) fn failure(&self, authority: &str) -> Failure {
        let message = format!("{self}; --allow-private {} admits it", self.host);
        Failure::new(Class::CapabilityDenied, message)
            .with("requested", format!("network:{authority}"))
            .with("address", self.address.to_string())
            .with("boundary_detail", "runtime")
    }
}
