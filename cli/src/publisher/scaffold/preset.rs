//! Services whose endpoints are known: what `init --preset` fills in.
//!
//! Each row cites the provider's own page. What cannot work with what a runtime does is not offered: tokens are exchanged with
//! PKCE and the client's data in the body, never with HTTP Basic, and the browser comes back to this machine.

use super::contents::Credential;

/// A service.
#[derive(Debug)]
pub struct Preset {
    /// As `--preset` names it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Where the API is, with what all its paths begin with; without a slash at the end.
    pub base: &'static str,
    /// Credential kinds that work, the usual one first.
    pub credentials: &'static [Credential],
    /// Why no other does.
    pub no_other: &'static str,
    /// OAuth endpoints, for a service with [`Credential::Oauth2`].
    pub oauth: Option<Oauth>,
    /// How an API key is sent, where it is not a bearer token.
    pub key_format: Option<&'static str>,
    /// Headers of every request, beside `Accept`.
    pub headers: &'static [(&'static str, &'static str)],
    /// A first operation that every account may call.
    pub operation: PresetOperation,
    /// What users see the credential is for.
    pub scope: &'static str,
    /// The provider's page.
    pub page: &'static str,
    /// What to register there, in steps; Markdown.
    pub steps: &'static [&'static str],
}

/// Endpoints of an authorization.
#[derive(Debug)]
pub struct Oauth {
    /// Where the browser goes.
    pub authorize_url: &'static str,
    /// Where the code is exchanged.
    pub token_url: &'static str,
    /// What is asked for.
    pub scopes: &'static [&'static str],
    /// Whether the exchange wants a client secret, which a release binds.
    pub secret: bool,
}

/// An operation with a request of its own.
#[derive(Debug)]
pub struct PresetOperation {
    /// `get_user`.
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Below [`Preset::base`].
    pub path: &'static str,
    /// The body, for POST.
    pub body: Option<&'static str>,
}

use Credential::{ApiKey, Oauth2};

