//! Secret bytes, as a type that cannot be shown by accident.

use zeroize::Zeroizing;

/// Secret bytes: no `Debug`, `Display`, `Serialize` or `Clone`; wiped on drop. vault.md §15.
///
/// ```compile_fail
/// println!("{:?}", aileron_sandbox::secret::Secret::from("hunter2".to_owned()));
/// ```
/// ```compile_fail
/// let _ = aileron_sandbox::secret::Secret::from("hunter2".to_owned()).clone();
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The only way out. Call it inside the expression that needs the bytes; never keep the result.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing but white space in it: what an unset secret looks like in CI.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.0)
    }
}

/// Whether a value is nothing but white space, of any script. What is no text is not white space either.
pub fn is_blank(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.trim().is_empty())
}

/// Takes the allocation itself; nothing is copied. What the vector left behind while it grew is its maker's care.
impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(bytes))
    }
}

/// Takes the allocation itself; nothing is copied.
impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(Zeroizing::new(text.into_bytes()))
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Secret {
        Secret(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_the_allocation_it_was_given() {
        let text = "pass phrase".to_owned();
        let at = text.as_ptr();
        let secret = Secret::from(text);
        assert_eq!((secret.expose(), secret.expose().as_ptr()), (&b"pass phrase"[..], at));
        assert!(!secret.is_blank() && Secret::from(" \n".to_owned()).is_blank() && Secret::from(vec![]).is_blank());
    }
}
