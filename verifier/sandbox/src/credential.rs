//! A kind becomes a header. sandbox.md §7, vault.md §13.
//!
//! The guest names a kind and never sees more. Who knows the secret stands behind the port [`Credentials`]: it is asked
//! after every gate has opened, once per request, and what it gives is used inside the expression that needs it. Nothing
//! in here can print a secret; a refusal carries names only.

pub mod sigv4;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use aileron_verifier::artifact::manifest::{Credential, CredentialKind};
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::problem::{Class, Spanned};
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::grant::Target;
use crate::secret::Secret;

/// Whose credential is wanted, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRequest {
    /// The connector.
    pub connector: Fqn,
    /// The kind its manifest declares.
    pub kind: CredentialKind,
    /// `aws_sigv4`: the region the URL's host names, which selects among several bindings. §7.4.
    pub region: Option<String>,
}

/// What a binding holds.
pub struct BoundCredential {
    /// The kind as it is stored.
    pub kind: String,
    /// The key, the access token, the secret access key.
    pub secret: Arc<Secret>,
    /// `aws_sigv4`: wins over the manifest's.
    pub region: Option<String>,
    /// `aws_sigv4`: wins over the manifest's.
    pub access_key_id: Option<String>,
}

/// Why there is none. §7.2, rows 3 to 6; a failed refresh: vault.md §12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialRefusal {
    /// No binding, or several and nothing to choose by; their names, if any.
    NotBound {
        /// Names of the bindings it could have been.
        candidates: Vec<String>,
    },
    /// The binding is there and its entry in the vault is not.
    EntryMissing {
        /// The entry's name.
        path: String,
    },
    /// The entry is of another kind.
    KindMismatch,
    /// Its access token has ended and no new one could be had.
    RefreshFailed {
        /// The binding's name.
        binding: String,
        /// A text without any part of a provider's answer but its standard error code.
        why: String,
        /// Whether the same request may succeed later: the provider could not be reached.
        retriable: bool,
    },
    /// Locked, damaged.
    Failed(String),
}

impl CredentialRefusal {
    /// The failure class. sandbox.md §7.2.
    pub fn class(&self) -> Class {
        match self {
            CredentialRefusal::NotBound { .. } | CredentialRefusal::EntryMissing { .. } => Class::BindingRequired,
            CredentialRefusal::KindMismatch => Class::CapabilityDenied,
            CredentialRefusal::RefreshFailed { .. } => Class::BindingFailed,
            CredentialRefusal::Failed(_) => Class::ConnectorRuntimeError,
        }
    }

    /// Only where the provider could not be reached: whether a vault will be unlocked meanwhile is not known here.
    pub fn is_retriable(&self) -> bool {
        match self {
            CredentialRefusal::RefreshFailed { retriable, .. } => *retriable,
            CredentialRefusal::NotBound { .. }
            | CredentialRefusal::EntryMissing { .. }
            | CredentialRefusal::KindMismatch
            | CredentialRefusal::Failed(_) => false,
        }
    }
}

/// What [`Credentials::resolve`] returns.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<BoundCredential, CredentialRefusal>> + Send + 'a>>;

/// The port a vault plugs into.
pub trait Credentials: Send + Sync {
    /// Finds the one credential that is meant. Dropping the future gives up.
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a>;
}

/// One credential given by hand: `--credential-env`, `--credential-file`.
pub struct StaticCredential {
    /// Its bytes. For `oauth2` the access token itself.
    pub secret: Arc<Secret>,
    /// `--region`.
    pub region: Option<String>,
    /// `--access-key-id`.
    pub access_key_id: Option<String>,
}

impl Credentials for StaticCredential {
    fn resolve<'a>(&'a self, wanted: &'a CredentialRequest) -> Resolving<'a> {
        let bound = BoundCredential {
            kind: wanted.kind.as_str().to_owned(),
            secret: Arc::clone(&self.secret),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
        };
        Box::pin(async { Ok(bound) })
    }
}

/// Everything the checks of §7.2 look at, for one connector.
pub(crate) struct CredentialGate {
    pub(crate) connector: Fqn,
    pub(crate) declared: Option<Credential>,
    pub(crate) credentials: Option<Arc<dyn Credentials>>,
}

