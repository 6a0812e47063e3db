//! The trip through the user's browser: where it goes, and what proves that its answer belongs to us.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::form;
use crate::secret::Secret;

/// Why the user is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new binding.
    Setup,
    /// New tokens for one that exists: the provider is told to ask again.
    Reauthorize,
}

/// One authorization on its way.
pub struct Authorization {
    /// For the browser. Holds the challenge, not the verifier.
    pub url: String,
    /// Comes back with the code.
    pub state: String,
    /// Proves that the one who asks for tokens is the one who sent the browser. RFC 7636.
    pub verifier: Secret,
}

impl Authorization {
    /// Starts one. `random` are fresh random bytes: 32 for the verifier, 32 for the state. vault.md §11.2, 11.3.
    pub fn start(client: &Client, redirect_uri: &str, purpose: Purpose, random: [&[u8; 32]; 2]) -> Authorization {
        let [verifier, state] = random.map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let url = authorize_url(client, redirect_uri, purpose, &challenge(&verifier), &state);
        Authorization { url, state, verifier: Secret::from(verifier) }
    }
}

fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn authorize_url(client: &Client, redirect_uri: &str, purpose: Purpose, challenge: &str, state: &str) -> String {
    let scope = client.scopes.join(" ");
    let mut fields: Vec<(&str, &[u8])> = vec![
        ("access_type", b"offline"),
        ("client_id", client.client_id.as_bytes()),
        ("code_challenge", challenge.as_bytes()),
        ("code_challenge_method", b"S256"),
    ];
    if purpose == Purpose::Reauthorize {
        fields.push(("prompt", b"consent"));
    }
    fields.push(("redirect_uri", redirect_uri.as_bytes()));
    fields.push(("response_type", b"code"));
    fields.push(("scope", scope.as_bytes()));
    fields.push(("state", state.as_bytes()));
    let separator = if client.authorize_url.contains('?') { '&' } else { '?' };
    let query = form::encode(&fields);
    format!("{}{separator}{}", client.authorize_url, String::from_utf8_lossy(query.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // RFC 7636, appendix B
    fn a_challenge_is_the_hash_of_the_verifiers_text() {
        let challenged = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenged, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test] // vault.md §11.2, §11.3
    fn the_browser_gets_the_challenge_and_never_the_verifier() {
        let client = Client {
            authorize_url: "https://auth.example.test/authorize".into(),
            token_url: "https://auth.example.test/token".into(),
            client_id: "an id".into(),
            client_secret: None,
            scopes: vec!["chat:write".into(), "channels:read".into()],
        };
        let [one, two] = [[1; 32], [2; 32]];
        let start = |client: &Client, purpose| {
            Authorization::start(client, "http://127.0.0.1:1/callback", purpose, [&one, &two])
        };
        let setup = start(&client, Purpose::Setup);
        let verifier = String::from_utf8_lossy(setup.verifier.expose()).into_owned();
        assert_eq!((verifier.len(), setup.state.len()), (43, 43));
        assert!(setup.state != verifier && !setup.url.contains(&verifier));
        let expected = format!(
            "https://auth.example.test/authorize?access_type=offline&client_id=an+id&code_challenge={}&code_challenge_method=S256\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&response_type=code&scope=chat%3Awrite+channels%3Aread&state={}",
            challenge(&verifier),
            setup.state
        );
        assert_eq!(setup.url, expected);
        let again = start(&client, Purpose::Reauthorize);
        assert_eq!(again.url, expected.replace("&redirect_uri", "&prompt=consent&redirect_uri"));
        let tenant = Client { authorize_url: "https://auth.example.test/authorize?tenant=t1".into(), ..client };
        assert_eq!(start(&tenant, Purpose::Setup).url, expected.replace("authorize?", "authorize?tenant=t1&"));
    }
}
