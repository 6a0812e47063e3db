//! Everything a connector may do, leaf by leaf, and how two versions differ. artifacts.md §10.
//!
//! [`capability`](crate::artifact::capability) is the short form that `cohort.json` carries. It is too small to consent by: it has
//! no OAuth scope, no token address, no command line. Here is one [`Permission`] for every leaf under `[capabilities]`,
//! with the value that counts where the manifest leaves it out. What a person accepts and what an upgrade is compared by
//! is this list, so that nothing can grow without a changed line.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::artifact::manifest::{
    ConnectorManifest, Credential, CredentialKind, Limits, Oauth2, Operation, Program, Spawn,
};
use crate::artifact::module::Module;
use crate::name::digest::ArchiveDigest;

macro_rules! kinds {
    ($($variant:ident $id:literal $label:literal $meaning:literal;)*) => {
        /// What sort of thing a [`Permission`] allows: one for each key under `[capabilities]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PermissionKind {
            $(#[doc = $meaning] $variant,)*
        }

        impl PermissionKind {
            /// Every kind, in the order they are shown.
            pub const ALL: &'static [PermissionKind] = &[$(PermissionKind::$variant,)*];

            /// Its name in JSON documents.
            pub fn id(self) -> &'static str {
                match self { $(PermissionKind::$variant => $id,)* }
            }

            /// Two or three words before the value, at most 15 characters.
            pub fn label(self) -> &'static str {
                match self { $(PermissionKind::$variant => $label,)* }
            }

            /// What it means for the user, as a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(PermissionKind::$variant => $meaning,)* }
            }
        }
    };
}

kinds! {
    Host "host" "may connect to" "It may send requests to this host and port.";
    CredentialKind "credential_kind" "uses your" "The host adds a credential of this kind to its requests.";
    CredentialPurpose "credential_purpose" "purpose" "The publisher's words for what the credential is used for.";
    CredentialHeader "credential_header" "in header" "The request header that carries the credential.";
    CredentialFormat "credential_format" "written as" "The header's value; {key} stands for the credential.";
    SigningService "signing_service" "signs for" "The AWS service that requests are signed for.";
    SigningRegion "signing_region" "in region" "The AWS region, where the binding names none.";
    SigningKeyId "signing_key_id" "access key id" "The AWS access key id, where the binding names none.";
    OauthScope "oauth_scope" "OAuth scope" "A scope the user's token is asked for.";
    AuthorizeUrl "oauth_authorize_url" "authorize URL" "Where the user's browser is sent to grant access.";
    TokenUrl "oauth_token_url" "token URL" "Where codes and refresh tokens are sent.";
    ClientId "oauth_client_id" "client id" "The app that the user grants access to.";
    ClientSecret "oauth_client_secret" "client secret" "The app's secret, readable in the archive; shown as a short digest.";
    Import "import" "may call" "It may call this host function.";
    Program "program" "may start" "It may ask the host to start this program.";
    Operation "operation" "command" "A command line it may have run.";
    OperationDescription "operation_description" "described as" "The publisher's words for a command.";
    Variable "variable" "sees variable" "An environment variable that started programs get.";
    CredentialVariable "credential_variable" "with credential" "An environment variable that carries the credential.";
    ReadPath "read_path" "may read" "A path that started programs may read.";
    WritePath "write_path" "may write" "A path that started programs may write.";
    WorkingDirectory "working_directory" "works in" "The working directory of started programs.";
    OutputLimit "output_limit" "output up to" "The most bytes of standard output kept of a program.";
    ErrorLimit "error_limit" "errors up to" "The most bytes of standard error kept of a program.";
}

impl PermissionKind {
    /// Whether a value stands for itself, as hosts do. The others have one value each, or one for each name.
    fn is_set(self) -> bool {
        use PermissionKind::{CredentialVariable, Host, Import, OauthScope, ReadPath, Variable, WritePath};
        matches!(self, Host | OauthScope | Import | Variable | CredentialVariable | ReadPath | WritePath)
    }
}

/// One leaf of what a connector may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What sort of thing.
    pub kind: PermissionKind,
    /// Which one, where a kind has several with a value each: a program's path, an operation's name. Else empty.
    pub name: String,
    /// The manifest's value, or the one that counts without it. Not ours: show it through [`crate::text`].
    pub value: String,
}

