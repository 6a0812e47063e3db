//! The provider's answer, as the browser brings it to the loopback listener or as the user pastes it. vault.md §11.4.

use url::Url;
use zeroize::Zeroize as _;

use crate::secret::Secret;

/// Where the browser is sent back to, below the listener's address.
pub const PATH: &str = "/callback";

/// Characters that are shown of a provider's words.
const SHOWN: usize = 300;

/// Why an answer brings no code. Text of a provider is made harmless where it is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The user or the provider refused.
    #[error("oauth: provider returned error \"{code}\": {description}")]
    Provider {
        /// `error`, as it came.
        code: String,
        /// `error_description`, as it came; empty where there is none.
        description: String,
    },
    /// The answer is ours and holds no code.
    #[error("oauth: callback missing code parameter")]
    NoCode,
}

/// Why a pasted text is not the provider's answer. The user may paste again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasteError {
    /// Not a URL.
    #[error("this is not a URL; paste the whole address that the browser shows, beginning with http://127.0.0.1")]
    NotUrl,
    /// A URL of something else, for example the one the browser was sent to.
    #[error("this is not the address that the browser was sent back to; it begins with {0}")]
    OtherPlace(&'static str),
    /// From another attempt, or from someone else.
    #[error("this address belongs to another attempt; use the one that the page of this attempt leads to")]
    OtherState,
}

/// What came back for this attempt.
pub type Outcome = Result<Secret, CallbackError>;

/// Reads the target of a request to the listener, `/callback?code=…&state=…`. `None` is for the page "not found": another
/// path, or a `state` that is not ours, which ends nothing.
pub fn of_request(target: &str, state: &str) -> Option<Outcome> {
    let (path, query) = target.split_once('?')?;
    (path == PATH).then(|| of_query(query, state)).flatten()
}

/// Reads what a user pasted: the whole address. Terminals and mail break long lines; breaks and spaces are forgiven.
///
/// # Errors
/// [`PasteError`].
pub fn of_paste(text: &str, state: &str) -> Result<Outcome, PasteError> {
    let mut joined: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    let url = Url::parse(joined.trim_matches(['"', '\'', '<', '>']));
    joined.zeroize();
    let url = url.map_err(|_| PasteError::NotUrl)?;
    let is_ours = url.scheme() == "http" && url.host_str() == Some("127.0.0.1") && url.path() == PATH;
    if !is_ours {
        return Err(PasteError::OtherPlace("http://127.0.0.1"));
    }
    of_query(url.query().unwrap_or_default(), state).ok_or(PasteError::OtherState)
}

fn of_query(query: &str, state: &str) -> Option<Outcome> {
    let field =
        |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    if field("state")? != state {
        return None;
    }
    if let Some(code) = field("error") {
        let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
        let description = field("error_description").map(|text| shown(&text)).unwrap_or_default();
        return Some(Err(CallbackError::Provider { code: shown(&code), description }));
    }
    let code = field("code").filter(|code| !code.is_empty());
    Some(code.map(|code| Secret::from(code.into_owned())).ok_or(CallbackError::NoCode))
}

/// A page for the browser: status, and HTML in which everything that came from outside is escaped.
pub fn page(outcome: Option<&Outcome>) -> (u16, String) {
    let (status, title, text) = match outcome {
        None => (404, "Not found", "There is nothing here.".to_owned()),
        Some(Ok(_)) => (200, "Done", "You can close this page and go back to the terminal.".to_owned()),
        Some(Err(error)) => (400, "Not authorized", error.to_string()),
    };
    let text = escape(&text);
    (status, format!("<!doctype html><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1><p>{text}</p>\n"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code, or the error's text.
    fn shown(outcome: Outcome) -> String {
        match outcome {
            Ok(code) => format!("code {}", String::from_utf8_lossy(code.expose())),
            Err(error) => error.to_string(),
        }
    }

    #[test] // vault.md §11.4
    fn only_our_path_with_our_state_is_an_answer() {
        for (target, expected) in [
            ("/callback?code=a%2Fb+c&state=ours", Some("code a/b c")),
            ("/callback?state=ours&code=first&code=second", Some("code first")),
            ("/callback?state=ours&scope=x", Some("oauth: callback missing code parameter")),
            ("/callback?state=ours&code=", Some("oauth: callback missing code parameter")),
            (
                "/callback?error=access_denied&error_description=no+way&state=ours&code=x",
                Some("oauth: provider returned error \"access_denied\": no way"),
            ),
            ("/callback?error=x&state=ours", Some("oauth: provider returned error \"x\": ")),
            ("/callback?code=a&state=theirs", None),
            ("/callback?code=a", None),
            ("/callback", None),
            ("/callback/?code=a&state=ours", None),
            ("/favicon.ico", None),
            ("//callback?code=a&state=ours", None),
        ] {
            assert_eq!(of_request(target, "ours").map(shown).as_deref(), expected, "{target}");
        }
    }

    #[test]
    fn a_pasted_address_may_be_broken_over_lines() {
        let pasted = |text: &str| of_paste(text, "ours").map(shown);
        for text in [
            "http://127.0.0.1:49152/callback?code=abc&state=ours",
            "  http://127.0.0.1:49152/call\r\nback?code=a\n bc&sta\tte=ours\n",
            "<http://127.0.0.1:49152/callback?state=ours&code=abc#>",
        ] {
            assert_eq!(pasted(text), Ok("code abc".to_owned()), "{text}");
        }
        for (text, expected) in [
            ("", PasteError::NotUrl),
            ("abc", PasteError::NotUrl),
            ("https://auth.example/authorize?state=ours&code=abc", PasteError::OtherPlace("http://127.0.0.1")),
            ("http://localhost:1/callback?state=ours&code=abc", PasteError::OtherPlace("http://127.0.0.1")),
            ("http://127.0.0.1:1/callback?state=older&code=abc", PasteError::OtherState),
            ("http://127.0.0.1:1/callback", PasteError::OtherState),
        ] {
            assert_eq!(pasted(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_page_never_holds_a_code_and_escapes_what_a_provider_says() {
        let outcome = of_request("/callback?error=%3Cscript%3E&error_description=%22%26'&state=s", "s");
        let (status, page) = page(outcome.as_ref());
        assert_eq!(status, 400);
        assert!(page.contains("&quot;&lt;script&gt;&quot;: &quot;&amp;&#39;") && !page.contains("<script>"), "{page}");
        let outcome = of_request("/callback?code=s3cret&state=s", "s");
        let (status, page) = super::page(outcome.as_ref());
        assert!(status == 200 && !page.contains("s3cret"));
        assert_eq!(super::page(None).0, 404);
    }
}
