//! What can be wrong, as closed lists: failure classes, rules, and one broken rule at one place.
//!
//! A room that judges a document reports [`Problem`]s: a rule and a byte range. Drawing them, choosing an exit code and
//! naming the next command is the binary's work. Adding a rule here is adding a public identifier: `check --json` prints
//! it and `--allow` takes it, so an id never changes its meaning.

mod collect;
mod source;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use collect::{MOST_PROBLEMS, MOST_PROBLEMS_OF_SOURCE, Problems};
pub use source::Source;
pub(crate) use source::on_characters;

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
}

impl Class {
    /// Every class, in the order of artifacts.md §8.
    pub const ALL: [Class; 23] = [
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

/// Does a broken rule stop a release, or is it said and passed over?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Stops `check`, `release` and installs, unless the rule is waivable and was waived.
    Error,
    /// Reported only.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Declares the rules: variant, id, class, severity, one line that names the place, one line that says how to mend it.
macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $id:literal $class:ident $severity:ident $short:literal, $help:literal;)*) => {
        /// A rule a document or a repository can break. The ids are stable and public.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* #[doc = $short] $variant,)* }

        impl Rule {
            /// Every rule there is.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable identifier, as `check --json` prints it and `--allow` takes it.
            pub fn id(self) -> &'static str { match self { $(Rule::$variant => $id,)* } }

            /// The failure class a broken rule has.
            pub fn class(self) -> Class { match self { $(Rule::$variant => Class::$class,)* } }

            /// Whether it stops anything.
            pub fn severity(self) -> Severity { match self { $(Rule::$variant => Severity::$severity,)* } }

            /// A few words for the place itself, drawn under the source line.
            pub fn short(self) -> &'static str { match self { $(Rule::$variant => $short,)* } }

            /// How to mend it.
            pub fn help(self) -> &'static str { match self { $(Rule::$variant => $help,)* } }
        }
    };
}

