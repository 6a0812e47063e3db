//! `WWW-Authenticate`: how a registry wants to be logged in to. Pure. RFC 9110 §11.6.1, and the registry's token protocol.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// How a registry wants a request to show who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A token from the realm.
    Bearer {
        /// The address that gives tokens.
        realm: String,
        /// What the realm calls the registry.
        service: Option<String>,
        /// What the answer offers. We ask for what we need, whatever this says.
        scope: Option<String>,
    },
    /// Name and password in each request.
    Basic,
}

/// The challenge to answer: a token before a password, since that is what can be limited. `None` where there is none that is
/// known here.
pub fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let all: Vec<Challenge> = lines.flat_map(read).collect();
    let bearer = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    bearer.or(all.first()).cloned()
}

/// Every challenge of one header that is known here.
fn read(text: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = token(rest);
        if word.is_empty() {
            rest = skip(rest);
            continue;
        }
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        match (value, found.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let (value, after) = quoted_or_token(value);
                parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (Some(value), None) => rest = quoted_or_token(value).1,
            (None, _) => {
                found.push((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    found.into_iter().filter_map(|(scheme, parameters)| of(&scheme, &parameters)).collect()
}

fn of(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    match scheme {
        "bearer" => {
            Some(Challenge::Bearer { realm: value("realm")?, service: value("service"), scope: value("scope") })
        }
        "basic" => Some(Challenge::Basic),
        _ => None,
    }
}

/// The longest token at the start, and what follows it.
fn token(text: &str) -> (&str, &str) {
    let is_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(char);
    text.split_at(text.find(|char| !is_token(char)).unwrap_or(text.len()))
}

fn quoted_or_token(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return (word.to_owned(), if word.is_empty() { skip(text) } else { rest });
    };
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &inside[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, char)| char)),
            char => value.push(char),
        }
    }
    (value, "") // without its end: the connection's headers are whole, so this is how it was sent
}

/// Without its first character.
fn skip(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let (service, scope) = (service.map(str::to_owned), scope.map(str::to_owned));
        Some(Challenge::Bearer { realm: realm.to_owned(), service, scope })
    }

    #[test]
    fn a_challenge_names_the_realm_that_gives_tokens() {
        for (lines, expected) in [
            (
                &[r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:acme/gh:pull""#][..],
                bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:acme/gh:pull")),
            ),
            (&[r#"bearer Realm = "https://a/t" , SERVICE=x"#], bearer("https://a/t", Some("x"), None)),
            (
                &[r#"Bearer realm="https://a/t",scope="repository:a:pull,push repository:b:pull""#],
                bearer("https://a/t", None, Some("repository:a:pull,push repository:b:pull")),
            ),
            (&[r#"Basic realm="x", Bearer realm="https://a/t""#], bearer("https://a/t", None, None)),
            (&[r#"Basic realm="x""#, r#"Bearer realm="https://a/t""#], bearer("https://a/t", None, None)),
            (&[r#"Basic realm="a\"b, Bearer realm=c""#], Some(Challenge::Basic)),
            (&["Basic"], Some(Challenge::Basic)),
            (&[r#"Bearer service="x""#], None),
            (&[r#"Digest realm="x", nonce="y""#], None),
            (&[""], None),
            (&[], None),
            (&[r#"Bearer realm="https://a/t"#], bearer("https://a/t", None, None)),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(line).expect("a value"));
            }
            assert_eq!(challenge(&headers), expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_registry_sends_is_read_to_its_end(text in "[ -~]{0,60}|(Bearer|Basic|realm|=|,|\"| |\\\\){0,20}") {
            read(&text);
        }
    }
}