impl Permission {
    /// What stays the same when only the value changes.
    fn key(&self) -> (PermissionKind, &str) {
        (self.kind, if self.kind.is_set() { &self.value } else { &self.name })
    }
}

/// Name and value, as they came; the label is the kind's.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.name.is_empty()) {
            (PermissionKind::Program, _) => write!(f, "{} ({})", self.name, self.value),
            (_, true) => f.write_str(&self.value),
            (_, false) => write!(f, "{}: {}", self.name, self.value),
        }
    }
}

impl Serialize for Permission {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut document = serializer.serialize_struct("Permission", 4)?;
        document.serialize_field("kind", self.kind.id())?;
        document.serialize_field("name", &self.name)?;
        document.serialize_field("value", &self.value)?;
        document.serialize_field("meaning", self.kind.meaning())?;
        document.end()
    }
}

/// Everything a connector may do, sorted by kind and name, nothing twice. artifacts.md §10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Permissions {
    all: Vec<Permission>,
}

/// The difference of two [`Permissions`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PermissionChanges {
    /// What only the newer one has.
    pub added: Vec<Permission>,
    /// What both have, with another value.
    pub changed: Vec<ChangedPermission>,
    /// What only the older one has.
    pub removed: Vec<Permission>,
}

/// One permission whose value is another now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedPermission {
    /// As it was.
    pub before: Permission,
    /// As it is.
    pub after: Permission,
}

impl PermissionChanges {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Whether the newer one may do what the older could not. A changed value counts: a narrower limit and a wider one
    /// look alike to a comparison, and a person can tell.
    pub fn is_growth(&self) -> bool {
        !self.added.is_empty() || !self.changed.is_empty()
    }
}

impl Permissions {
    /// Reads them off a connector: every leaf under `[capabilities]`.
    ///
    /// Host functions are the declared ones, or what the module imports where none are declared. The client secret is a
    /// short digest of it, enough to see that it is another.
    pub fn of(manifest: &ConnectorManifest, module: &Module) -> Permissions {
        let ConnectorManifest { hosts, credential, imports, spawn, .. } = manifest;
        let mut list = List::default();
        hosts.iter().for_each(|host| list.value(PermissionKind::Host, &host.value));
        match imports {
            Some(declared) => declared.iter().for_each(|import| list.value(PermissionKind::Import, &import.value)),
            None => module.host_functions().into_iter().for_each(|name| list.value(PermissionKind::Import, name)),
        }
        credential.iter().for_each(|credential| list.credential(credential));
        spawn.iter().for_each(|spawn| list.spawn(spawn));
        let mut all = list.all;
        all.sort_unstable();
        all.dedup();
        Permissions { all }
    }

    /// All of them, by kind.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.all.iter()
    }

    /// All of one kind.
    pub fn of_kind(&self, kind: PermissionKind) -> impl Iterator<Item = &Permission> {
        self.all.iter().filter(move |permission| permission.kind == kind)
    }

    /// The same without one kind.
    pub fn without(&self, kind: PermissionKind) -> Permissions {
        Permissions { all: self.all.iter().filter(|permission| permission.kind != kind).cloned().collect() }
    }

    /// What changes for a user who moves from `older` to this one.
    pub fn since(&self, older: &Permissions) -> PermissionChanges {
        let (new, old) = (self.by_key(), older.by_key());
        let mut changes = PermissionChanges::default();
        for (key, after) in &new {
            match old.get(key) {
                None => changes.added.extend(after.iter().map(|permission| (*permission).clone())),
                Some(before) if before == after => {}
                Some(before) => changes.replaced(before, after),
            }
        }
        let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
        changes.removed.extend(gone.flat_map(|(_, before)| before.iter().map(|permission| (*permission).clone())));
        changes
    }

    /// A program may be listed twice under one path with two hashes, so a key can have several values.
    fn by_key(&self) -> BTreeMap<(PermissionKind, &str), Vec<&Permission>> {
        let mut keys: BTreeMap<_, Vec<&Permission>> = BTreeMap::new();
        self.all.iter().for_each(|permission| keys.entry(permission.key()).or_default().push(permission));
        keys
    }
}