rules! {
    // Reading: artifacts.md §2 and §3, first paragraphs.
    Encoding "encoding" ParseError Error "not UTF-8", "save the file as UTF-8";
    SourceFile "source-file" ValidationError Error "a regular file of the repository is expected here", "commit the file itself, below the repository's root: not a link that leads out, a submodule or an LFS pointer";
    FrontMatter "front-matter" ParseError Error "front matter expected here", "start the file with a line `+++`, then TOML, then a line `+++`, then the Markdown body";
    TomlSyntax "toml-syntax" ParseError Error "TOML syntax", "write strict TOML 1.0 (https://toml.io/en/v1.0.0)";
    TomlVersion "toml-1.0" ParseError Error "TOML 1.1 form", "existing runtimes read TOML 1.0: write this in its 1.0 form";
    WrongType "wrong-type" ParseError Error "wrong type", "give the value the type the message names";
    UnknownKey "unknown-key" ParseError Error "unknown key", "remove the key, or check its spelling: keys are case-sensitive and the schema is closed";
    TableInInputs "table-in-inputs" ParseError Error "table not allowed here", "step inputs hold scalars, dates and lists of them; flatten the table";

    // Names, versions, hashes: artifacts.md §1.
    Required "required" ValidationError Error "required value is missing", "add the key with a value";
    Name "name" ValidationError Error "not a valid name", "write <scheme>://<owner>/<repo>, scheme github, gitlab or hub, without a version";
    RefForm "ref" ValidationError Error "not a valid Ref", "write <scheme>://<owner>/<repo>[/<path>]@<version>";
    VersionForm "version" ValidationError Error "not a SemVer version", "write a SemVer 2.0.0 version without `v`; in source the placeholder is 0.0.0-dev";
    HashForm "hash" ValidationError Error "not a sha256 hash", "write `sha256:` and 64 lower-case hex digits; in source the placeholder is sha256:bound-at-release";

    // Connector manifest: artifacts.md §2.
    Idempotency "idempotency" ValidationError Error "unknown idempotency", "write `idempotent` or `not_idempotent`";
    Host "network-host" ValidationError Error "not a host:port", "write each host as a lower-case `host:port`: no scheme, path or wildcard, port 1 to 65535";
    HostDuplicate "network-host-duplicate" ValidationError Error "listed twice", "keep one of the two";
    CredentialKind "credential-kind" ValidationError Error "unknown credential kind", "write `api_key`, `oauth2` or `aws_sigv4`";
    CredentialField "credential-field" ValidationError Error "field of another credential kind", "remove the field: it has no meaning for this credential kind";
    CredentialHeader "credential-header" ValidationError Error "not a header name", "write an HTTP header name (RFC 9110 token)";
    CredentialFormat "credential-format" ValidationError Error "not a usable format", "write a one-line text that contains {key}";
    CredentialText "credential-text" ValidationError Error "not usable in a request", "write one non-blank line without CR or LF";
    OauthTable "oauth2-table" ValidationError Error "oauth2 settings", "kind `oauth2` needs [capabilities.credential.oauth2]; other kinds must not have it";
    OauthUrl "oauth2-url" ValidationError Error "not an https URL", "write an https:// URL (http:// only to localhost or 127.0.0.1)";
    OauthClientId "oauth2-client-id" ValidationError Error "client id", "put in the client id of the OAuth app you registered";
    OauthClientSecret "oauth2-client-secret" ValidationError Error "a secret in source", "write `bound-at-release` and give the value at release; if the old value was pushed, revoke it";
    OauthScopes "oauth2-scopes" ValidationError Error "scopes", "list at least one scope, none of them blank";
    SpawnProgram "spawn-program" ValidationError Error "program", "give each program an absolute or ~/ path";
    SpawnOperation "spawn-operation" ValidationError Error "operation", "name operations like `list_files` and give each a non-blank argv";
    SpawnEnvironment "spawn-environment" ValidationError Error "environment", "name variables like `HOME`; credential keys must also be in env_passthrough";
    SpawnPath "spawn-path" ValidationError Error "not an absolute path", "write an absolute path, or one that starts with ~/";
    SpawnLimit "spawn-limit" ValidationError Error "limit out of range", "write a number of bytes from 1 to 67108864";

    // Action: artifacts.md §3.
    ActionName "action-name" ValidationError Error "not an action name", "use lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit";
    ActionSource "action-source" ValidationError Error "source does not name this action", "write <connector>/actions/<name>@<version> with this action's own name and version";
    Requires "requires-connectors" ValidationError Error "required connectors", "list at least one connector with name, version, hash and capabilities";
    Capabilities "capabilities" ValidationError Error "capabilities", "list at least one capability, none of them blank";
    IntentEmpty "intent-empty" ValidationError Error "empty intent", "say in a few words what the action is for: it is what the agent matches on";
    InputName "input-name" ValidationError Error "not an input name", "use lower-case letters, digits and `_`, starting with a letter";
    InputType "input-type" ValidationError Error "unknown input type", "write string, integer, number, boolean, array or object";
    InputDuplicate "input-duplicate" ValidationError Error "input named twice", "give each input a name of its own";
    InputDescription "input-description" ValidationError Error "blank description", "describe the input: it is what the agent sees";
    InputLabel "input-label" ValidationError Error "blank label", "write a label, or leave the key out";
    InputMultiline "input-multiline" ValidationError Error "multiline needs type string", "remove `multiline`, or make the type `string`";
    InputItemsType "input-items-type" ValidationError Error "items_type", "items_type goes with type `array` and is string, integer, number, boolean or object";
    StepId "step-id" ValidationError Error "step id", "give each step a non-empty id of its own";
    StepConnector "step-connector" ValidationError Error "connector is not required above", "list the connector under [[requires.connectors]]";
    StepOp "step-op" ValidationError Error "no operation", "name the connector operation this step calls";
    ArgReference "arg-reference" ValidationError Error "not a declared input", "declare the input under [[inputs]], or correct the name in ${args.NAME}";
    StepReference "step-reference" ValidationError Error "not an earlier step", "refer to the id of a step above this one";
    Preview "approval-preview" ValidationError Error "approval preview", "a preview needs an op and a render map from label to path";

    // Over all actions of a repository: artifacts.md §3, bundle rules.
    ActionDuplicate "action-duplicate" ValidationError Error "two actions with this name", "give each action a name of its own";
    PreviewOp "preview-op" ValidationError Error "preview op is not read-only", "preview with an op some action declares `idempotent = true` and none gates with approval";

    // Suite: artifacts.md §4.
    SuiteForm "suite" ValidationError Error "suite", "give the suite a name, a description and a non-empty list of actions";
    SuiteMember "suite-member" ValidationError Error "suite and actions differ", "list every directory under actions/ once, as `actions/<name>`";

    // The repository as a whole: artifacts.md §3 [N], §5, §12.
    ActionDirectory "action-directory" ValidationError Error "directory and action differ", "name the directory after the action, with an action.md in it";
    Placeholder "placeholder" ValidationError Error "neither the placeholder nor the release version", "put the placeholder back; the release fills it in";
    PlaceholderLeft "placeholder-left" ValidationError Error "a placeholder would be published", "only the fields of artifacts.md §5 are bound; write a real value here";
    PublisherKey "publisher-key" ValidationError Error "not a usable public key", "put back the committed key, or run `aileron-pub keys generate` and commit keys/publisher.pub";
    ModuleFeature "module-feature" ValidationError Error "not WebAssembly 2.0", "build for wasip1 with the default features of the toolchain; sandbox.md §2.3 lists what is supported";
    ModuleImport "module-import" ValidationError Error "import no host offers", "import only from `aileron_host` and `wasi_snapshot_preview1`, as sandbox.md §2 lists them";
    ModuleExport "module-export" ValidationError Error "not a connector module", "export the function `_start` and the memory `memory` (GOOS=wasip1 does)";
    RuntimeImports "runtime-imports" ValidationError Error "module imports more than is declared", "add the function to [capabilities.runtime] imports";

    // Legitimate variations, said and passed over.
    EmptyBody "empty-body" ValidationError Warning "empty body", "write what the action does and when to use it: the agent reads it";
    CapabilityOp "capability-op" ValidationError Warning "capability is not the op", "list the op this action calls";
    IdempotentMissing "idempotent-missing" ValidationError Warning "idempotent not said", "write `idempotent = true` or `false` so that retries are decided by you";
    ScopeMissing "scope-missing" ValidationError Warning "no scope text", "say in `scope` what the credential is used for: users see it when they consent";
    RuntimeMissing "runtime-missing" ValidationError Warning "host functions not declared", "declare [capabilities.runtime] imports to narrow what the sandbox links";
    RegionInManifest "sigv4-region" ValidationError Warning "the binding decides this", "leave region and access_key_id to the user's binding, which wins anyway";
    HostUnused "host-unused" ValidationError Warning "granted and never used", "remove what the module cannot use: it imports no `http_request`";
    PublisherKeyMissing "publisher-key-missing" ValidationError Warning "no publisher key", "run `aileron-pub keys generate` and commit keys/publisher.pub";
    RemoteCase "remote-case" ValidationError Warning "differs from the git remote in case only", "write owner and repo exactly as the forge does: trust is case-sensitive";
    RemoteName "remote-name" ValidationError Warning "differs from the git remote", "release from the repository the connector is named after, or correct the name";
}

