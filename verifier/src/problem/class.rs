//! The closed list of failure classes.

use std::fmt;

/// The closed set of failure classes. artifacts.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// A document cannot be read as what it claims to be: encoding, syntax, types, unknown keys.
    ParseError,
    /// A document reads well and breaks a rule.
    ValidationError,
    /// A name given from outside uses a scheme outside the list.
    UnknownScheme,
    /// Bytes could not be had: absent, refused or unreachable.
    FetchFailed,
    /// An archive that is not exactly the flat, complete, unambiguous one of artifacts.md §7.
    MalformedTarball,
    /// No trusted key accepts the signature.
    SignatureFailure,
    /// The content hash is not the one that was asked for.
    HashMismatch,
    /// The name or version inside is not the one that was asked for.
    FqnMismatch,
    /// An action pins connectors that are not installed.
    ConnectorsMissing,
    /// The place to write to cannot be written.
    StoreUnwritable,
    /// The command line asks for something that makes no sense.
    UsageError,
    /// The connector's toolchain failed, is missing, or made something that is no connector.
    BuildFailed,
    /// The publishing side refused or contradicts what is to be published.
    PublishFailed,
    /// The publishing side asks to wait longer than this run may.
    RateLimited,
    /// The release is not finished; running it again continues.
    Incomplete,
    /// The sandbox: a gate said no. These and the following: sandbox.md §9.
    CapabilityDenied,
    /// The sandbox: a credential is wanted and none is bound.
    BindingRequired,
    /// The sandbox: wall time or memory.
    ResourceLimitExceeded,
    /// The sandbox: the connector failed, or I/O on its behalf.
    ConnectorRuntimeError,
    /// The sandbox: what was installed or built cannot be run.
    ConnectorLoadFailed,
    /// The sandbox: child processes cannot be confined here.
    SpawnSandboxUnavailable,
    /// The service behind a connector said no.
    ExternalApiError,
    /// A person said no.
    ApprovalDenied,
    /// There is no vault. This and the following: vault.md §6.4.
    NoLocalVaultFile,
    /// The passphrase does not open the vault.
    WrongPassphrase,
    /// The vault opens and is not what was written.
    VaultTampered,
    /// The vault is needed, and its passphrase was not given.
    VaultLocked,
    /// The vault's file cannot be reached.
    VaultUnavailable,
    /// The vault is no vault, or its key cannot be derived here.
    VaultUnlockFailed,
    /// A credential could not be had or renewed. Names the binding.
    BindingFailed,
    /// A provider refused. Its code, never its words.
    OauthError,
}

impl Class {
    /// Every class, in the order of artifacts.md §8.
    pub const ALL: [Class; 31] = [
        Class::ParseError,
        Class::ValidationError,
        Class::UnknownScheme,
        Class::FetchFailed,
        Class::MalformedTarball,
        Class::SignatureFailure,
        Class::HashMismatch,
        Class::FqnMismatch,
        Class::ConnectorsMissing,
        Class::StoreUnwritable,
        Class::UsageError,
        Class::BuildFailed,
        Class::PublishFailed,
        Class::RateLimited,
        Class::Incomplete,
        Class::CapabilityDenied,
        Class::BindingRequired,
        Class::ResourceLimitExceeded,
        Class::ConnectorRuntimeError,
        Class::ConnectorLoadFailed,
        Class::SpawnSandboxUnavailable,
        Class::ExternalApiError,
        Class::ApprovalDenied,
        Class::NoLocalVaultFile,
        Class::WrongPassphrase,
        Class::VaultTampered,
        Class::VaultLocked,
        Class::VaultUnavailable,
        Class::VaultUnlockFailed,
        Class::BindingFailed,
        Class::OauthError,
    ];

    /// The identifier as it is printed and matched on.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::ParseError => "parse_error",
            Class::ValidationError => "validation_error",
            Class::UnknownScheme => "unknown_scheme",
            Class::FetchFailed => "fetch_failed",
            Class::MalformedTarball => "malformed_tarball",
            Class::SignatureFailure => "signature_failure",
            Class::HashMismatch => "hash_mismatch",
            Class::FqnMismatch => "fqn_mismatch",
            Class::ConnectorsMissing => "connectors_missing",
            Class::StoreUnwritable => "store_unwritable",
            Class::UsageError => "usage_error",
            Class::BuildFailed => "build_failed",
            Class::PublishFailed => "publish_failed",
            Class::RateLimited => "rate_limited",
            Class::Incomplete => "incomplete",
            Class::CapabilityDenied => "capability_denied",
            Class::BindingRequired => "binding_required",
            Class::ResourceLimitExceeded => "resource_limit_exceeded",
            Class::ConnectorRuntimeError => "connector_runtime_error",
            Class::ConnectorLoadFailed => "connector_load_failed",
            Class::SpawnSandboxUnavailable => "spawn_sandbox_unavailable",
            Class::ExternalApiError => "external_api_error",
            Class::ApprovalDenied => "approval_denied",
            Class::NoLocalVaultFile => "no_local_vault_file",
            Class::WrongPassphrase => "wrong_passphrase",
            Class::VaultTampered => "vault_tampered",
            Class::VaultLocked => "vault_locked",
            Class::VaultUnavailable => "vault_unavailable",
            Class::VaultUnlockFailed => "vault_unlock_failed",
            Class::BindingFailed => "binding_failed",
            Class::OauthError => "oauth_error",
        }
    }

    /// Whose side the failure lies on: `runtime` (ours), `external` (a server, a toolchain), `sandbox` (a connector and
    /// what it may do) or `user`.
    pub fn boundary(self) -> &'static str {
        match self {
            Class::FetchFailed
            | Class::BuildFailed
            | Class::PublishFailed
            | Class::RateLimited
            | Class::OauthError
            | Class::ExternalApiError => "external",
            Class::CapabilityDenied
            | Class::ResourceLimitExceeded
            | Class::ConnectorRuntimeError
            | Class::ConnectorLoadFailed
            | Class::SpawnSandboxUnavailable => "sandbox",
            Class::ApprovalDenied => "user",
            _ => "runtime",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
