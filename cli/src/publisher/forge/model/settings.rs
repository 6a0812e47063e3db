//! What a repository's settings say, and the secrets of its workflows: names can be read, values only written.
//!
//! GitHub's OpenAPI description: `actions/secrets`, `actions/permissions/workflow`, `immutable-releases`, `rulesets`. A
//! workflow's own token may read the rules and nothing else of it (GitHub Docs, "Permissions required for GitHub Apps").

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Access, Caller, TokenKind};
use super::response::missing;
use super::{Base, GitHub, Response, Timestamp};

/// Settings of a repository that releases depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Names of secrets with what was last put there: sealed, in base64.
    pub secrets: std::collections::BTreeMap<String, String>,
    /// Public half of the key that secrets are sealed for, in base64.
    pub secrets_key: String,
    /// Whether a workflow that asks for nothing gets a token that writes.
    pub workflows_write: bool,
    /// Whether a workflow may approve pull requests.
    pub workflows_approve: bool,
    /// Rules on tags.
    pub tag_rules: Vec<TagRules>,
}

/// A ruleset whose target is tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRules {
    /// Its name.
    pub name: String,
    /// `active`, `evaluate` or `disabled`.
    pub enforcement: String,
}

/// The number by which a sealed secret says which key it is for.
const KEY_ID: &str = "568250167242549743";

impl Default for Settings {
    /// A new repository's. The key's private half is 32 times the byte 7, so that tests can open what is sealed.
    fn default() -> Settings {
        Settings {
            secrets: Default::default(),
            secrets_key: "E75P6uryBMf9M1j8nAByGIHRdCeBKCJ+xnTzf3/pe20=".to_owned(),
            workflows_write: false,
            workflows_approve: false,
            tag_rules: Vec::new(),
        }
    }
}

impl GitHub {
    pub(super) fn secrets_key(&self, caller: Caller) -> Result<Response, Response> {
        may_see(caller)?;
        Ok(Response::json(200, json!({"key_id": KEY_ID, "key": self.repository.settings.secrets_key})))
    }

    pub(super) fn secrets(
        &self,
        now: Timestamp,
        caller: Caller,
        per_page: usize,
        page: usize,
    ) -> Result<Response, Response> {
        may_see(caller)?;
        let names = &self.repository.settings.secrets;
        let at = now.to_string();
        let secret = |name: &String| json!({"name": name, "created_at": at, "updated_at": at});
        let shown: Vec<Value> = names.keys().skip((page - 1) * per_page).take(per_page).map(secret).collect();
        Ok(Response::json(200, json!({"total_count": names.len(), "secrets": shown})))
    }

    /// 201 for a new one, 204 for another value. A value that is sealed for another key is refused. GitHub Docs, "Create or
    /// update a repository secret".
    pub(super) fn put_secret(&mut self, caller: Caller, name: &str, body: &Value) -> Result<Response, Response> {
        const PAGE: &str = "/actions/secrets#create-or-update-a-repository-secret";
        may_see(caller)?;
        let field =
            |field: &str| body[field].as_str().ok_or_else(|| Response::invalid(vec![missing("Secret", field)], PAGE));
        let (sealed, key_id) = (field("encrypted_value")?, field("key_id")?);
        let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !word || name.starts_with("GITHUB_") || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(Response::refusal(422, format!("Secret name {name} is not valid"), PAGE));
        }
        if key_id != KEY_ID {
            return Err(Response::refusal(422, "Bad request - must be sealed for the newest key", PAGE));
        }
        let before = self.repository.settings.secrets.insert(name.to_ascii_uppercase(), sealed.to_owned());
        Ok(match before {
            Some(_) => Response::empty(204),
            None => Response::json(201, json!({})),
        })
    }

    pub(super) fn workflow_permissions(&self, caller: Caller) -> Result<Response, Response> {
        may_see(caller)?;
        let settings = &self.repository.settings;
        let default = if settings.workflows_write { "write" } else { "read" };
        Ok(Response::json(
            200,
            json!({"default_workflow_permissions": default, "can_approve_pull_request_reviews": settings.workflows_approve}),
        ))
    }

    /// 404 where they are off. GitHub Docs, "Check if immutable releases are enabled for a repository".
    pub(super) fn immutable_releases(&self, caller: Caller) -> Result<Response, Response> {
        may_see(caller)?;
        match self.repository.immutable {
            true => Ok(Response::json(200, json!({"enabled": true, "enforced_by_owner": false}))),
            false => Err(Response::not_found("/repos/repos#check-if-immutable-releases-are-enabled-for-a-repository")),
        }
    }

    /// Those on tags; no other target has rules here.
    pub(super) fn rulesets(&self, base: &Base, targets: Option<&str>) -> Response {
        let full = self.repository.full_name();
        let shown = |(at, rules): (usize, &TagRules)| {
            json!({
                "id": at + 1,
                "name": rules.name,
                "target": "tag",
                "source_type": "Repository",
                "source": full,
                "enforcement": rules.enforcement,
                "_links": {"self": {"href": format!("{}/repos/{full}/rulesets/{}", base.api, at + 1)}},
            })
        };
        let wanted = targets.is_none_or(|targets| targets.split(',').any(|target| target == "tag"));
        let rules = self.repository.settings.tag_rules.iter().enumerate().filter(|_| wanted);
        Response::json(200, rules.map(shown).collect())
    }
}

/// Settings are for who works on the repository.
fn may_see(caller: Caller) -> Result<(), Response> {
    match (caller.kind, caller.access) {
        (TokenKind::Personal, Access::Write) => Ok(()),
        (TokenKind::Actions, _) => Err(Response::refusal(403, "Resource not accessible by integration", "")
            .with("x-accepted-github-permissions", "administration=read")),
        (TokenKind::Personal, Access::Read) => Err(Response::refusal(403, "Must have admin rights to Repository.", "")),
        (TokenKind::Personal | TokenKind::Anonymous, _) => Err(Response::not_found("")),
    }
}
