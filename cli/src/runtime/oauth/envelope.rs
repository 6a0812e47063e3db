//! What the vault keeps of an `oauth2` binding. vault.md §7.1, 12.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::answer::TokenAnswer;
use super::client::Client;
use super::form;
use crate::secret::Secret;

/// "No expiry known", as it is written.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A token is renewed when less than this is left of it.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Tokens, and what renewing them needs without the manifest.
pub struct Envelope {
    /// The access token.
    pub access_token: Arc<Secret>,
    /// Without one, the access token is used for as long as it lasts.
    pub refresh_token: Option<Arc<Secret>>,
    /// `None`: no expiry known.
    pub expires_at: Option<Timestamp>,
    /// Absent means Bearer.
    pub token_type: Option<String>,
    /// The app's public id.
    pub client_id: String,
    /// The app's secret, if it has one.
    pub client_secret: Option<Arc<Secret>>,
    /// Where it is renewed.
    pub token_url: String,
    /// The scopes that were asked for.
    pub scopes: Vec<String>,
}

/// The entry opens and is no envelope: it is damaged, which is not the same as missing. Nothing of it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its value is not the JSON of an oauth2 credential")]
pub struct NotAnEnvelope;

/// Members in the order of vault.md §7.1; what is empty is left out. Others may have written the tokens and their expiry alone.
#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_type: Option<String>,
    #[serde(default)]
    client_id: String,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<Cow<'a, str>>,
    #[serde(default)]
    token_url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
}

impl Envelope {
    /// The first tokens of a binding.
    pub fn first(client: &Client, answer: TokenAnswer, now: Timestamp) -> Envelope {
        Envelope {
            access_token: Arc::new(answer.access_token),
            refresh_token: answer.refresh_token.map(Arc::new),
            expires_at: answer.expires_in.and_then(|seconds| later(now, seconds)),
            token_type: answer.token_type,
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.clone(),
            token_url: client.token_url.clone(),
            scopes: client.scopes.clone(),
        }
    }

    /// The same after a refresh: what the answer does not say stays as it was.
    pub fn renewed(&self, answer: TokenAnswer, now: Timestamp) -> Envelope {
        Envelope {
            access_token: Arc::new(answer.access_token),
            refresh_token: answer.refresh_token.map(Arc::new).or_else(|| self.refresh_token.clone()),
            expires_at: answer.expires_in.and_then(|seconds| later(now, seconds)).or(self.expires_at),
            token_type: answer.token_type,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            token_url: self.token_url.clone(),
            scopes: self.scopes.clone(),
        }
    }

    /// The same with the client of the manifest, where the entry names none: others may store tokens alone.
    pub fn completed(self, client: &Client) -> Envelope {
        match self.client_id.is_empty() && self.token_url.is_empty() {
            true => Envelope {
                client_id: client.client_id.clone(),
                client_secret: client.client_secret.clone(),
                token_url: client.token_url.clone(),
                ..self
            },
            false => self,
        }
    }

    /// Whether this is what one refresh token gave, and not yet what another one did.
    pub fn has_refresh_token_of(&self, other: &Envelope) -> bool {
        let token = |envelope: &Envelope| envelope.refresh_token.clone();
        match (token(self), token(other)) {
            (Some(ours), Some(theirs)) => ours.expose() == theirs.expose(),
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether a refresh comes first: it can be renewed, and less than 60 seconds are left. Exactly 60 are enough.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let soon = now.checked_add(MARGIN).unwrap_or(Timestamp::MAX);
        self.refresh_token.is_some() && self.expires_at.is_some_and(|expiry| soon > expiry)
    }

    /// The body that renews it; `None` without a refresh token, or where nothing says where it is renewed.
    pub fn refresh(&self) -> Option<Secret> {
        let refresh_token = self.refresh_token.as_ref().filter(|_| !self.token_url.is_empty())?;
        let mut fields: Vec<(&str, &[u8])> = vec![("client_id", self.client_id.as_bytes())];
        fields.extend(self.client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        fields.push(("grant_type", b"refresh_token"));
        fields.push(("refresh_token", refresh_token.expose()));
        Some(form::encode(&fields))
    }

    /// Reads a decrypted entry. Members that are not known are ignored.
    ///
    /// # Errors
    /// [`NotAnEnvelope`].
    pub fn read(plaintext: &Secret) -> Result<Envelope, NotAnEnvelope> {
        // Read as a struct, an array of the right length would do.
        if plaintext.expose().trim_ascii_start().first() != Some(&b'{') {
            return Err(NotAnEnvelope);
        }
        let document: Document<'_> = serde_json::from_slice(plaintext.expose()).map_err(|_| NotAnEnvelope)?;
        let expires_at = match document.expires_at.as_deref() {
            None => None,
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| NotAnEnvelope)?).filter(is_set),
        };
        let secret = |text: Cow<'_, str>| Secret::from(Zeroizing::new(text.into_owned().into_bytes()));
        let given = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(secret);
        Ok(Envelope {
            access_token: Arc::new(secret(document.access_token)),
            refresh_token: given(document.refresh_token).map(Arc::new),
            expires_at,
            token_type: document.token_type.filter(|kind| !kind.is_empty()),
            client_id: document.client_id,
            client_secret: given(document.client_secret).map(Arc::new),
            token_url: document.token_url,
            scopes: document.scopes,
        })
    }

