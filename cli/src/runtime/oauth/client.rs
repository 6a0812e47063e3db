//! The app as the manifest describes it.

use std::sync::Arc;

use aileron_verifier::artifact::manifest::{Oauth2, SECRET_PLACEHOLDER};
use aileron_verifier::problem::Class;

use super::form;
use crate::secret::Secret;

/// Who asks for tokens, and where.
#[derive(Clone)]
pub struct Client {
    /// Where the user's browser goes.
    pub authorize_url: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: String,
    /// The app's public id.
    pub client_id: String,
    /// Sent in the body, never as HTTP Basic. `None` for a public client.
    pub client_secret: Option<Arc<Secret>>,
    /// What is asked for; at least one.
    pub scopes: Vec<String>,
}

/// Why no token can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// What is installed was never released. vault.md §11.1.
    #[error("client_secret is still \"{SECRET_PLACEHOLDER}\": this connector was published without its client secret")]
    SecretNotBound,
}

impl ClientError {
    /// The failure class: `binding_failed`.
    pub fn class(&self) -> Class {
        match self {
            ClientError::SecretNotBound => Class::BindingFailed,
        }
    }

    /// Never: another version of the connector is needed.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl Client {
    /// The app of a verified manifest.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn of(settings: &Oauth2) -> Result<Client, ClientError> {
        let secret = settings.client_secret.as_ref().map(|secret| secret.value.as_str());
        if secret == Some(SECRET_PLACEHOLDER) {
            return Err(ClientError::SecretNotBound);
        }
        Ok(Client {
            authorize_url: settings.authorize_url.value.clone(),
            token_url: settings.token_url.value.clone(),
            client_id: settings.client_id.value.clone(),
            client_secret: secret.filter(|text| !text.is_empty()).map(|text| Arc::new(Secret::from(text.to_owned()))),
            scopes: settings.scopes.iter().map(|scope| scope.value.clone()).collect(),
        })
    }

    /// The body that exchanges a code for tokens. vault.md §11.7.
    pub fn exchange(&self, code: &Secret, verifier: &Secret, redirect_uri: &str) -> Secret {
        let mut fields: Vec<(&str, &[u8])> = vec![("client_id", self.client_id.as_bytes())];
        fields.extend(self.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        fields.push(("code", code.expose()));
        fields.push(("code_verifier", verifier.expose()));
        fields.push(("grant_type", b"authorization_code"));
        fields.push(("redirect_uri", redirect_uri.as_bytes()));
        form::encode(&fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §11.7, §17
    fn a_code_is_exchanged_with_the_secret_only_where_there_is_one() {
        let public = Client {
            authorize_url: String::new(),
            token_url: String::new(),
            client_id: "example-client-id".into(),
            client_secret: None,
            scopes: Vec::new(),
        };
        let body = |client: &Client| {
            let (code, verifier) = (Secret::from("abc/123+x".to_owned()), Secret::from("v-1".to_owned()));
            let form = client.exchange(&code, &verifier, "http://127.0.0.1:49152/callback");
            String::from_utf8_lossy(form.expose()).into_owned()
        };
        let expected = "client_id=example-client-id&code=abc%2F123%2Bx&code_verifier=v-1&grant_type=authorization_code\
                        &redirect_uri=http%3A%2F%2F127.0.0.1%3A49152%2Fcallback";
        assert_eq!(body(&public), expected);
        let secret = Some(Arc::new(Secret::from("EXAMPLE-client-secret".to_owned())));
        let with_secret = expected.replace("&code=", "&client_secret=EXAMPLE-client-secret&code=");
        assert_eq!(body(&Client { client_secret: secret, ..public }), with_secret);
    }
}