/// A request that is whole but for its credential.
pub struct Unsent<'a> {
    /// As it will be sent.
    pub method: &'a Method,
    /// As it will be dialled.
    pub target: &'a Target,
    /// What the guest set, minus what frames the message.
    pub headers: &'a mut HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
    /// The host's clock.
    pub now: SystemTime,
}

/// A credential that passed every check of §7.2, ready for one request.
pub(crate) struct Resolved {
    kind: CredentialKind,
    bound: BoundCredential,
}

impl Resolved {
    /// The bytes that must not come back.
    pub(crate) fn secret(&self) -> &Secret {
        &self.bound.secret
    }

    /// Whether the header is good for exactly this request and no other.
    pub(crate) fn is_for_one_request(&self) -> bool {
        self.kind == CredentialKind::AwsSigv4
    }
}

impl CredentialGate {
    /// The checks of §7.2 in their order, and between what the manifest says and what is bound the one of 15a: a
    /// credential travels only over https, or http to this machine.
    pub(crate) async fn resolve(&self, asked: &str, target: &Target) -> Result<Resolved, Failure> {
        let Some(declared) = &self.declared else {
            return Err(self.manifest_denies(asked, "connector did not declare [capabilities.credential]"));
        };
        let kind = declared.kind.value;
        if asked != kind.as_str() {
            let message = "requested credential kind does not match connector manifest";
            return Err(self.manifest_denies(asked, message).with("declared", format!("credential:{}", kind.as_str())));
        }
        if !target.is_confidential() {
            let message = "http_request: a credential travels only over https, or http to this machine";
            return Err(self
                .about(Class::CapabilityDenied, kind, message)
                .with("requested", format!("network:{}", target.authority()))
                .with("boundary_detail", "runtime"));
        }
        let host = target.host().to_string();
        let region = match kind {
            CredentialKind::AwsSigv4 => sigv4::endpoint(&host).map(|(_, region)| region),
            CredentialKind::ApiKey | CredentialKind::Oauth2 => None,
        };
        let wanted = CredentialRequest { connector: self.connector.clone(), kind, region };
        let bound = match &self.credentials {
            Some(credentials) => credentials.resolve(&wanted).await,
            None => Err(CredentialRefusal::NotBound { candidates: Vec::new() }),
        };
        let bound = bound.map_err(|refusal| self.refused(kind, refusal))?;
        match CredentialKind::ALL.into_iter().find(|kind| kind.as_str() == bound.kind) {
            None => {
                let message = "http_request: unsupported credential kind for v1 injection";
                Err(self.about(Class::CapabilityDenied, kind, message).with("boundary_detail", "runtime"))
            }
            Some(stored) if stored != kind => Err(self.refused(kind, CredentialRefusal::KindMismatch)),
            Some(_) => Ok(Resolved { kind, bound }),
        }
    }

