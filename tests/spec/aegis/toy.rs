//! A signed bundle made here: its files may be changed before they are signed, and after.

use std::collections::BTreeMap;

use aileron_verifier::aegis::envelope::{self, Claims};
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::{Examined, Host, UploadError, examine};
use aileron_verifier::aegis::verify::HostTrust;
use aileron_verifier::aegis::zip::write::write;
use aileron_verifier::aegis::{Kind, MANIFEST, PUBLIC_KEY, SIGNATURE, WRAPPER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(super) const ID: &str = "org.example.plugins.toy";
pub(super) const KEY_ID: &str = "ops-key-1";
pub(super) const SIGNED_AT: &str = "2026-01-02T03:04:05.678901234Z";
pub(super) const EXPIRES_AT: &str = "2027-01-02T03:04:05.678901234Z";

/// The key of number `n`.
pub(super) fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// The public half as a file.
pub(super) fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().to_bytes())
}

pub(super) fn at(text: &str) -> Instant {
    Instant::read(text).expect(text)
}

/// A host that trusts key 1, at that moment.
pub(super) fn trust(now: &str) -> HostTrust {
    HostTrust { trusted: TrustStore::read(&public(&key(1))), revoked: Revocations::default(), now: at(now), skew: 300 }
}

/// The same, on linux/amd64, with everything else as it is by default.
pub(super) fn host() -> Host {
    Host {
        trust: trust("2026-06-01T00:00:00Z"),
        os: "linux".to_owned(),
        arch: "amd64".to_owned(),
        max_upload_size: 0,
        allow_unsafe: false,
        confirm_unsafe: false,
    }
}

/// One that takes everything its gate may take.
pub(super) fn unsafe_host() -> Host {
    Host { allow_unsafe: true, confirm_unsafe: true, ..host() }
}

#[derive(Clone)]
pub(super) struct Toy {
    pub(super) manifest: Value,
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

pub(super) fn target(arch: &str, library: &[u8]) -> Value {
    let sha256: String = Sha256::digest(library).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "min_host_api_version": 1, "required_capabilities": ["api.log"], "target_os": "linux", "target_arch": arch,
        "sha256": sha256, "library_path": format!("bin/linux-{arch}/toy"),
    })
}

impl Toy {
    /// A plugin for two architectures, not signed yet.
    pub(super) fn new() -> Toy {
        let library = |arch: &str| format!("executable for {arch}").into_bytes();
        let manifest = json!({
            "plugin_id": ID, "name": "Toy", "version": "1.0.0", "official": false,
            "targets": [target("amd64", &library("amd64")), target("arm64", &library("arm64"))],
        });
        let files = ["amd64", "arm64"].map(|arch| (format!("bin/linux-{arch}/toy"), library(arch)));
        let mut toy = Toy { manifest, files: files.into() };
        toy.write_manifest();
        toy
    }

    /// Changes the manifest, and writes it.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Value)) -> Toy {
        change(&mut self.manifest);
        self.write_manifest();
        self
    }

    pub(super) fn file(mut self, name: &str, contents: &[u8]) -> Toy {
        self.files.insert(name.to_owned(), contents.to_vec());
        self
    }

    pub(super) fn without(mut self, name: &str) -> Toy {
        self.files.remove(name);
        self
    }

    fn write_manifest(&mut self) {
        self.files.insert(MANIFEST.to_owned(), format!("{:#}\n", self.manifest).into_bytes());
    }

    /// Signed with a key, from 2026 to 2027.
    pub(super) fn signed(self, key: &SigningKey) -> Toy {
        self.signed_as(key, KEY_ID)
    }

    pub(super) fn signed_as(self, key: &SigningKey, key_id: &str) -> Toy {
        let claims = Claims { key_id: key_id.to_owned(), signed_at: at(SIGNED_AT), expires_at: at(EXPIRES_AT) };
        let wrapper = envelope::build(&self.files[MANIFEST], &claims).expect("a wrapper");
        self.wrapped(key, wrapper)
    }

    /// The signing files around a wrapper of any content.
    pub(super) fn wrapped(self, key: &SigningKey, wrapper: Vec<u8>) -> Toy {
        let signature = STANDARD.encode(key.sign(&wrapper).to_bytes());
        self.file(SIGNATURE, signature.as_bytes()).file(PUBLIC_KEY, public(key).as_bytes()).file(WRAPPER, &wrapper)
    }

    pub(super) fn zip(&self) -> Vec<u8> {
        write(&self.files).expect("small")
    }

    /// What a host says of it.
    pub(super) fn at(&self, host: &Host) -> Result<Examined, UploadError> {
        examine(&self.zip(), Kind::Plugin, host)
    }

    /// What the host answers when it refuses; nothing when it installs.
    pub(super) fn refusal(&self, host: &Host) -> Option<String> {
        refusal(&self.zip(), host)
    }
}

/// What the host answers when it refuses an archive.
pub(super) fn refusal(zip: &[u8], host: &Host) -> Option<String> {
    match examine(zip, Kind::Plugin, host) {
        Err(why) => Some(why.to_string()),
        Ok(examined) => examined.gate.refusal(),
    }
}

/// The class of the signature's verdict, or `upload` where it does not get that far.
pub(super) fn class(zip: &[u8], host: &Host) -> &'static str {
    examine(zip, Kind::Plugin, host).map_or("upload", |examined| examined.verdict.outcome().name())
}