impl Rule {
    /// The five rules `--allow` can waive. artifacts.md §3.
    pub const WAIVABLE: [Rule; 5] =
        [Rule::InputName, Rule::InputType, Rule::InputDuplicate, Rule::InputDescription, Rule::IntentEmpty];

    /// Whether `--allow` may name it.
    pub fn is_waivable(self) -> bool {
        Rule::WAIVABLE.contains(&self)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// `--allow` named something that cannot be waived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWaivable {
    /// The id belongs to no rule.
    #[error("there is no rule \"{0}\"")]
    Unknown(String),
    /// The rule stands for everyone.
    #[error("rule \"{0}\" cannot be waived")]
    Fixed(Rule),
}

/// A waived rule, as `--allow` names it and `cohort.json` records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Waiver(Rule);

impl Waiver {
    /// The rule that is waived; always one of [`Rule::WAIVABLE`].
    pub fn rule(self) -> Rule {
        self.0
    }
}

impl FromStr for Waiver {
    type Err = NotWaivable;
    fn from_str(id: &str) -> Result<Self, NotWaivable> {
        match Rule::ALL.iter().find(|rule| rule.id() == id) {
            Some(rule) if rule.is_waivable() => Ok(Waiver(*rule)),
            Some(rule) => Err(NotWaivable::Fixed(*rule)),
            None => Err(NotWaivable::Unknown(id.to_owned())),
        }
    }
}

impl TryFrom<String> for Waiver {
    type Error = NotWaivable;
    fn try_from(id: String) -> Result<Self, NotWaivable> {
        id.parse()
    }
}

impl From<Waiver> for String {
    fn from(waiver: Waiver) -> String {
        waiver.0.id().to_owned()
    }
}

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: Rule,
    /// The file, as [`Source::path`] names it.
    pub file: Arc<str>,
    /// Byte range into the file as it was read; empty at a place where something is missing. Made by [`Source::problem`],
    /// it lies inside the text, on whole characters; a file without text has `0..0`.
    pub at: Range<usize>,
    /// What is wrong here, with the offending value where it is not a secret.
    pub message: String,
}

