//! What follows from a unit: one capture descriptor and its binding entries, field by field. cli-unit.md §9.
//!
//! Nothing is trimmed, lower-cased, filled in or reordered here. A [`Unit`] has a [`super::Key`], so a projection of
//! something without a usable key cannot be written.

use serde::Serialize;

use super::document::{Acquisition, Mechanism, Scheme, Sealing, Sentinel, Unit};

/// The version both documents carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum DocumentVersion {
    /// `v1`, the only one.
    #[default]
    #[serde(rename = "v1")]
    V1,
}

/// How one tool's credential is acquired and where it is stored. All ten members are always written. cli-unit.md §9.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CaptureDescriptor {
    /// `v1`.
    pub version: DocumentVersion,
    /// The tool: what layers override by.
    pub name: String,
    /// Image the container is made from; empty: the caller chooses.
    pub image: String,
    /// Name of the container.
    pub container_name: String,
    /// The interactive login.
    pub login_cmd: Vec<String>,
    /// Prints the token.
    pub token_cmd: Vec<String>,
    /// Value of `BROWSER` during the login; empty: not set.
    pub browser_shim: String,
    /// `NAME=value` for both commands; empty: not set.
    pub config_dir: String,
    /// The vault key.
    pub store_at: String,
    /// The credential's kind: its metadata type in the vault.
    pub kind: String,
}

impl CaptureDescriptor {
    /// The login as arguments of a container runtime. `tty`: whether standard input is a terminal. cli-unit.md §5.1.
    pub fn login_vector(&self, tty: bool) -> Vec<String> {
        let mut vector = vec!["exec".to_owned(), "-i".to_owned()];
        if tty {
            vector.push("-t".to_owned());
        }
        if !self.browser_shim.is_empty() {
            vector.push(format!("--env=BROWSER={}", self.browser_shim));
        }
        self.in_container(vector, &self.login_cmd)
    }

    /// The reading of the token as arguments of a container runtime. cli-unit.md §5.1.
    pub fn token_vector(&self) -> Vec<String> {
        self.in_container(vec!["exec".to_owned()], &self.token_cmd)
    }

    fn in_container(&self, mut vector: Vec<String>, command: &[String]) -> Vec<String> {
        if !self.config_dir.is_empty() {
            vector.push(format!("--env={}", self.config_dir));
        }
        vector.push(self.container_name.clone());
        vector.extend_from_slice(command);
        vector
    }
}

/// How one host's requests get a credential. Empty members are not written. cli-unit.md §9.2, §9.3.
///
/// From a unit, or from a user's binding document, which knows more members than a unit does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BindingEntry {
    /// Host name or `*.` pattern, as written; empty only for an entry that is bound by identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Kind of an entry without host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Identity of an entry without host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identity_label: String,
    /// The vault key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credential_ref: String,
    /// The form of the credential in a request.
    pub scheme: Scheme,
    /// When it is put in; absent stays absent, and counts as [`Mechanism::Inject`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit_mechanism: Option<Mechanism>,
    /// Present iff the mechanism is [`Mechanism::SentinelSwap`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<Sentinel>,
    /// [`Scheme::Basic`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// [`Scheme::HeaderTemplate`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// [`Scheme::HeaderTemplate`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// [`Scheme::QueryParam`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query_param: String,
    /// [`Scheme::Sigv4Resign`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_key_id: String,
    /// Not looked at here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// Not looked at here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

impl BindingEntry {
    /// The mechanism that counts: an absent one is [`Mechanism::Inject`]. cli-unit.md §6.3.
    pub fn mechanism(&self) -> Mechanism {
        self.emit_mechanism.unwrap_or(Mechanism::Inject)
    }

    /// What a later layer overrides by: `host:` and the lower-cased host, not trimmed; without host `id:`, kind, NUL and
    /// label. cli-unit.md §9.4.
    pub fn override_key(&self) -> String {
        match self.host.is_empty() {
            false => format!("host:{}", self.host.to_lowercase()),
            true => format!("id:{}\0{}", self.kind, self.identity_label),
        }
    }
}

impl Unit {
    /// The capture descriptor: exactly one per unit. cli-unit.md §9.1.
    pub fn capture(&self) -> CaptureDescriptor {
        let Acquisition { mode: _, container_name, login_cmd, token_cmd, browser_shim, config_dir, image } =
            self.acquisition.clone();
        CaptureDescriptor {
            version: DocumentVersion::V1,
            name: self.name.clone(),
            image,
            container_name,
            login_cmd,
            token_cmd,
            browser_shim,
            config_dir,
            store_at: self.key.as_str().to_owned(),
            kind: self.key.kind().to_owned(),
        }
    }

    /// The binding entries: one per sealing entry, in order. cli-unit.md §9.2.
    pub fn entries(&self) -> Vec<BindingEntry> {
        let entry = |sealing: &Sealing| BindingEntry {
            host: sealing.host.clone(),
            kind: String::new(),
            identity_label: String::new(),
            credential_ref: self.key.as_str().to_owned(),
            scheme: sealing.scheme,
            emit_mechanism: sealing.emit_mechanism,
            sentinel: sealing.sentinel.clone(),
            username: sealing.username.clone(),
            header: sealing.header.clone(),
            template: sealing.template.clone(),
            query_param: sealing.query_param.clone(),
            access_key_id: String::new(),
            allowed_hosts: Vec::new(),
            effect: String::new(),
        };
        self.sealing.iter().map(entry).collect()
    }
}
