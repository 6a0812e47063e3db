//! What an `oauth2` entry holds when it is opened: the tokens, and what renewing them takes. vault.md §7.1.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::secret::Secret;

/// The entry opens and is no envelope. Nothing of it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its value is not the JSON of an oauth2 credential")]
pub struct NotAnEnvelope;

/// The envelope, as far as a request needs it. Members that are not named here are left alone.
#[derive(Deserialize)]
pub struct Envelope {
    access_token: Text,
}

impl Envelope {
    /// Reads the opened value of an entry.
    ///
    /// # Errors
    /// [`NotAnEnvelope`].
    pub fn read(value: &Secret) -> Result<Envelope, NotAnEnvelope> {
        // Read as a struct, an array of the right length would do.
        match value.expose().trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(value.expose()).map_err(|_| NotAnEnvelope),
            _ => Err(NotAnEnvelope),
        }
    }

    /// What goes into the header.
    pub fn into_access_token(self) -> Secret {
        self.access_token.0
    }
}

/// A string that is wiped.
struct Text(Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Wiped;
        impl Visitor<'_> for Wiped {
            type Value = Text;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string")
            }

            // Borrowed from the opened value, or from the parser's buffer where the string has escapes.
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Secret::from(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Wiped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §7.1; R8
    fn an_envelope_gives_its_access_token_and_everything_else_is_refused() {
        let token = |text: &str| {
            let read = Envelope::read(&Secret::from(text.to_owned()));
            read.map(|envelope| envelope.into_access_token().expose().to_vec())
        };
        let whole =
            r#"{"access_token":"a\u0041\n","refresh_token":"r","expires_at":null,"scopes":["x"],"more":{"a":1}}"#;
        assert_eq!(token(whole), Ok(b"aA\n".to_vec()));
        for text in [
            "",
            "tea",
            "{}",
            r#"{"access_token":5}"#,
            r#"{"access_token":null}"#,
            r#"["a"]"#,
            "{\"access_token\":\"a\"}x",
        ] {
            assert_eq!(token(text), Err(NotAnEnvelope), "{text}");
        }
    }
}