impl Problem {
    /// Whether it stops anything once `waived` is taken into account.
    pub fn severity(&self, waived: &[Waiver]) -> Severity {
        if waived.iter().any(|waiver| waiver.rule() == self.rule) { Severity::Warning } else { self.rule.severity() }
    }
}

/// A value and the bytes it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The parsed value.
    pub value: T,
    /// Byte range of the whole value in the file, quotes included.
    pub at: Range<usize>,
}

/// A document that was read: the value if it is usable, and everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// Present when nothing but waivable rules and warnings stands against it.
    pub document: Option<T>,
    /// Its problems, in file order: at most [`MOST_PROBLEMS`], of a committed document [`MOST_PROBLEMS_OF_SOURCE`]; at least
    /// one of every rule that is broken.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: usize,
}

impl<T> Parsed<T> {
    /// What was read, unless something stands against it: only waivable rules and warnings may.
    pub fn new(document: Option<T>, problems: Problems) -> Parsed<T> {
        let (problems, more) = problems.sorted();
        Parsed { document: document.filter(|_| usable(&problems)), problems, more }
    }
}

fn usable(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.rule.is_waivable() || problem.rule.severity() == Severity::Warning)
}

/// The class of a document with these problems: one that cannot be read is `parse_error`, whatever else is wrong with it.
/// artifacts.md §2, §8.
pub fn class_of(problems: &[Problem]) -> Class {
    let unreadable = problems.iter().any(|problem| problem.rule.class() == Class::ParseError);
    if unreadable { Class::ParseError } else { Class::ValidationError }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test] // artifacts.md §8
    fn every_class_and_rule_has_its_own_identifier() {
        assert_eq!(Class::ALL.iter().map(|c| c.as_str()).collect::<BTreeSet<_>>().len(), Class::ALL.len());
        assert_eq!(Rule::ALL.iter().map(|r| r.id()).collect::<BTreeSet<_>>().len(), Rule::ALL.len());
    }

    #[test] // artifacts.md §3
    fn exactly_the_five_input_rules_can_be_waived() {
        let waivable: Vec<_> = Rule::ALL.iter().filter(|r| r.id().parse::<Waiver>().is_ok()).map(|r| r.id()).collect();
        assert_eq!(waivable, ["intent-empty", "input-name", "input-type", "input-duplicate", "input-description"]);
        assert_eq!("version".parse::<Waiver>(), Err(NotWaivable::Fixed(Rule::VersionForm)));
        assert_eq!("typo".parse::<Waiver>(), Err(NotWaivable::Unknown("typo".into())));
    }
}
