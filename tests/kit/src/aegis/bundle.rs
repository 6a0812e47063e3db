//! Bundles with stand-ins for executables, signed with a key whose seed is public.

use std::collections::BTreeMap;

use aileron_verifier::aegis::envelope::{self, Claims};
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::Host;
use aileron_verifier::aegis::verify::HostTrust;
use aileron_verifier::aegis::zip::write::write;
use aileron_verifier::aegis::{Kind, MANIFEST, PUBLIC_KEY, SIGNATURE, WRAPPER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The label of the key that [`Bundle::signed`] signs with.
pub const KEY_ID: &str = "ops-key-1";

/// The line of `trusted_signing_keys` for it.
pub fn trusted_line() -> String {
    STANDARD.encode(key().verifying_key().to_bytes())
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn at(text: &str) -> Instant {
    Instant::read(text).expect("an instant")
}

/// A host on linux/amd64 that trusts the key of these bundles, at a moment of 2026.
pub fn host() -> Host {
    let trusted = TrustStore::read(&trusted_line());
    Host {
        trust: HostTrust { trusted, revoked: Revocations::default(), now: at("2026-06-01T00:00:00Z"), skew: 300 },
        os: "linux".to_owned(),
        arch: "amd64".to_owned(),
        max_upload_size: 0,
        allow_unsafe: false,
        confirm_unsafe: false,
    }
}

/// What a bundle is to be.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The bytes that stand in for the executable, the same for amd64 and arm64.
    pub library: Vec<u8>,
    /// The label of the key, or nothing for a bundle that is not signed.
    pub key_id: Option<&'static str>,
    /// From when and until when the signature counts.
    pub valid: [&'static str; 2],
}

impl Bundle {
    /// A signed plugin, good for a century.
    pub fn signed() -> Bundle {
        Bundle {
            kind: Kind::Plugin,
            id: "org.example.plugins.toy",
            version: "1.0.0",
            library: b"executable".to_vec(),
            key_id: Some(KEY_ID),
            valid: ["2026-01-02T03:04:05Z", "2126-01-02T03:04:05Z"],
        }
    }

    /// The zip file.
    pub fn zip(&self) -> Vec<u8> {
        let sha256: String = Sha256::digest(&self.library).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = |arch: &str| format!("bin/linux-{arch}/toy");
        let target = |arch: &str| -> Value {
            json!({
                "min_host_api_version": 1, "required_capabilities": [], "target_os": "linux", "target_arch": arch,
                "sha256": sha256, "library_path": path(arch),
            })
        };
        let manifest = json!({
            self.kind.id_member(): self.id, "name": "Toy", "version": self.version,
            "targets": [target("amd64"), target("arm64")],
        });
        let mut files: BTreeMap<String, Vec<u8>> =
            ["amd64", "arm64"].map(|arch| (path(arch), self.library.clone())).into();
        files.insert(MANIFEST.to_owned(), format!("{manifest:#}\n").into_bytes());
        if let Some(key_id) = self.key_id {
            let [signed_at, expires_at] = self.valid.map(at);
            let claims = Claims { key_id: key_id.to_owned(), signed_at, expires_at };
            let wrapper = envelope::build(&files[MANIFEST], &claims).expect("a wrapper");
            let signature = STANDARD.encode(key().sign(&wrapper).to_bytes());
            files.insert(WRAPPER.to_owned(), wrapper);
            files.insert(SIGNATURE.to_owned(), signature.into_bytes());
            files.insert(PUBLIC_KEY.to_owned(), trusted_line().into_bytes());
        }
        write(&files).expect("small")
    }
}
