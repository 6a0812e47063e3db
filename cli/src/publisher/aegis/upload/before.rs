//! What a host would refuse, told without asking it: by the same code that says a host's verdict. aegis-bundle.md §2.2, §11.1.

use std::collections::BTreeSet;

use aileron_verifier::aegis::envelope::Claims;
use aileron_verifier::aegis::manifest::Manifest;
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::{Examined, Host, UploadError, examine};
use aileron_verifier::aegis::verify::{HostTrust, verify};
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::{HOST_API_VERSION, Kind, MANIFEST, key_file, path};

use super::error::HostError;
use super::form::limit;

/// Longest manifest that is looked into.
const LONGEST_MANIFEST: u64 = 1 << 20;

/// What is known of the host.
pub struct ExpectedHost {
    /// Whose signature it trusts; where that is not known, the key in the bundle counts as trusted.
    pub trusted: Option<TrustStore>,
    /// Its clock.
    pub now: Instant,
    /// Its `signature_clock_skew_seconds`.
    pub skew: i64,
    /// Its system and architecture; where they are not known, each that the bundle is for is looked at.
    pub system: Option<(String, String)>,
    /// Its `max_upload_size`.
    pub max_upload_size: i64,
    /// Whether the upload says `confirm_unsafe=true`. A host that does not allow unsafe sideloads refuses all the same.
    pub confirm_unsafe: bool,
}

/// A bundle that a host has no reason to refuse, as far as can be said here.
#[derive(Debug)]
pub struct Promising {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The class of its signature, for a host that trusts its key where nothing else is known. aegis-bundle.md §8.2.
    pub signature: &'static str,
    /// Whether it is known whom the host trusts.
    pub is_trust_known: bool,
    /// What it claims, where the signature is good.
    pub claims: Option<Claims>,
    /// The hosts it was looked at as, in Go's names: `linux/amd64`.
    pub systems: Vec<String>,
}

/// The kind the manifest is of, as far as there is one.
pub fn kind_of(zip: &[u8]) -> Kind {
    raw_manifest(zip).map_or(Kind::Plugin, |bytes| Manifest::kind_of(&bytes))
}

/// Looks at a bundle as the host would.
///
/// # Errors
/// [`HostError::TooLarge`], [`HostError::WouldRefuse`], [`HostError::Gate`]: the first thing the host would refuse it for.
pub fn check(zip: &[u8], kind: Kind, host: &ExpectedHost) -> Result<Promising, HostError> {
    let (size, limit) = (zip.len() as u64, limit(host.max_upload_size));
    if size > limit {
        return Err(HostError::TooLarge { kind, size, limit });
    }
    let mut names = Vec::new();
    let mut look = |(os, arch): (String, String)| {
        let system = format!("{os}/{arch}");
        let examined = as_host(zip, kind, host, os, arch);
        let examined = examined.map_err(|why| HostError::WouldRefuse { system: system.clone(), why })?;
        names.push(system);
        match examined.gate.refusal() {
            Some(_) => Err(HostError::Gate(Box::new(examined))),
            None => Ok(examined),
        }
    };
    let (first, others) = systems(zip, kind, host);
    let Examined { manifest, verdict, .. } = look(first)?;
    others.into_iter().try_for_each(|system| look(system).map(drop))?;
    Ok(Promising {
        kind,
        id: manifest.id,
        version: manifest.version,
        signature: verdict.outcome().name(),
        is_trust_known: host.trusted.is_some(),
        claims: verdict.claims().cloned(),
        systems: names,
    })
}

fn as_host(zip: &[u8], kind: Kind, expected: &ExpectedHost, os: String, arch: String) -> Result<Examined, UploadError> {
    let trust =
        |trusted| HostTrust { trusted, revoked: Revocations::default(), now: expected.now, skew: expected.skew };
    let host = Host {
        trust: trust(expected.trusted.clone().unwrap_or_else(|| TrustStore::read(""))),
        os,
        arch,
        max_upload_size: expected.max_upload_size,
        // What a host allows is its own business; that it was not asked to is ours.
        allow_unsafe: expected.confirm_unsafe,
        confirm_unsafe: expected.confirm_unsafe,
    };
    let mut examined = examine(zip, kind, &host)?;
    if let (None, Ok(key)) = (&expected.trusted, key_file::public_key(&examined.public_key)) {
        let verdict = verify(&examined.material(), &trust(TrustStore::read(&key.to_base64())));
        examined.gate = verdict.gate(kind, expected.confirm_unsafe, expected.confirm_unsafe);
        examined.verdict = verdict;
    }
    Ok(examined)
}

type System = (String, String);

/// The systems it may meet: the host's, or each that a target is for.
fn systems(zip: &[u8], kind: Kind, host: &ExpectedHost) -> (System, Vec<System>) {
    if let Some(system) = &host.system {
        return (system.clone(), Vec::new());
    }
    let manifest = raw_manifest(zip).and_then(|bytes| Manifest::decode(&bytes, kind).ok());
    let targets = manifest.iter().flat_map(|manifest| &manifest.targets);
    let usable =
        targets.filter(|target| target.target_os == "linux" && target.min_host_api_version <= HOST_API_VERSION);
    let mut archs: BTreeSet<&str> = usable.map(|target| target.target_arch.as_str()).collect();
    let linux = |arch: &str| ("linux".to_owned(), arch.to_owned());
    let first = linux(archs.pop_first().unwrap_or("amd64"));
    (first, archs.into_iter().map(linux).collect())
}

fn raw_manifest(zip: &[u8]) -> Option<Vec<u8>> {
    let archive = Archive::read(zip).ok()?;
    let is_manifest = |name: &[u8]| path::clean(name) == MANIFEST.as_bytes();
    let entry = archive.entries().iter().find(|entry| is_manifest(entry.name) && entry.unpacked <= LONGEST_MANIFEST)?;
    archive.unpack(entry, LONGEST_MANIFEST).ok()
}
