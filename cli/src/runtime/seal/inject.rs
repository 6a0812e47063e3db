//! A credential in a request's head. What is written, and when, is the verifier's to say; here it stays in memory that is wiped.

use aileron_verifier::unit::BindingEntry;
use aileron_verifier::unit::seal::Injection;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// It cannot be: it has line ends or NUL in it, or the entry names no header. The request is then as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotInjected;

/// Puts the credential where the entry says, in place of all that was there. cli-unit.md §6.5, sealing.md §4.
pub(super) fn inject(head: &mut Parts, entry: &BindingEntry, credential: &Secret) -> Result<(), NotInjected> {
    let before = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let injection = Injection::of(entry, before.query()).ok_or(NotInjected)?;
    let token = credential.expose();
    match injection {
        Injection::Header { name, .. } => {
            let name: HeaderName = name.trim().parse().map_err(|_| NotInjected)?;
            // One allocation of the final size: growing would leave copies behind.
            let mut value = Zeroizing::new(Vec::with_capacity(injection.room(token)));
            injection.write(token, &mut value).map_err(|_| NotInjected)?;
            let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).map_err(|_| NotInjected)?;
            value.set_sensitive(true);
            head.headers.insert(name, value); // and removes every other one of the name
        }
        Injection::Query { .. } => {
            let path = before.path().as_bytes();
            let mut target = Zeroizing::new(Vec::with_capacity(path.len() + 1 + injection.room(token)));
            target.extend_from_slice(path);
            target.push(b'?');
            injection.write(token, &mut target).map_err(|_| NotInjected)?;
            let target = PathAndQuery::from_maybe_shared(Bytes::from_owner(target)).map_err(|_| NotInjected)?;
            head.uri = target.into();
        }
    }
    Ok(())
}
