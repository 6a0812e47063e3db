//! What a token lacks where GitHub answers 403, as far as GitHub says so.
//!
//! GitHub tells the rights that would have been enough in `x-accepted-github-permissions` (fine-grained tokens and the tokens
//! of apps and workflows) or `x-accepted-oauth-scopes` beside `x-oauth-scopes` (classic tokens), and in `x-github-sso` where
//! an organization wants its single sign-on. GitHub Docs, "Troubleshooting the REST API". Nothing is guessed from a message
//! but that it is about the token's rights at all.

use serde_json::Value;

/// The headers about a token's rights, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// `x-accepted-github-permissions`: `contents=write; contents=write,workflows=write`. Any one alternative is enough.
    pub accepted_permissions: Option<String>,
    /// `x-accepted-oauth-scopes`: any one is enough.
    pub accepted_scopes: Option<String>,
    /// `x-oauth-scopes`: what a classic token has. Absent for every other token.
    pub scopes: Option<String>,
    /// `x-github-sso`: `required; url=https://github.com/orgs/…`.
    pub sso: Option<String>,
}

/// What the token lacks, in words; `None` where the answer does not say that it lacks anything.
pub(super) fn lacking(status: u16, offer: &Offer, document: &Value) -> Option<String> {
    if status != 403 {
        return None;
    }
    if let Some(sso) = offer.sso.as_deref().filter(|sso| sso.trim_start().starts_with("required")) {
        let place = sso.split_once("url=").map(|(_, url)| format!(", at {}", url.trim())).unwrap_or_default();
        return Some(format!("the single sign-on of the organization{place}"));
    }
    let message = document["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    let is_about_the_token = ["not accessible by", "must have", "insufficient", "scope", "write access", "permission"]
        .iter()
        .any(|words| message.contains(words));
    if let (Some(accepted), Some(scopes)) = (listed(&offer.accepted_scopes), &offer.scopes) {
        let has = |scope: &str| scopes.split(',').any(|one| one.trim() == scope);
        if !accepted.iter().any(|scope| has(scope)) {
            return Some(format!("the scope {}", accepted.join(" or ")));
        }
    }
    if !is_about_the_token {
        return None;
    }
    Some(match offer.accepted_permissions.as_deref().map(str::trim).filter(|accepted| !accepted.is_empty()) {
        Some(accepted) => {
            let alternatives: Vec<String> = accepted.split(';').map(|one| one.trim().replace(',', " and ")).collect();
            format!("the permission {}", alternatives.join(", or "))
        }
        None => "a right to do this, and GitHub does not say which".to_owned(),
    })
}

fn listed(header: &Option<String>) -> Option<Vec<&str>> {
    let listed: Vec<&str> = header.as_deref()?.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    Some(listed).filter(|listed| !listed.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_what_the_token_lacks() {
        let permissions = |text: &str| Offer { accepted_permissions: Some(text.into()), ..Offer::default() };
        let scopes = |accepted: &str, has: &str| Offer {
            accepted_scopes: Some(accepted.into()),
            scopes: Some(has.into()),
            ..Offer::default()
        };
        let sso = |text: &str| Offer { sso: Some(text.into()), ..Offer::default() };
        let unknown = Some("a right to do this, and GitHub does not say which");
        let integration = "Resource not accessible by integration";
        let personal = "Resource not accessible by personal access token";
        for (offer, message, lacks) in [
            (permissions("contents=write"), integration, Some("the permission contents=write")),
            (permissions("contents=write"), personal, Some("the permission contents=write")),
            (
                permissions("contents=write,workflows=write"),
                integration,
                Some("the permission contents=write and workflows=write"),
            ),
            (
                permissions("contents=write; administration=write"),
                integration,
                Some("the permission contents=write, or administration=write"),
            ),
            (Offer::default(), integration, unknown),
            (permissions(""), personal, unknown),
            (scopes("repo", "gist, read:org"), "Must have admin rights to Repository.", Some("the scope repo")),
            (scopes("repo, public_repo", "gist"), "", Some("the scope repo or public_repo")),
            (scopes("repo", "repo, gist"), "Must have push access to repository", unknown),
            (scopes("", "gist"), "Must have push access to repository", unknown),
            (
                sso("required; url=https://github.com/orgs/acme/sso?authorization_request=A"),
                "Resource protected by organization SAML enforcement.",
                Some(
                    "the single sign-on of the organization, at https://github.com/orgs/acme/sso?authorization_request=A",
                ),
            ),
            (sso("partial-results; organizations=1"), "", None),
            (permissions("contents=write"), "Repository was archived so is read-only.", None),
            (Offer::default(), "Although you appear to have the correct authorization credentials", None),
            (Offer::default(), "Write access to repository not granted.", unknown),
            (Offer::default(), "You have insufficient permission.", unknown),
            (Offer::default(), "", None),
        ] {
            assert_eq!(lacking(403, &offer, &json!({"message": message})).as_deref(), lacks, "{offer:?} {message}");
        }
        // A proxy's page is no document; and only a 403 is about rights.
        assert_eq!(lacking(403, &permissions("contents=write"), &Value::Null), None);
        assert_eq!(lacking(429, &permissions("contents=write"), &json!({"message": integration})), None);
    }
}
