//! What may be a secret in TOML.
//!
//! The secret may stand under a misspelt key, in a list, over several lines, or behind a syntax error, so nothing here relies on
//! the document being TOML: lines are read as an editor colours them, and in doubt a value is hidden. Hiding too much costs a
//! reader nothing: the message says what is wrong, the key stays visible.

use std::ops::Range;

use super::{KEYS, mentions};

/// Words by which a value is taken for a table of credentials written on one line.
const VALUES: [&str; 2] = ["credential", "secret"];
/// The tables under `[capabilities]` that hold no secret. Any other may be a misspelt `credential`.
const OPEN: [&str; 3] = ["network", "runtime", "spawn"];
/// What stands in source in place of a client secret, and may be shown.
const PLACEHOLDER: &str = "\"bound-at-release\"";

/// How a line ends: inside which text, and how many brackets deep.
#[derive(Clone, Copy, Default, PartialEq)]
struct State {
    /// The three quotes that end the text that is open.
    open: Option<&'static str>,
    depth: usize,
}

/// What is hidden of a document in TOML, of its Markdown, and of everything whose language is not known.
pub(super) fn hidden(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let (mut state, mut table, mut statement) = (State::default(), false, false);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let begins = state == State::default();
        let trimmed = content.trim_start_matches('\u{feff}').trim_start();
        if begins && trimmed.starts_with('[') {
            table = is_secret_table(trimmed);
            statement = false;
        } else {
            let value = if begins { value(content) } else { 0 };
            if begins {
                statement = table || mentions(&content[..value], &KEYS) || content[..value].contains('\\');
            }
            statement |= mentions(&content[value..], &VALUES);
            if statement && content[value..].trim() != PLACEHOLDER {
                hidden.push(start + value..start + content.len());
            }
            state = after(content, value, state);
        }
        start += line.len();
    }
    hidden.retain(|at| !at.is_empty());
    hidden
}

/// Where the value of a statement begins: after the first `=`, where a key stands before it; else the whole line is
/// taken for a value.
fn value(line: &str) -> usize {
    let Some(equals) = line.find('=') else { return 0 };
    let key = line[..equals].trim();
    let is_key =
        |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | ' ' | '\t' | '"' | '\'' | '\\');
    let closed = key.matches('"').count().is_multiple_of(2) && key.matches('\'').count().is_multiple_of(2);
    let value = line[equals + 1..].trim_start();
    match !key.is_empty() && key.len() <= 200 && key.chars().all(is_key) && closed && !value.starts_with('=') {
        true => equals + 1,
        false => 0,
    }
}

/// `[capabilities.credential…]` in any spelling, and what may be meant for it.
fn is_secret_table(header: &str) -> bool {
    let plain: String = header.chars().filter(|char| !char.is_whitespace() && !"[]\"'".contains(*char)).collect();
    let plain = plain.split('#').next().unwrap_or_default().to_lowercase();
    let mut parts = plain.split('.');
    let capabilities = parts.next().is_some_and(|first| first.starts_with("capab"));
    let other = parts.next().is_some_and(|second| !OPEN.contains(&second));
    mentions(&plain, &KEYS) || plain.contains('\\') || (capabilities && other)
}

/// What is still open after a line, whose value begins at `from`.
fn after(line: &str, from: usize, state: State) -> State {
    let State { mut open, mut depth } = state;
    let mut rest = &line[from..];
    loop {
        if let Some(quotes) = open {
            match end_of(rest, quotes) {
                Some(end) => (open, rest) = (None, &rest[end..]),
                None => return State { open, depth },
            }
            continue;
        }
        let Some(next) = rest.find(['"', '\'', '#', '[', ']', '{', '}']) else { return State { open, depth } };
        let from = &rest[next..];
        rest = &from[1..];
        match from.as_bytes()[0] {
            b'#' => return State { open, depth },
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ if from.starts_with("\"\"\"") => (open, rest) = (Some("\"\"\""), &from[3..]),
            _ if from.starts_with("'''") => (open, rest) = (Some("'''"), &from[3..]),
            quote => {
                let quote = if quote == b'"' { "\"" } else { "'" };
                // A text on one line ends with the line, whether it was closed or not.
                rest = end_of(rest, quote).map_or("", |end| &rest[end..]);
            }
        }
    }
}

