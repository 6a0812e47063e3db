//! Addresses: what is asked, and the only form of it that is shown.
//!
//! User-info, query and fragment of an address may hold a password, a token or a signature. Whatever shows an address
//! shows it as an [`Address`], which has no other form; [`redacted`] does the same for addresses in the words of others
//! (git, a library). Where it is not clear what a text is, more of it is hidden. artifacts.md §8.

use std::fmt;

use aileron_verifier::text::printable_within;
use serde::{Serialize, Serializer};
use url::Url;

/// Characters of an address that are shown. Longer than any of ours; a download address of GitHub has about 120.
const SHOWN: usize = 400;

/// An address, or a path where a directory stands in for a server.
///
/// `Display`, `Debug` and `Serialize` give the form without user-info, query and fragment, printable. artifacts.md §8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    raw: String,
    is_path: bool,
}

impl Address {
    /// An address of any form: a URL, git's `user@host:path`, or what was meant for one.
    pub fn of(text: impl Into<String>) -> Address {
        Address { raw: text.into(), is_path: false }
    }

    /// A path of this machine. `@` and `?` are letters in it.
    pub fn of_path(path: &std::path::Path) -> Address {
        Address { raw: path.display().to_string(), is_path: true }
    }

    /// The whole of it: for asking, never for showing.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_path { f.write_str(&printable_within(&self.raw, SHOWN)) } else { f.write_str(&shown(&self.raw)) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Address {
        Address::of(text)
    }
}

/// Words of others, with every address in them as an [`Address`] shows it. `known` are addresses that these words are
/// about, whose secret parts are hidden wherever they stand.
pub fn redacted(words: &str, known: &[&str]) -> String {
    let mut text = words.to_owned();
    for address in known {
        if !address.is_empty() {
            text = text.replace(address, &shown(address));
        }
        for secret in secrets(address) {
            text = text.replace(&secret, "***");
        }
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(start) = rest.find(|char| !ends_a_word(char)) {
        let (between, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(ends_a_word).unwrap_or(word.len()));
        safe.push_str(between);
        safe.push_str(&word_of(word));
        rest = after;
    }
    safe.push_str(rest);
    safe
}

/// One word of others' words. Punctuation at its end is the sentence's.
fn word_of(word: &str) -> String {
    let address = word.trim_end_matches([':', ',', '.', ';']);
    let is_scp = address.split_once('@').is_some_and(|(_, host)| host.contains(':'));
    if address.contains("://") || is_scp {
        format!("{}{}", shown(address), &word[address.len()..])
    } else {
        word.to_owned()
    }
}

fn ends_a_word(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\'' | '"' | '`' | '<' | '>' | '(' | ')')
}

