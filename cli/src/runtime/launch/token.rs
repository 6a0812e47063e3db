//! What a caller must show: 256 random bits, made for one run of `aileron launch`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::LaunchError;
use crate::secret::Secret;

/// A token, as it is written.
pub struct Token(Secret);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// [`LaunchError::NoRandom`].
    pub fn new() -> Result<Token, LaunchError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(LaunchError::NoRandom)?;
        Ok(Token(Secret::from(BASE64_URL_SAFE_NO_PAD.encode(&bytes))))
    }

    /// As text, for the two places that hand it on: a program's environment, `launch.json`.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }

    /// Whether this is the token. Digests are compared, to their ends: the time says nothing about how much of it was right.
    pub fn is(&self, shown: &[u8]) -> bool {
        let differing = Sha256::digest(self.0.expose())
            .iter()
            .zip(Sha256::digest(shown).iter())
            .fold(0, |differing, (ours, theirs)| differing | (ours ^ theirs));
        std::hint::black_box(differing) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_and_no_other() {
        let (one, other) = (Token::new().expect("random"), Token::new().expect("random"));
        assert_eq!(one.text().len(), 43);
        assert!(one.is(one.text().as_bytes()) && !one.is(other.text().as_bytes()));
        for shown in ["", &one.text()[1..], &format!("{} ", one.text())] {
            assert!(!one.is(shown.as_bytes()), "{shown:?}");
        }
    }
}
