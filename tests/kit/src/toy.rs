//! A connector small enough to read, and actions that use it.

use aileron_verifier::artifact::archive::{Files, Packer};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{Fqn, Ref};
use aileron_verifier::name::version::Version;
use aileron_verifier::trust::keyring::Keyring;

use crate::Publisher;

/// What committed documents hold where a release writes its version.
pub const VERSION_PLACEHOLDER: &str = aileron_verifier::name::version::PLACEHOLDER;

/// What committed actions hold where a release writes the connector's content hash.
pub const HASH_PLACEHOLDER: &str = aileron_verifier::name::digest::PLACEHOLDER;

/// The toy module: prints `{"ok":true}` and ends. Exports `_start` and `memory`.
const MODULE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "aileron_host" "log" (func $log (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{\22ok\22:true}")
  (func (export "_start")
    (call $log (i32.const 16) (i32.const 2) (i32.const 18) (i32.const 2))
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 11))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"#;

/// Compiles a module from its text form.
pub fn module_of(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the module's text form compiles")
}

/// The toy module's bytes.
pub fn module() -> Vec<u8> {
    module_of(MODULE)
}

/// A `manifest.toml` for this name and version; the version placeholder makes it a committed one.
pub fn manifest_text(name: &str, version: &str) -> String {
    format!(
        r#"[connector]
name = "{name}"
version = "{version}"
publisher = "Toys"

[capabilities.network]
hosts = ["api.example.com:443"]

[capabilities.runtime]
imports = ["log"]
"#
    )
}

/// An `action.md` of `connector`; with both placeholders it is a committed one.
pub fn action_text(connector: &str, action: &str, version: &str, hash: &str) -> String {
    format!(
        r#"+++
name = "{action}"
version = "{version}"
source = "{connector}/actions/{action}@{version}"

[[requires.connectors]]
name = "{connector}"
version = "{version}"
hash = "{hash}"
capabilities = ["echo"]

[match]
intent = "hear it again"

[[inputs]]
name = "text"
type = "string"
description = "What to say."

[[execute]]
id = "say"
connector = "{connector}"
op = "echo"
idempotent = true

[execute.inputs]
text = "${{args.text}}"
+++

# Echo

Says it again.
"#
    )
}

/// The archive the writer makes of these files.
pub fn pack(files: &Files) -> Vec<u8> {
    Packer::new().pack(files)
}

/// A toy repository at one version: one connector, any actions, one publisher.
///
/// [`Toy::default`] is `github://acme/echo@1.2.3` by [`Publisher::from_seed`]`(1)`.
#[derive(Clone)]
pub struct Toy {
    /// The connector's name.
    pub name: Fqn,
    /// The version of everything.
    pub version: Version,
    /// Who signs.
    pub publisher: Publisher,
}

impl Default for Toy {
    fn default() -> Toy {
        Toy {
            name: "github://acme/echo".parse().expect("a name"),
            version: "1.2.3".parse().expect("a version"),
            publisher: Publisher::from_seed(1),
        }
    }
}

impl Toy {
    /// The same under another name.
    pub fn named(self, name: &str) -> Toy {
        Toy { name: name.parse().expect("a name"), ..self }
    }

    /// The same at another version.
    pub fn at(self, version: &str) -> Toy {
        Toy { version: version.parse().expect("a version"), ..self }
    }

    /// The same by another publisher.
    pub fn by(self, publisher: Publisher) -> Toy {
        Toy { publisher, ..self }
    }

    /// What the connector is asked for under.
    pub fn reference(&self) -> Ref {
        Ref { name: self.name.clone(), version: self.version.clone() }
    }

    /// What an action is asked for under.
    pub fn action_reference(&self, action: &str) -> Ref {
        Ref { name: self.name.action(action).expect("an action's name"), version: self.version.clone() }
    }

    /// A ring that trusts the publisher for this repository, and nothing else.
    pub fn ring(&self) -> Keyring {
        self.publisher.ring(self.name.repo_authority().as_str())
    }

    /// The bound manifest.
    pub fn manifest(&self) -> String {
        manifest_text(&self.name.to_string(), self.version.as_str())
    }

    /// The connector's content hash.
    pub fn content(&self) -> ContentHash {
        ContentHash::of(&[&module(), self.manifest().as_bytes()])
    }

    /// The bound text of an action.
    pub fn action_document(&self, action: &str) -> String {
        action_text(&self.name.to_string(), action, self.version.as_str(), &self.content().to_string())
    }

    /// The connector, signed.
    pub fn connector(&self) -> Files {
        self.sign_connector(module(), self.manifest().into_bytes())
    }

    /// An action, signed.
    pub fn action(&self, action: &str) -> Files {
        self.sign_action(self.action_document(action).into_bytes())
    }

    /// Any module and manifest, signed as a connector.
    pub fn sign_connector(&self, wasm: Vec<u8>, manifest: Vec<u8>) -> Files {
        let signature = self.publisher.sign(&[&wasm, &manifest]);
        Files::Connector { wasm, manifest, signature }
    }

    /// Any document, signed as an action.
    pub fn sign_action(&self, document: Vec<u8>) -> Files {
        let signature = self.publisher.sign(&[&document]);
        Files::Action { document, signature }
    }
}
