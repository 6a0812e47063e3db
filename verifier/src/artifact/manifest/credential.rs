//! `[capabilities.credential]`: what the host adds to requests on the connector's behalf. artifacts.md §2.

use crate::artifact::rules;
use crate::problem::Spanned;
use crate::text::printable;
use crate::text::toml::{Stage, Table};

use super::{SECRET_PLACEHOLDER, endpoint};

/// How a credential reaches a request. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// One secret text in one header.
    ApiKey,
    /// A bearer token, obtained by authorization code with PKCE.
    Oauth2,
    /// AWS Signature Version 4.
    AwsSigv4,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [CredentialKind; 3] = [CredentialKind::ApiKey, CredentialKind::Oauth2, CredentialKind::AwsSigv4];

    /// The kind as the manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialKind::ApiKey => "api_key",
            CredentialKind::Oauth2 => "oauth2",
            CredentialKind::AwsSigv4 => "aws_sigv4",
        }
    }
}

/// `[capabilities.credential]`. A field that is there belongs to the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Which kind.
    pub kind: Spanned<CredentialKind>,
    /// Prose for prompts: what the credential is used for.
    pub scope: Option<String>,
    /// `api_key`: the header's name; absent means `Authorization`.
    pub header: Option<Spanned<String>>,
    /// `api_key`: the header's value around `{key}`; absent means `Bearer {key}`.
    pub format: Option<Spanned<String>>,
    /// `aws_sigv4`: the service to sign for. Always there for this kind.
    pub service: Option<Spanned<String>>,
    /// `aws_sigv4`: a default region; the binding wins.
    pub region: Option<Spanned<String>>,
    /// `aws_sigv4`: a default key id; the binding wins.
    pub access_key_id: Option<Spanned<String>>,
    /// `oauth2`: always there for this kind.
    pub oauth2: Option<Oauth2>,
}

/// `[capabilities.credential.oauth2]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oauth2 {
    /// Where the user's browser goes.
    pub authorize_url: Spanned<String>,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: Spanned<String>,
    /// The app's public id.
    pub client_id: Spanned<String>,
    /// The placeholder in source; in an archive whatever was bound, which everyone can read.
    pub client_secret: Option<Spanned<String>>,
    /// At least one, none blank.
    pub scopes: Vec<Spanned<String>>,
}

pub(super) fn read(table: &Table<'_>, stage: Stage) -> Option<Credential> {
    let kind = table.required("kind").and_then(|kind| parse_kind(table, kind));
    let scope = table.string("scope").map(|scope| scope.value);
    if stage == Stage::Source && !table.has("scope") {
        table.report(rules::SCOPE_MISSING, table.end(), "the credential has no `scope` text");
    }
    let field = |key, owner| field(table, kind.as_ref(), key, owner);
    let header = field("header", CredentialKind::ApiKey).inspect(|header| check_header(table, header));
    let format = field("format", CredentialKind::ApiKey).inspect(|format| check_format(table, format));
    let service = field("service", CredentialKind::AwsSigv4);
    let region = field("region", CredentialKind::AwsSigv4);
    let access_key_id = field("access_key_id", CredentialKind::AwsSigv4);
    [&service, &region, &access_key_id].into_iter().flatten().for_each(|text| check_text(table, text));
    let is = |wanted| kind.as_ref().is_some_and(|kind| kind.value == wanted);
    if is(CredentialKind::AwsSigv4) && !table.has("service") {
        table.missing("service");
    }
    if stage == Stage::Source && is(CredentialKind::AwsSigv4) {
        for text in [&region, &access_key_id].into_iter().flatten() {
            table.report(
                rules::REGION_IN_MANIFEST,
                text.at.clone(),
                "the user's binding decides this, not the manifest",
            );
        }
    }
    let settings = table.table("oauth2");
    if let (Some(settings), Some(kind)) = (&settings, &kind)
        && kind.value != CredentialKind::Oauth2
    {
        let message = format!("an `oauth2` table with kind `{}`", kind.value.as_str());
        table.report(rules::OAUTH_TABLE, settings.at(), message);
    }
    if is(CredentialKind::Oauth2) && !table.has("oauth2") {
        table.report(rules::OAUTH_TABLE, table.end(), "kind `oauth2` without an `oauth2` table");
    }
    let oauth2 = settings.and_then(|settings| oauth2(&settings, stage));
    table.finish();
    Some(Credential { kind: kind?, scope, header, format, service, region, access_key_id, oauth2 })
}