/// User-info with a password, the password alone, and the query: as they stand, and decoded.
fn secrets(address: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    if let Some((info, _)) = rest.rsplit_once('@') {
        secrets.extend(info.split_once(':').map(|(_, password)| password.to_owned()));
        secrets.push(info.to_owned());
    }
    if let Some(query) = rest.split_once('?').map(|(_, query)| query) {
        secrets.extend(query.split(['&', '#']).filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
    }
    // Shorter ones would take letters out of other words; a user's name alone is hidden with its address.
    secrets.retain(|secret| secret.len() >= 4);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

fn shown(text: &str) -> String {
    let shown = match Url::parse(text.trim()) {
        Ok(url) if !url.cannot_be_a_base() => of_url(text, url),
        _ => of_other(text),
    };
    printable_within(&shown, SHOWN).into_owned()
}

fn of_url(text: &str, mut url: Url) -> String {
    if !text.contains(['@', '?', '#', '\\']) && !text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return text.to_owned(); // as it was written, without a slash or a port that reading adds
    }
    let is_bare = url.path() == "/" && !text.split(['?', '#']).next().unwrap_or_default().ends_with('/');
    let _ = url.set_username("").and_then(|()| url.set_password(None)); // an address without a host has neither
    url.set_query(None);
    url.set_fragment(None);
    let shown = url.to_string();
    match shown.strip_suffix('/') {
        Some(bare) if is_bare => bare.to_owned(),
        _ => shown,
    }
}

/// What no reader of URLs takes: git's `user@host:path`, a mistake, a name.
fn of_other(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    // A password may hold `?` and `#`; what follows the last `@` is no part of it.
    let (had_user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let odd = port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()));
    match (scheme, had_user) {
        ("", _) => rest.to_owned(),
        // `https://user:password` without a host.
        (scheme, false) if odd => format!("{}://…", scheme.rsplit('@').next().unwrap_or_default()),
        (scheme, _) => format!("{}://{rest}", scheme.rsplit('@').next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §8
    fn an_address_is_shown_without_user_query_and_fragment() {
        for (text, shown) in [
            ("https://github.com", "https://github.com"),
            ("https://github.com/", "https://github.com/"),
            ("http://bob:pw@127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://bob:pw@127.0.0.1:9/m/", "http://127.0.0.1:9/m/"),
            ("https://token@host/x.git", "https://host/x.git"),
            ("https://host/x?token=pw#pw", "https://host/x"),
            ("https://host?pw", "https://host"),
            ("https://bob:p@pw@host/x", "https://host/x"),
            ("https:\\\\bob:pw@host\\x", "https://host/x"),
            ("ht\ntps://bob:pw@host/x", "https://host/x"),
            ("git@github.com:acme/x.git", "github.com:acme/x.git"),
            ("bob:pw@host:acme/x.git", "host:acme/x.git"),
            ("ssh://git:pw@host:22/x.git", "ssh://host:22/x.git"),
            ("ftp://bob:pw@host/x", "ftp://host/x"),
            ("https://bob:pw@ho st/x", "https://ho st/x"),
            ("https://bob:pw@:99999/x", "https://:99999/x"),
            ("https://bob:pw", "https://…"),
            ("https://bob:p?w@[bad", "https://[bad"),
            ("file:///srv/x@1", "file:///srv/x@1"),
            ("no url", "no url"),
            ("", ""),
            ("https://host/\u{202e}x\u{1b}[2J", "https://host/%E2%80%AEx%1B[2J"),
        ] {
            let address = Address::of(text);
            assert_eq!(address.to_string(), shown, "{text:?}");
            assert_eq!(format!("{address:?}"), format!("\"{shown}\""), "{text:?}");
            assert_eq!(serde_json::to_value(&address).expect("a text"), shown, "{text:?}");
            assert!(address.raw() == text && !shown.contains("pw"));
        }
        assert_eq!(Address::of_path(std::path::Path::new("/m/a@1?x\n")).to_string(), "/m/a@1?x");
    }

    #[test]
    fn words_of_others_hold_no_secret_of_an_address() {
        for (words, known, safe) in [
            (
                "fatal: unable to access 'https://bob:pw@h/x.git/': no",
                "",
                "fatal: unable to access 'https://h/x.git/': no",
            ),
            ("fatal: repository \"https://bob:hunter2@h\" not found", "", "fatal: repository \"https://h\" not found"),
            ("error for url (http://bob:pw@h:9/x?sig=pw)", "", "error for url (http://h:9/x)"),
            ("git@github.com: Permission denied (publickey).", "", "git@github.com: Permission denied (publickey)."),
            ("cloning bob:pw@h:x.git, then", "", "cloning h:x.git, then"),
            ("could not read Password for 'https://bob@h': off", "", "could not read Password for 'https://h': off"),
            ("bad port in https://bob:hunter2", "", "bad port in https://…"),
            ("wrong password hunter2 for bob", "https://bob:hunter2@h", "wrong password *** for bob"),
            ("url 'https://bob:hu nt@h/x' is odd", "https://bob:hu nt@h/x", "url 'https://h/x' is odd"),
            ("signature abcdef is stale", "https://h/x?sig=abcdef", "signature *** is stale"),
            ("HEAD@{0} github://acme/x@0.1.0 a@b", "", "HEAD@{0} github://acme/x@0.1.0 a@b"),
            ("two\nlines  stay", "", "two\nlines  stay"),
        ] {
            assert_eq!(redacted(words, &[known]), safe, "{words:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_password_is_never_shown(user in "[a-z]{0,5}", other in "[!-~]{0,6}", host in "[a-z0-9.]{1,9}", path in "[!-~]{0,9}") {
            for scheme in ["https://", "http://", "ssh://", "git://", ""] {
                let text = format!("{scheme}{user}:HUNTER{other}@{host}:1/{path}");
                proptest::prop_assert!(!Address::of(&*text).to_string().to_uppercase().contains("HUNTER"), "{}", text);
                proptest::prop_assert!(!redacted(&format!("a '{text}' b"), &[&text]).contains("HUNTER"), "{}", text);
            }
        }
    }
}