/// Where a text that is open ends; a backslash hides a quote from `"` and `"""`.
fn end_of(text: &str, quotes: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let next = text[from..].find(if quotes.starts_with('"') { &['"', '\\'][..] } else { &['\''][..] })? + from;
        if text[next..].starts_with('\\') {
            from = next + 1 + text[next + 1..].chars().next()?.len_utf8();
        } else if text[next..].starts_with(quotes) {
            return Some(next + quotes.len());
        } else {
            from = next + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    fn shown(text: &str) -> String {
        super::super::shown("manifest.toml", text)
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        for text in [
            "[capabilities.credential.oauth2]\nclient_secret = \"REAL\"\n",
            "[capabilities.credential.oauth2]\nclientsecret = \"REAL\"\n",
            "[capabilities.credential.oauth2]\nclient-secret = 'REAL'\n",
            "[capabilities.credential.oauth2]\nkey = \"REAL\" # REAL\n",
            "[capabilities.credential.oauth2]\nclient_secret = \"\"\"\nREAL \\q\"\"\"\n",
            "[capabilities.credential.oauth2]\nclient_secret = '''\n[connector]\nREAL'''\n",
            "[capabilities.credential.oauth2]\nclient_secret = [\n\"REAL\"\n]\n",
            "[capabilities.credential.oauth2]\nclient_secret = [\n# ]\n\"a\", [\"]\"],\n\"REAL\"]\n",
            "[capabilities.credential.oauth2]\nclient_secret =\n\"REAL==\"\n",
            "[capabilities.credential.oauth2]\nclient_secret = REAL\n",
            "[capabilities.credential.oauth2]\nclient_secret: \"REAL\"\n",
            "[capabilities.credential.oauth2]\nclient_secret \"REAL\"\n",
            "[capabilities.credential.oauth2]\n\"client_secret\" = \"REAL\"\n",
            "[capabilities.credential.oauth2]\n\"client\\u005fsecret\" = \"REAL\"\n",
            "[capabilities.credential.oauth2]\nREAL==\n",
            "[capabilities.credential.oauth2]\nscopes = [\nclient_secret = \"REAL\"\n",
            "[capabilities.credential.oauth2]\n# client_secret = \"REAL\"\n",
            "[capabilities.credential.oauth2\nx = \"REAL\"\n",
            "[capabilities.credental]\nx = \"REAL\"\n",
            "[ capabilities . \"credential\" ]\nx = \"REAL\"\n",
            "[\"capabilities\".'credential'.oauth2]\nx = \"REAL\"\n",
            "[\"cred\\u0065ntial\"]\nx = \"REAL\"\n",
            "[[capabilities.credential]]\r\nx = \"REAL\"\r\n",
            "[capabilities]\ncredential.oauth2.client_secret = \"REAL\"\n",
            "[capabilities]\ncredential = { oauth2 = { x = \"REAL\" } }\n",
            "[capabilities]\n\"credential\".x = \"REAL\"\n",
            "capabilities.credential.oauth2.x = \"REAL\"\n",
            "capabilities = { credential = { kind = \"oauth2\", x = \"REAL\" } }\n",
            "capabilities = [\n{ a = 1 },\n{ credential = 1, x = \"REAL\" }]\n",
            "client_secret = \"REAL\"\n",
            "CLIENT_SECRET=REAL\n",
            "[capabilities.network]\nhosts = [\n[capabilities.credential]\nx = \"REAL\"\n",
            "[connector]\nname = \"\"\"\n[capabilities.credential]\nx = \"REAL\"\n",
            "[connector]\nclient_secret = \"\"\"a\\\"\"\"\"\nsecret = \"REAL\"\n",
            "\u{feff}[capabilities.credential]\nx = \"REAL\"",
        ] {
            assert!(!shown(text).contains("REAL"), "{text}\n{}", shown(text));
            assert_eq!(shown(text).len(), text.len(), "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "[connector]\nname = \"github://a/b\"\nversion = \"1\" # it's\n",
            "[capabilities.network]\nhosts = [\n  \"a.b:1\", # x\n  \"c.d:1\",\n]\n",
            "[capabilities]\nnetwork.hosts = [\"a\"]\n",
            "[capabilities.runtime]\nimports = [\"log\"]\n[provides]\nintents = [\"a\"]\n",
            "[capabilities.credential.oauth2]\nclient_secret = \"bound-at-release\"\n[connector]\nname = \"x\"\n",
            "[capabilities.spawn.limits]\nmax_stdout_bytes = 1\n",
            "+++\nname = \"a\"\n[[inputs]]\nname = \"b\"\ndescription = \"\"\"the\n[a]\n\"\"\"\n+++\nBody = 1\n",
            "[suite]\nname = 'n'\n[[actions]]\nfqn = \"github://a/b/actions/c@1.0.0\"\n",
            "",
            "\n\r\n",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("[capabilities.credential]\nkind = \"x\"\n"), "[capabilities.credential]\nkind =****\n");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_read(text in "([\"'#=\\[\\]{}\\\\ \n]|\"\"\"|'''|secret|é|\r|[a-z.]){0,60}") {
            proptest::prop_assert_eq!(shown(&text).len(), text.len());
        }
    }
}