/// Every preset, in the order of their names.
pub static PRESETS: [Preset; 5] = [
    Preset {
        name: "github",
        title: "GitHub",
        base: "https://api.github.com",
        credentials: &[ApiKey, Oauth2],
        no_other: "GitHub's API takes tokens of users and of OAuth apps",
        oauth: Some(Oauth {
            authorize_url: "https://github.com/login/oauth/authorize",
            token_url: "https://github.com/login/oauth/access_token",
            scopes: &["read:user"],
            secret: true,
        }),
        key_format: None,
        headers: &[("X-GitHub-Api-Version", "2022-11-28")],
        operation: PresetOperation { name: "get_user", method: "GET", path: "/user", body: None },
        scope: "Read your GitHub profile",
        page: "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/creating-an-oauth-app",
        steps: &[
            "With `api_key`, nothing is registered: each user makes a fine-grained token at <https://github.com/settings/personal-access-tokens> and pastes it into `aileron binding setup`.",
            "With `oauth2`, register an OAuth app at <https://github.com/settings/applications/new>; its authorization callback URL is `http://127.0.0.1/callback`. GitHub lets the port differ for a loopback address.",
            "Copy the client ID into `connector/manifest.toml`. GitHub wants the client secret when a code is exchanged: it is bound at release, never committed.",
        ],
    },
    Preset {
        name: "google",
        title: "Google",
        base: "https://www.googleapis.com",
        credentials: &[Oauth2],
        no_other: "Google's APIs about a user's data take OAuth tokens only",
        oauth: Some(Oauth {
            authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
            token_url: "https://oauth2.googleapis.com/token",
            scopes: &["https://www.googleapis.com/auth/calendar.readonly"],
            secret: true,
        }),
        key_format: None,
        headers: &[],
        operation: PresetOperation {
            name: "list_calendars",
            method: "GET",
            path: "/calendar/v3/users/me/calendarList",
            body: None,
        },
        scope: "Read your calendars",
        page: "https://developers.google.com/identity/protocols/oauth2/native-app",
        steps: &[
            "Open <https://console.cloud.google.com> and create a project named after this connector.",
            "Enable the APIs it calls: the Google Calendar API for what is here.",
            "Configure the OAuth consent screen: the application's name, a logo, and the scopes of `connector/manifest.toml`. This is what users see.",
            "Create an OAuth 2.0 Client ID of type \"Desktop app\". Such a client may redirect to `http://127.0.0.1` on any port; nothing is listed for it.",
            "Copy the client ID into `connector/manifest.toml`, as `client_id`. Keep the client secret too: Google wants it when a code is exchanged, also of desktop apps. It is bound at release and never committed.",
            "Submit the consent screen for verification before you ship to users: Google asks for it where scopes are sensitive.",
        ],
    },
    Preset {
        name: "linear",
        title: "Linear",
        base: "https://api.linear.app",
        credentials: &[ApiKey],
        // An app on this machine listens on whatever port is free, and no runtime asks for a certain one.
        no_other: "Linear compares the address a browser comes back to with its port, and a runtime listens on any free one: use --credential api_key",
        oauth: None,
        // A personal key is sent as it is; with `Bearer` it is taken for an OAuth token.
        key_format: Some("{key}"),
        headers: &[],
        operation: PresetOperation {
            name: "get_viewer",
            method: "POST",
            path: "/graphql",
            body: Some(r#"{"query":"{ viewer { id name email } }"}"#),
        },
        scope: "Read your Linear profile",
        page: "https://linear.app/api",
        steps: &[
            "Nothing is registered by you: each user makes a personal API key under Settings, Security & access, and pastes it into `aileron binding setup`.",
            "OAuth is not possible for now: Linear compares the redirect URL exactly, its port included, and a runtime listens on whatever port is free.",
        ],
    },
    Preset {
        name: "notion",
        title: "Notion",
        base: "https://api.notion.com",
        credentials: &[ApiKey],
        no_other: "Notion's token endpoint wants HTTP Basic, which no Aileron runtime sends: use --credential api_key",
        oauth: None,
        key_format: None,
        headers: &[("Notion-Version", "2026-03-11")],
        operation: PresetOperation { name: "get_me", method: "GET", path: "/v1/users/me", body: None },
        scope: "Read the pages shared with your integration",
        page: "https://developers.notion.com/reference/authentication",
        steps: &[
            "Nothing is registered by you: each user creates an internal integration at <https://www.notion.so/profile/integrations>, shares the pages it may see, and pastes its secret into `aileron binding setup`.",
            "OAuth is not possible for now: Notion's token endpoint authenticates clients with HTTP Basic, which no Aileron runtime sends.",
        ],
    },
    Preset {
        name: "slack",
        title: "Slack",
        base: "https://slack.com/api",
        credentials: &[Oauth2],
        no_other: "Slack's tokens come from OAuth",
        oauth: Some(Oauth {
            authorize_url: "https://slack.com/oauth/v2_user/authorize",
            token_url: "https://slack.com/api/oauth.v2.user.access",
            scopes: &["channels:read", "users:read"],
            secret: false,
        }),
        key_format: None,
        headers: &[],
        operation: PresetOperation { name: "auth_test", method: "POST", path: "/auth.test", body: None },
        scope: "Read channels and people as you",
        page: "https://docs.slack.dev/authentication/using-pkce",
        steps: &[
            "Create an app at <https://api.slack.com/apps> and turn on PKCE under OAuth & Permissions. Slack redirects to `http://127.0.0.1` only for apps with PKCE; only Slack's support can turn it off again.",
            "Add `http://127.0.0.1/callback` as a redirect URL, and the user scopes of `connector/manifest.toml`. Add no bot scopes: Slack grants none to an app that redirects to a user's machine.",
            "Copy the client ID into `connector/manifest.toml`. With PKCE no client secret is sent. Where tokens rotate, a user who does not use the connector for 30 days has to authorize it again.",
        ],
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_cites_its_provider_and_offers_what_works() {
        for preset in &PRESETS {
            assert!(
                !preset.credentials.is_empty() && !preset.credentials.contains(&Credential::None),
                "{}",
                preset.name
            );
            assert_eq!(preset.oauth.is_some(), preset.credentials.contains(&Oauth2), "{}", preset.name);
            for url in [preset.base, preset.page] {
                assert!(url.starts_with("https://") && !url.ends_with('/'), "{url}");
            }
            assert!(!preset.steps.is_empty() && preset.operation.path.starts_with('/'), "{}", preset.name);
        }
        assert!(PRESETS.is_sorted_by_key(|preset| preset.name));
        let secrets = PRESETS.iter().filter(|preset| preset.oauth.as_ref().is_some_and(|oauth| oauth.secret));
        assert_eq!(secrets.map(|preset| preset.name).collect::<Vec<_>>(), ["github", "google"]);
    }
}
