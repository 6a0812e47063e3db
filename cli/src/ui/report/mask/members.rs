//! What may be a secret in JSON, YAML and Go: the text that follows a name which speaks of one.
//!
//! Line by line. `"api_token": "…"`, `api_token: …` and `const apiToken = "…"` are hidden from the name's end to the end of the
//! line; a list or a block that begins there, to where it is closed. Names of commands, of variables and of files that lead to a
//! secret hold none themselves, and are what most findings of units are about.

use std::ops::Range;

use super::{KEYS, mentions};

/// How the name of a member ends that leads to a secret and holds none.
const LEADING: [&str; 7] = ["_cmd", "_env", "_file", "_path", "_url", "_endpoint", "_type"];

/// What is open after the line of such a name.
enum Block {
    /// Brackets: so many.
    Brackets(usize),
    /// A text of YAML, on lines further in than its name.
    Text(usize),
    /// Items of YAML, no further out than their name. A member among them is looked at by itself.
    Items(usize),
}

pub(super) fn hidden(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut block = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let bare = content.trim_start();
        let indent = content.len() - bare.len();
        let (is_inside, still) = match block {
            Some(Block::Brackets(before)) => {
                let depth = depth(content, before);
                (true, (depth > 0).then_some(Block::Brackets(depth)))
            }
            Some(Block::Text(name)) if indent > name || bare.is_empty() => (true, Some(Block::Text(name))),
            Some(Block::Items(name)) if indent >= name && bare.starts_with('-') && secret(content).is_none() => {
                (!bare.contains(": "), Some(Block::Items(name)))
            }
            _ => (false, None),
        };
        block = still;
        if is_inside {
            hidden.push(start + indent..start + content.len());
        } else if let Some(value) = secret(content) {
            hidden.push(start + value..start + content.len());
            block = match (depth(&content[value..], 0), content[value..].trim()) {
                (0, "|" | "|-" | "|+" | ">" | ">-" | ">+") => Some(Block::Text(indent)),
                (0, "") => Some(Block::Items(indent)),
                (0, _) => None,
                (depth, _) => Some(Block::Brackets(depth)),
            };
        }
        start += line.len();
    }
    hidden.retain(|at| !at.is_empty());
    hidden
}

/// Where the value of the first member begins that may be a secret.
fn secret(line: &str) -> Option<usize> {
    let separators = line.char_indices().filter(|(_, char)| matches!(char, ':' | '='));
    for (at, char) in separators {
        let name = name(&line[..at]);
        let value = at + char.len_utf8();
        // An object is looked into: its own members say what they are.
        let opens = line[value..].trim_start().starts_with('{');
        if !opens && !name.contains(' ') && mentions(name, &KEYS) && !LEADING.iter().any(|end| name.ends_with(end)) {
            return Some(value);
        }
    }
    None
}

/// The name before a separator: what stands in the last quotes, or the last word. Never more than once over the same bytes.
fn name(before: &str) -> &str {
    let before = before.trim_end_matches([' ', '\t']);
    let is_between = |char: char| char.is_whitespace() || "{[(,;:=".contains(char);
    match before.strip_suffix(['"', '\'']) {
        Some(quoted) => quoted.rsplit(['"', '\'']).next().unwrap_or(quoted),
        None => before.rsplit(is_between).next().unwrap_or(before),
    }
}

/// Brackets that are open after a line.
fn depth(line: &str, before: usize) -> usize {
    line.chars().fold(before, |depth, char| match char {
        '[' | '(' => depth + 1,
        ']' | ')' => depth.saturating_sub(1),
        _ => depth,
    })
}

#[cfg(test)]
mod tests {
    fn shown(text: &str) -> String {
        super::super::shown("a/manifest.json", text)
    }

    #[test]
    fn what_follows_the_name_of_a_secret_is_hidden() {
        for text in [
            "{\"token\": \"REAL\"}\n",
            "{\"a\": 1, \"client-secret\" : \"REAL\", \"b\": 2}\n",
            "{\"a\": {\"apiKey\": \"REAL\"}}\n",
            "  \"password\": [\n    \"REAL\",\n    \"REAL\"\n  ],\n",
            "  \"passwords\": [ \"REAL\",\n\"REAL\" ]\n",
            "  // \"token\": \"REAL\"\n",
            "token: REAL\n",
            "env:\n  AILERON_SIGNING_KEY: REAL\n  AILERON_KEY_PASSPHRASE: REAL\n",
            "- token: 'REAL'\n",
            "a: {token: REAL}\n",
            "secret: |\n  REAL\n\n  REAL\nname: x\n",
            "secrets:\n  - REAL\n  - REAL\n",
            "secrets:\n- REAL\n- token: REAL\n",
            "token = \"REAL\"\n",
            "\tapiToken := \"REAL\"\n",
            "const clientSecret = `REAL`\r\n",
            "var x = Config{Token: \"REAL\"}\n",
        ] {
            assert!(!shown(text).contains("REAL"), "{text}\n{}", shown(text));
            assert_eq!(shown(text).len(), text.len(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_shown() {
        for text in [
            "{\n  \"description\": \"how its credential is acquired: by a token\",\n  \"customizations\": {\n",
            "  \"login_cmd\": [\"gh\", \"auth\"],\n  \"token_cmd\": [\"gh\", \"auth\", \"token\"],\n",
            "  \"credential\": {\"mode\": \"device-flow\"},\n  \"key\": \"user/gh\"\n",
            "credential:\n  mode: device-flow\n  - name: x\n",
            "cli:\n  token_cmd: [gh, auth, token]\n  name: gh\n",
            "// Secrets of the host are not seen here.\npackage main\n\nimport \"github.com/x/oauth2\"\n",
            "\"url\": \"https://github.com/login/oauth/authorize\"\n",
            "",
            "\n\r\n",
        ] {
            assert_eq!(shown(text), text);
        }
        let block = "\"passwords\": [\n  \"a\"\n],\n\"name\": \"x\"\n";
        assert!(shown(block).ends_with("\"name\": \"x\"\n"), "{}", shown(block));
        let block = "secret: |\n  a\nname: x\n";
        assert!(shown(block).ends_with("name: x\n"), "{}", shown(block));
    }

    #[test]
    fn a_line_of_names_and_nothing_else_takes_no_longer_than_it_is() {
        for part in [":", "a:", "\":", "'=", " :", "a", "{:", "\\:"] {
            assert_eq!(shown(&part.repeat(1 << 20)).len(), part.len() << 20, "{part}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_read(text in "([\"':=\\[\\]{}\\\\ \n|>-]|token|secret|é|\r|[a-z.]){0,60}") {
            proptest::prop_assert_eq!(shown(&text).len(), text.len());
        }
    }
}