impl PermissionChanges {
    fn replaced(&mut self, before: &[&Permission], after: &[&Permission]) {
        if let ([before], [after]) = (before, after) {
            self.changed.push(ChangedPermission { before: (*before).clone(), after: (*after).clone() });
            return;
        }
        let only = |these: &[&Permission], those: &[&Permission]| -> Vec<Permission> {
            these.iter().filter(|one| !those.contains(one)).map(|one| (*one).clone()).collect()
        };
        self.added.extend(only(after, before));
        self.removed.extend(only(before, after));
    }
}

/// What is being collected. Each function takes a table apart field by field, without `..`: a field that is new in the
/// schema does not compile until it has a line here.
#[derive(Default)]
struct List {
    all: Vec<Permission>,
}

impl List {
    fn value(&mut self, kind: PermissionKind, value: impl Into<String>) {
        self.named(kind, "", value);
    }

    fn named(&mut self, kind: PermissionKind, name: &str, value: impl Into<String>) {
        self.all.push(Permission { kind, name: name.to_owned(), value: value.into() });
    }

    fn credential(&mut self, credential: &Credential) {
        let Credential { kind, scope, header, format, service, region, access_key_id, oauth2 } = credential;
        self.value(PermissionKind::CredentialKind, kind.value.as_str());
        self.value(PermissionKind::CredentialPurpose, scope.as_deref().unwrap_or("not named by the publisher"));
        let text = |field: &Option<crate::problem::Spanned<String>>, absent: &str| -> String {
            field.as_ref().map_or(absent.to_owned(), |field| field.value.clone())
        };
        match kind.value {
            CredentialKind::ApiKey => {
                self.value(PermissionKind::CredentialHeader, text(header, "Authorization"));
                self.value(PermissionKind::CredentialFormat, text(format, "Bearer {key}"));
            }
            CredentialKind::AwsSigv4 => {
                self.value(PermissionKind::SigningService, text(service, ""));
                self.value(PermissionKind::SigningRegion, text(region, "the one of your binding"));
                self.value(PermissionKind::SigningKeyId, text(access_key_id, "the one of your binding"));
            }
            CredentialKind::Oauth2 => {}
        }
        oauth2.iter().for_each(|oauth2| self.oauth2(oauth2));
    }

    fn oauth2(&mut self, oauth2: &Oauth2) {
        let Oauth2 { authorize_url, token_url, client_id, client_secret, scopes } = oauth2;
        scopes.iter().for_each(|scope| self.value(PermissionKind::OauthScope, &scope.value));
        self.value(PermissionKind::AuthorizeUrl, &authorize_url.value);
        self.value(PermissionKind::TokenUrl, &token_url.value);
        self.value(PermissionKind::ClientId, &client_id.value);
        let digest = |secret: &str| ArchiveDigest::of(&[secret.as_bytes()]).hex()[..12].to_owned();
        let secret = client_secret.as_ref().map(|secret| format!("sha256:{}…", digest(&secret.value)));
        self.value(PermissionKind::ClientSecret, secret.unwrap_or_else(|| "none".to_owned()));
    }

    fn spawn(&mut self, spawn: &Spawn) {
        let Spawn { programs, operations, env_passthrough, credential_env_keys, fs_read, fs_write, cwd, limits } =
            spawn;
        for Program { path, hash } in programs {
            let hash = hash.as_ref().map_or("whatever file is there", |hash| &hash.value);
            self.named(PermissionKind::Program, &path.value, hash);
        }
        for Operation { name, argv, description } in operations {
            let name = &name.value;
            self.named(PermissionKind::Operation, name, &argv.value);
            let description = description.as_deref().unwrap_or("not described");
            self.named(PermissionKind::OperationDescription, name, description);
        }
        for (kind, values) in [
            (PermissionKind::Variable, env_passthrough),
            (PermissionKind::CredentialVariable, credential_env_keys),
            (PermissionKind::ReadPath, fs_read),
            (PermissionKind::WritePath, fs_write),
        ] {
            values.iter().for_each(|value| self.value(kind, &value.value));
        }
        let directory = cwd.as_ref().map_or("the host's choice", |directory| &directory.value);
        self.value(PermissionKind::WorkingDirectory, directory);
        let Limits { max_stdout_bytes, max_stderr_bytes } = limits;
        self.value(PermissionKind::OutputLimit, format!("{max_stdout_bytes} bytes"));
        self.value(PermissionKind::ErrorLimit, format!("{max_stderr_bytes} bytes"));
    }
}

#[cfg(test)]
mod tests;