    /// The plaintext that is sealed. The buffer does not grow while it is written, so that no copy stays behind.
    pub fn write(&self) -> Secret {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
        let mut secrets = Zeroizing::new(vec![text(&self.access_token)]);
        secrets.extend(self.refresh_token.as_deref().map(text));
        secrets.extend(self.client_secret.as_deref().map(text));
        let document = Document {
            access_token: Cow::Borrowed(&secrets[0]),
            refresh_token: self.refresh_token.is_some().then(|| Cow::Borrowed(secrets[1].as_str())),
            expires_at: Some(self.expires_at.map_or_else(|| NEVER.to_owned(), |expiry| expiry.to_string())),
            token_type: self.token_type.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.is_some().then(|| Cow::Borrowed(secrets[secrets.len() - 1].as_str())),
            token_url: self.token_url.clone(),
            scopes: self.scopes.clone(),
        };
        // JSON writes a byte as at most six.
        let public = self.client_id.len()
            + self.token_url.len()
            + self.scopes.iter().map(|scope| scope.len() + 1).sum::<usize>();
        let longest = 512 + 6 * (secrets.iter().map(String::len).sum::<usize>() + public);
        let mut plaintext = Zeroizing::new(Vec::with_capacity(longest));
        // Writing plain members into memory does not fail.
        let _ = serde_json::to_writer(&mut *plaintext, &document);
        Secret::from(plaintext)
    }
}

/// Year 1 is how "no expiry" is written.
fn is_set(expiry: &Timestamp) -> bool {
    *expiry > NEVER.parse().unwrap_or(Timestamp::MIN)
}

fn later(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Some(now.checked_add(seconds).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn envelope(text: &str) -> Result<Envelope, NotAnEnvelope> {
        Envelope::read(&Secret::from(text.to_owned()))
    }

    fn stored(more: &str) -> Envelope {
        let text =
            format!(r#"{{"access_token":"a1","client_id":"c","token_url":"https://t.example/",{more}"scopes":["s"]}}"#);
        envelope(&text).expect("an envelope")
    }

    fn answer(more: &str) -> TokenAnswer {
        let body = format!(r#"{{"access_token":"a2"{more}}}"#);
        TokenAnswer::read(200, &Secret::from(body)).expect("tokens")
    }

    #[test] // vault.md §12, §17
    fn a_token_is_renewed_when_less_than_a_minute_is_left_and_it_can_be() {
        let now = time("2026-05-01T12:00:00Z");
        for (expires_at, refresh_token, due) in [
            ("2026-05-01T12:01:01Z", true, false),
            ("2026-05-01T12:01:00Z", true, false),
            ("2026-05-01T12:00:59Z", true, true),
            ("2026-05-01T12:00:59.999999999Z", true, true),
            ("2026-05-01T11:00:00Z", true, true),
            ("2026-05-01T11:00:00Z", false, false),
            ("2026-05-01T14:00:30.5+02:00", true, true),
            ("0001-01-01T00:00:00Z", true, false),
            ("9999-12-30T00:00:00Z", true, false),
        ] {
            let refresh = if refresh_token { r#""refresh_token":"r","# } else { r#""refresh_token":"","# };
            let envelope = stored(&format!(r#""expires_at":"{expires_at}",{refresh}"#));
            assert_eq!(envelope.is_due(now), due, "{expires_at}");
            assert_eq!(envelope.refresh().is_some(), refresh_token);
        }
        for more in ["", r#""expires_at":null,"#] {
            assert!(!stored(&format!(r#"{more}"refresh_token":"r","#)).is_due(now), "{more}");
        }
    }

    #[test] // vault.md §12
    fn what_a_refresh_does_not_say_stays_as_it_was() {
        let now = time("2026-05-01T12:00:00Z");
        let old = || {
            stored(
                r#""expires_at":"2026-05-01T11:00:00Z","refresh_token":"r1","token_type":"bearer","client_secret":"k","#,
            )
        };
        let same = old().renewed(answer(""), now);
        assert_eq!((same.access_token.expose(), same.expires_at), (&b"a2"[..], Some(time("2026-05-01T11:00:00Z"))));
        assert_eq!(same.refresh_token.as_ref().expect("kept").expose(), b"r1");
        assert_eq!(same.token_type, None);
        let rotated = old().renewed(answer(r#","refresh_token":"r2","expires_in":60,"token_type":"Bearer""#), now);
        assert_eq!(rotated.refresh_token.as_ref().expect("new").expose(), b"r2");
        assert_eq!(rotated.expires_at, Some(time("2026-05-01T12:01:00Z")));
        assert_eq!(
            String::from_utf8_lossy(rotated.refresh().expect("a body").expose()),
            "client_id=c&client_secret=k&grant_type=refresh_token&refresh_token=r2"
        );
        let far = old().renewed(answer(r#","expires_in":18446744073709551615"#), now);
        assert_eq!(far.expires_at, Some(Timestamp::MAX));
    }

    #[test] // vault.md §7.1
    fn an_envelope_is_written_as_it_is_read() {
        let text = r#"{"access_token":"a\"1","refresh_token":"r","expires_at":"2026-05-01T12:01:00.5Z","token_type":"bearer","client_id":"c","client_secret":"k","token_url":"https://t.example/","scopes":["x","y"]}"#;
        assert_eq!(String::from_utf8_lossy(envelope(text).expect("reads").write().expose()), text);
        let least = r#"{"access_token":"a","expires_at":"0001-01-01T00:00:00Z","client_id":"c","token_url":"t"}"#;
        assert_eq!(String::from_utf8_lossy(envelope(least).expect("reads").write().expose()), least);
        for damaged in [
            "",
            "s3cret",
            "{}",
            r#"{"access_token":null,"client_id":"c","token_url":"t"}"#,
            r#"{"access_token":"a","expires_at":"","client_id":"c","token_url":"t"}"#,
            r#"["a","r",null,null,"c",null,"t",[]]"#,
        ] {
            assert_eq!(envelope(damaged).err(), Some(NotAnEnvelope), "{damaged}");
        }
    }
}