fn parse_kind(table: &Table<'_>, text: Spanned<String>) -> Option<Spanned<CredentialKind>> {
    let kind = CredentialKind::ALL.into_iter().find(|kind| kind.as_str() == text.value);
    if kind.is_none() {
        let message = format!("\"{}\" is no credential kind", printable(&text.value));
        table.report(rules::CREDENTIAL_KIND, text.at.clone(), message);
    }
    kind.map(|value| Spanned { value, at: text.at })
}

/// A field that only one kind has. Without a readable kind nothing is held against it.
fn field(
    table: &Table<'_>,
    kind: Option<&Spanned<CredentialKind>>,
    key: &'static str,
    owner: CredentialKind,
) -> Option<Spanned<String>> {
    let text = table.string(key)?;
    if let Some(kind) = kind
        && kind.value != owner
    {
        let message = format!("`{key}` belongs to kind `{}`, not `{}`", owner.as_str(), kind.value.as_str());
        table.report(rules::CREDENTIAL_FIELD, text.at, message);
        return None;
    }
    Some(text)
}

/// Header names are tokens: RFC 9110 §5.6.2.
fn check_header(table: &Table<'_>, header: &Spanned<String>) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if header.value.is_empty() || !header.value.bytes().all(is_token) {
        let message = format!("\"{}\" is not a header name", printable(&header.value));
        table.report(rules::CREDENTIAL_HEADER, header.at.clone(), message);
    }
}

fn check_format(table: &Table<'_>, format: &Spanned<String>) {
    let message = if format.value.contains(['\r', '\n', '\0']) {
        "the format must be one line without CR, LF or NUL"
    } else if !format.value.contains("{key}") {
        "the format does not contain {key}"
    } else {
        return;
    };
    table.report(rules::CREDENTIAL_FORMAT, format.at.clone(), message);
}

fn check_text(table: &Table<'_>, text: &Spanned<String>) {
    let message = if text.value.contains(['\r', '\n']) {
        "CR or LF in a value that goes into requests"
    } else if text.value.trim().is_empty() {
        "a blank value"
    } else {
        return;
    };
    table.report(rules::CREDENTIAL_TEXT, text.at.clone(), message);
}

fn oauth2(table: &Table<'_>, stage: Stage) -> Option<Oauth2> {
    let url = |key| {
        let url = table.required(key)?;
        if let Err(reason) = endpoint::oauth_url(&url.value) {
            table.report(rules::OAUTH_URL, url.at.clone(), format!("\"{}\" {reason}", printable(&url.value)));
        }
        Some(url)
    };
    let (authorize_url, token_url) = (url("authorize_url"), url("token_url"));
    let client_id = table.required("client_id").inspect(|id| check_client_id(table, id, stage));
    let client_secret = table.string("client_secret");
    if let (Stage::Source, Some(secret)) = (stage, &client_secret)
        && secret.value != SECRET_PLACEHOLDER
    {
        let message = format!("`{}` is not the placeholder", table.path_to("client_secret"));
        table.report(rules::OAUTH_CLIENT_SECRET, secret.at.clone(), message);
    }
    let scopes = table.strings("scopes");
    match &scopes {
        None if !table.has("scopes") => table.report(rules::OAUTH_SCOPES, table.end(), "`scopes` is missing"),
        Some(scopes) if scopes.value.is_empty() => {
            table.report(rules::OAUTH_SCOPES, scopes.at.clone(), "`scopes` is empty");
        }
        _ => {}
    }
    for scope in scopes.iter().flat_map(|scopes| &scopes.value).filter(|scope| scope.value.trim().is_empty()) {
        table.report(rules::OAUTH_SCOPES, scope.at.clone(), "a blank scope");
    }
    table.finish();
    Some(Oauth2 {
        authorize_url: authorize_url?,
        token_url: token_url?,
        client_id: client_id?,
        client_secret,
        scopes: scopes?.value,
    })
}

fn check_client_id(table: &Table<'_>, id: &Spanned<String>, stage: Stage) {
    let is_stand_in = id.value.starts_with("REPLACE_") || id.value.starts_with("YOUR_");
    if id.value.trim().is_empty() {
        table.report(rules::OAUTH_CLIENT_ID, id.at.clone(), "the client id is blank");
    } else if stage == Stage::Source && is_stand_in {
        let message = format!("\"{}\" stands in for a client id", printable(&id.value));
        table.report(rules::OAUTH_CLIENT_ID, id.at.clone(), message);
    }
}