    /// Puts the credential into the request, in place of what the guest put there, and names the headers it set. §7.3.
    ///
    /// On an error the request is as it was.
    pub(crate) fn inject(&self, resolved: &Resolved, request: &mut Unsent<'_>) -> Result<Vec<HeaderName>, Failure> {
        let (name, format) = match resolved.kind {
            CredentialKind::AwsSigv4 => return self.sign(resolved, request),
            CredentialKind::Oauth2 => (None, None),
            CredentialKind::ApiKey => (self.text(|declared| &declared.header), self.text(|declared| &declared.format)),
        };
        let failed = |why: &str| self.refused(resolved.kind, CredentialRefusal::Failed(why.to_owned()));
        let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.parse().map_err(|_| failed("the manifest's header is no header name"))?,
            None => AUTHORIZATION,
        };
        let value = header_value(format.unwrap_or("Bearer {key}"), resolved.secret()).ok_or_else(|| {
            failed("the credential cannot stand in a header: it has CR, LF, NUL or another control character")
        })?;
        request.headers.insert(name.clone(), value);
        Ok(vec![name])
    }

    /// §7.4, steps 2 to 7: the host's scope, else the binding's, else the manifest's.
    fn sign(&self, resolved: &Resolved, request: &mut Unsent<'_>) -> Result<Vec<HeaderName>, Failure> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let bound = &resolved.bound;
        let (service, region) = match sigv4::endpoint(&request.target.host().to_string()) {
            Some((service, region)) => (Some(service), Some(region)),
            None => (
                owned(self.text(|declared| &declared.service)),
                owned(bound.region.as_deref().or(self.text(|declared| &declared.region))),
            ),
        };
        let access_key_id = bound.access_key_id.as_deref().or(self.text(|declared| &declared.access_key_id));
        let (Some(service), Some(region), Some(access_key_id)) = (&service, &region, access_key_id) else {
            let inputs = [
                ("service", service.is_none()),
                ("region", region.is_none()),
                ("access key id", access_key_id.is_none()),
            ];
            let missing: Vec<_> = inputs.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name).collect();
            let message = format!("http_request: aws_sigv4 signing inputs incomplete: no {}", missing.join(", no "));
            let denied = self.about(Class::CapabilityDenied, resolved.kind, message);
            return Err(denied.with("boundary_detail", "connector_manifest"));
        };
        let scope = sigv4::SigningScope { access_key_id, region, service };
        sigv4::sign(request, &scope, resolved.secret()).map_err(|error| {
            Failure::new(Class::ConnectorRuntimeError, format!("http_request: aws_sigv4 sign: {error}"))
        })
    }

    fn text(&self, field: fn(&Credential) -> &Option<Spanned<String>>) -> Option<&str> {
        self.declared.as_ref().and_then(|declared| field(declared).as_ref()).map(|text| text.value.as_str())
    }

    fn manifest_denies(&self, asked: &str, message: &str) -> Failure {
        let asked: String = asked.chars().take(200).collect();
        Failure::new(Class::CapabilityDenied, format!("http_request: {message}"))
            .with("requested", format!("credential:{asked}"))
            .with("connector", self.connector.to_string())
            .with("boundary_detail", "connector_manifest")
    }

    fn refused(&self, kind: CredentialKind, refusal: CredentialRefusal) -> Failure {
        let (name, connector) = (kind.as_str(), &self.connector);
        let advice = format!("run `aileron binding setup {connector}`, or see `aileron binding list`");
        let (class, retriable) = (refusal.class(), refusal.is_retriable());
        match refusal {
            CredentialRefusal::NotBound { candidates } => {
                let message = if candidates.is_empty() {
                    format!("http_request: no {name} credential is bound for {connector}; {advice}")
                } else {
                    let names = candidates.join(", ");
                    format!("http_request: several {name} credentials are bound for {connector} ({names}); {advice}")
                };
                let failure = self.about(class, kind, message).with("boundary_detail", "action");
                if candidates.is_empty() { failure } else { failure.with("candidates", candidates) }
            }
            CredentialRefusal::EntryMissing { path } => {
                let message = format!(
                    "http_request: {connector} needs the {name} credential {path}, which is not in the vault; {advice}"
                );
                self.about(class, kind, message).with("boundary_detail", "action")
            }
            CredentialRefusal::KindMismatch => {
                let message = format!("http_request: what is bound for {connector} is not of kind {name}");
                self.about(class, kind, message).with("boundary_detail", "vault")
            }
            CredentialRefusal::RefreshFailed { binding, why, .. } => {
                let message = format!(
                    "http_request: oauth2 refresh failed for {binding}: {why}; run `aileron binding reauthorize {binding}`"
                );
                let failure = self.about(class, kind, message).with("binding", binding);
                Failure { boundary: "runtime", retriable, ..failure.with("boundary_detail", "vault") }
            }
            CredentialRefusal::Failed(why) => {
                let message = format!("http_request: resolve credential: {why}");
                self.about(class, kind, message)
            }
        }
    }

    fn about(&self, class: Class, kind: CredentialKind, message: impl Into<String>) -> Failure {
        Failure::new(class, message)
            .with("connector", self.connector.to_string())
            .with("capability_kind", kind.as_str())
    }
}

/// `format` with every `{key}` replaced, in memory that is wiped when the header goes. `None` if it may not be a header.
fn header_value(format: &str, secret: &Secret) -> Option<HeaderValue> {
    let count = format.matches("{key}").count();
    // One allocation of the final size: growing would leave copies behind.
    let mut value = Zeroizing::new(Vec::with_capacity(format.len() + count * secret.expose().len()));
    for (index, part) in format.split("{key}").enumerate() {
        if index > 0 {
            value.extend_from_slice(secret.expose());
        }
        value.extend_from_slice(part.as_bytes());
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}
