//! The authority of one run, and the certificates it makes. Keys are in memory only and go with the process. sealing.md §2.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use super::REALM;
use super::error::SessionError;

/// Certificates are valid from this long ago: clocks of one machine agree, those of its containers nearly.
const EARLIER: Duration = Duration::from_secs(60);
/// How long a host's certificate is valid.
const LEAF: Duration = Duration::from_secs(30 * 60);
/// When a run that is still going makes a new one for the same key: what a client has seen is valid for ten minutes more.
const RENEWED: Duration = Duration::from_secs(19 * 60);
/// How long the authority's own is valid. Its key does not outlive the run; a run may be a long one.
const AUTHORITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// Bytes of a key's digest that stand for it in a certificate.
const IDENTIFIER: usize = 20;

/// Signs certificates for the hosts of one run.
pub struct SessionCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    leaves: Mutex<HashMap<String, Leaf>>,
}

/// One host's.
struct Leaf {
    key: KeyPair,
    made: SystemTime,
    config: Arc<ServerConfig>,
}

impl SessionCa {
    /// A new authority with a new key.
    ///
    /// # Errors
    /// [`SessionError::Certificate`].
    pub fn new(now: SystemTime) -> Result<SessionCa, SessionError> {
        let key = key()?;
        let mut params = params(REALM, now, AUTHORITY, &key)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        Ok(SessionCa { issuer: Issuer::new(params, key), certificate, leaves: Mutex::default() })
    }

    /// Its certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// How TLS is spoken to a client that asks for this host: with HTTP/1.1 only, and a certificate for this host. The key
    /// is made once; the certificate once more when a long run needs it.
    ///
    /// # Errors
    /// [`SessionError::Certificate`].
    pub fn for_host(&self, host: &str, now: SystemTime) -> Result<Arc<ServerConfig>, SessionError> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |leaf: &&Leaf| now.duration_since(leaf.made).is_ok_and(|age| age < RENEWED);
        if let Some(leaf) = leaves.get(host).filter(is_fresh) {
            return Ok(Arc::clone(&leaf.config));
        }
        let key = leaves.remove(host).map_or_else(key, |leaf| Ok(leaf.key))?;
        let certificate = self.leaf(host, &key, now)?;
        let config = Arc::new(self.config(certificate, &key)?);
        leaves.insert(host.to_owned(), Leaf { key, made: now, config: Arc::clone(&config) });
        Ok(config)
    }

    fn leaf(&self, host: &str, key: &KeyPair, now: SystemTime) -> Result<CertificateDer<'static>, SessionError> {
        let mut params = params(host, now, LEAF, key)?;
        params.subject_alt_names = CertificateParams::new(vec![host.to_owned()]).map_err(failed)?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.issuer).map_err(failed)?.der().clone())
    }

    fn config(&self, certificate: CertificateDer<'static>, key: &KeyPair) -> Result<ServerConfig, SessionError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(failed)?.with_no_client_auth();
        let chain = vec![certificate, self.certificate.clone()];
        let mut config = config.with_single_cert(chain, key).map_err(failed)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn key() -> Result<KeyPair, SessionError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)
}

/// What both kinds have: a name, and the time they are valid. The serial number is of the key and the time: a client that
/// keeps certificates meets no two different ones with one number.
fn params(name: &str, now: SystemTime, valid: Duration, key: &KeyPair) -> Result<CertificateParams, SessionError> {
    let now = now.duration_since(UNIX_EPOCH).map_err(failed)?;
    let from = now.saturating_sub(EARLIER);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (epoch + from, epoch + from + valid);
    let digest = Sha256::new().chain_update(key.public_key_raw()).chain_update(now.as_nanos().to_be_bytes()).finalize();
    let mut serial = digest[..IDENTIFIER].to_vec();
    serial[0] = (serial[0] & 0x7f) | 1; // positive, and no shorter
    params.serial_number = Some(serial.into());
    Ok(params)
}

fn failed(error: impl std::fmt::Display) -> SessionError {
    SessionError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests;
