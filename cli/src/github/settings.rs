//! What a repository's settings say about its releases, and the secrets of its workflows. octocrab's models where it has them.

use std::collections::BTreeMap;

use aileron_verifier::name::fqn::Fqn;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use octocrab::Octocrab;
pub use octocrab::models::PublicKey as SealingKey;
use octocrab::models::repos::secrets::{CreateRepositorySecret, CreateRepositorySecretResponse, RepositorySecrets};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::form_urlencoded;

use super::client::Client;
use super::documents::{ListedFile, Repository};
use super::error::{ApiError, if_there};

/// One repository's settings, as a token sees them.
pub struct RepositorySettings<'a, 'c> {
    client: &'a Client<'c>,
    owner: String,
    repo: String,
}

/// What a workflow gets that asks for nothing.
#[derive(Debug, Deserialize)]
pub struct WorkflowPermissions {
    /// `read` or `write`.
    pub default_workflow_permissions: String,
    /// Whether it may approve pull requests.
    pub can_approve_pull_request_reviews: bool,
}

/// Rules that a repository or its owner has.
#[derive(Debug, Deserialize)]
pub struct Ruleset {
    /// Its name.
    pub name: String,
    /// `branch`, `tag`, `push`, …
    #[serde(default)]
    pub target: String,
    /// `active`, `evaluate` or `disabled`.
    pub enforcement: String,
}

#[derive(Deserialize)]
struct ImmutableReleases {
    enabled: bool,
}

impl<'a, 'c> RepositorySettings<'a, 'c> {
    /// The settings of this name's repository.
    pub fn new(client: &'a Client<'c>, name: &Fqn) -> RepositorySettings<'a, 'c> {
        RepositorySettings { client, owner: name.owner().to_owned(), repo: name.repo().to_owned() }
    }

    fn route(&self, below: &str) -> String {
        format!("/repos/{}/{}{below}", self.owner, self.repo)
    }

    async fn get<T: octocrab::FromResponse>(&self, crab: &Octocrab, below: &str) -> octocrab::Result<T> {
        crab.get(self.route(below), None::<&()>).await
    }

    /// The repository; `None` where there is none that this token sees.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn repository(&self) -> Result<Option<Repository>, ApiError> {
        if_there(self.client.read(async |crab| self.get(crab, "").await))
    }

    /// The key that a secret is sealed for.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn sealing_key(&self) -> Result<SealingKey, ApiError> {
        self.client.read(async |crab| crab.repos(&self.owner, &self.repo).secrets().get_public_key().await)
    }

    /// The names of the secrets that its workflows can read, of the first hundred.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn secret_names(&self) -> Result<Vec<String>, ApiError> {
        let listed = async |crab: &Octocrab| self.get::<RepositorySecrets>(crab, "/actions/secrets?per_page=100").await;
        let listed = self.client.read(listed)?;
        Ok(listed.secrets.into_iter().map(|secret| secret.name).collect())
    }

    /// Puts a secret there, sealed for `key_id`; whether there was none of the name.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn put_secret(&self, name: &str, encrypted_value: &str, key_id: &str) -> Result<bool, ApiError> {
        let secret = CreateRepositorySecret { encrypted_value, key_id };
        let put = async |crab: &Octocrab| {
            crab.repos(&self.owner, &self.repo).secrets().create_or_update_secret(name, &secret).await
        };
        Ok(self.client.change(put)? == CreateRepositorySecretResponse::Created)
    }

    /// What workflows may by default.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn workflow_permissions(&self) -> Result<WorkflowPermissions, ApiError> {
        self.client.read(async |crab| self.get(crab, "/actions/permissions/workflow").await)
    }

    /// Whether what is published is frozen. 404 is GitHub's word for "no". GitHub Docs, "Check if immutable releases are
    /// enabled for a repository".
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn immutable_releases(&self) -> Result<bool, ApiError> {
        let asked = self.client.read(async |crab| self.get::<ImmutableReleases>(crab, "/immutable-releases").await);
        Ok(if_there(asked)?.is_some_and(|found| found.enabled))
    }

    /// The rules on tags that are in force.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn tag_rules(&self) -> Result<Vec<Ruleset>, ApiError> {
        let asked = async |crab: &Octocrab| self.get::<Vec<Ruleset>>(crab, "/rulesets?targets=tag&per_page=100").await;
        let found = self.client.read(asked)?;
        Ok(found.into_iter().filter(|rules| rules.target == "tag" && rules.enforcement == "active").collect())
    }

    /// Whether it has this commit.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn has_commit(&self, commit: &str) -> Result<bool, ApiError> {
        let below = format!("/git/commits/{commit}");
        let asked = self.client.read(async |crab| self.get::<IgnoredAny>(crab, &below).await);
        Ok(if_there(asked)?.is_some())
    }

    /// The workflows at a branch or commit: name and git's digest.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn workflows(&self, at: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let at: String = form_urlencoded::byte_serialize(at.as_bytes()).collect();
        let below = format!("/contents/.github/workflows?ref={at}");
        let listed = if_there(self.client.read(async |crab| self.get::<Vec<ListedFile>>(crab, &below).await))?;
        Ok(listed.unwrap_or_default().into_iter().map(|file| (file.name, file.sha)).collect())
    }

    /// A small file of the default branch; `None` where there is none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, ApiError> {
        let below = format!("/contents/{path}");
        let asked = self.client.read(async |crab| self.get::<ContentOfFile>(crab, &below).await);
        Ok(if_there(asked)?.and_then(|file| file.decoded()))
    }
}

/// A file with its bytes in base64, broken into lines.
#[derive(Deserialize)]
struct ContentOfFile {
    content: String,
}

impl ContentOfFile {
    fn decoded(&self) -> Option<Vec<u8>> {
        let text: String = self.content.split_ascii_whitespace().collect();
        STANDARD.decode(text).ok()
    }
}
