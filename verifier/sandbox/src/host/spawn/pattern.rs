//! Argv patterns: `git log --since={since} [--max-count {n}]`. sandbox.md §11.4.

use std::collections::BTreeMap;

/// One operation's command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Element>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    One(Token),
    /// `[tok tok]`: all of them, or none.
    Optional(Vec<Token>),
}

/// Text and placeholders in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Pattern {
    /// Every text is a pattern: an unclosed bracket and an empty or unclosed brace are themselves.
    pub(super) fn parse(text: &str) -> Pattern {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut elements = Vec::new();
        let mut rest = words.as_slice();
        while let [word, after @ ..] = rest {
            let closing = word.strip_prefix('[').and_then(|_| rest.iter().position(|word| word.ends_with(']')));
            match closing {
                Some(closing) => {
                    let group = rest[..=closing].join(" ");
                    let inside = &group[1..group.len() - 1];
                    elements.push(Element::Optional(inside.split_whitespace().map(Token::parse).collect()));
                    rest = &rest[closing + 1..];
                }
                None => {
                    elements.push(Element::One(Token::parse(word)));
                    rest = after;
                }
            }
        }
        Pattern(elements)
    }

    /// Whether the whole of `argv` is covered. Walks all ways at once, so no pattern makes it slow.
    pub(super) fn matches(&self, argv: &[String]) -> bool {
        let mut reached = vec![false; argv.len() + 1];
        reached[0] = true;
        for element in &self.0 {
            let tokens = match element {
                Element::One(token) => std::slice::from_ref(token),
                Element::Optional(tokens) => tokens,
            };
            let mut next = match element {
                Element::One(_) => vec![false; argv.len() + 1],
                Element::Optional(_) => reached.clone(),
            };
            for start in (0..=argv.len()).filter(|start| reached[*start]) {
                let covered = argv.get(start..start + tokens.len());
                if covered.is_some_and(|words| words.iter().zip(tokens).all(|(word, token)| token.matches(word))) {
                    next[start + tokens.len()] = true;
                }
            }
            reached = next;
        }
        reached[argv.len()]
    }

    /// The command line with its values.
    ///
    /// # Errors
    /// The placeholder that has no value, outside of groups or in a group of which another one has.
    pub(super) fn render(&self, values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
        let mut argv = Vec::new();
        for element in &self.0 {
            match element {
                Element::One(token) => argv.push(token.render(|name| values.get(name))?),
                Element::Optional(tokens) => {
                    let filled = |name: &str| values.get(name).filter(|value| !value.is_empty());
                    let mut names = tokens.iter().flat_map(Token::placeholders).peekable();
                    if names.peek().is_none() || names.any(|name| filled(name).is_some()) {
                        let rendered: Result<Vec<_>, _> = tokens.iter().map(|token| token.render(filled)).collect();
                        argv.extend(rendered?);
                    }
                }
            }
        }
        Ok(argv)
    }
}

impl Token {
    fn parse(word: &str) -> Token {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = word;
        while let Some(open) = rest.find('{') {
            match rest[open + 1..].find('}') {
                Some(length) if length > 0 => {
                    text.push_str(&rest[..open]);
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Placeholder(rest[open + 1..][..length].to_owned()));
                    rest = &rest[open + 1 + length + 1..];
                }
                Some(_) => {
                    text.push_str(&rest[..open + 2]); // `{}`
                    rest = &rest[open + 2..];
                }
                None => break,
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Token(parts)
    }

    fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Placeholders match any text. Texts are taken at their first place, the last one at the end.
    fn matches(&self, word: &str) -> bool {
        let mut rest = word;
        let mut open = false; // a placeholder is waiting for its text
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Placeholder(_) => open = true,
                Part::Text(text) if open && at + 1 == self.0.len() => return rest.ends_with(text.as_str()),
                Part::Text(text) => match rest.find(text.as_str()) {
                    Some(found) if open || found == 0 => {
                        rest = &rest[found + text.len()..];
                        open = false;
                    }
                    _ => return false,
                },
            }
        }
        open || rest.is_empty()
    }

    fn render<'a>(&self, value: impl Fn(&str) -> Option<&'a String>) -> Result<String, String> {
        let mut word = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => word.push_str(text),
                Part::Placeholder(name) => word.push_str(value(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test] // sandbox.md §11.4, X2, X4, X14
    fn a_pattern_covers_a_whole_command_line() {
        for (pattern, line, covers) in [
            ("git status", "git status", true),
            ("git status", "git push --force", false),
            ("git status", "git status --short", false),
            ("git status", "git", false),
            ("git status", "", false),
            ("git log --since={since}", "git log --since=2026-01-01", true),
            ("git log --since={since}", "git log --since=", true),
            ("git log --since={since}", "git log --until=x", false),
            ("git show {rev}", "git show HEAD~1", true),
            ("a {x}-{y}.txt", "a 1-2.txt", true),
            ("a {x}-{y}.txt", "a 12.txt", false),
            ("a {x}b", "a bbb", true),
            ("ls [-l] [--sort {by}] {dir}", "ls /", true),
            ("ls [-l] [--sort {by}] {dir}", "ls -l --sort size /", true),
            ("ls [-l] [--sort {by}] {dir}", "ls --sort size /", true),
            ("ls [-l] [--sort {by}] {dir}", "ls -l --sort", true), // `--sort` is the directory
            ("ls [-l] [--sort {by}] {dir}", "ls -l --sort size / x", false),
            ("ls [-l", "ls [-l", true),
            ("ls {} {", "ls {} {", true),
            ("ls {}", "ls x", false),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(&words(line)), covers, "{pattern} | {line}");
        }
    }

    #[test]
    fn many_optional_groups_cost_no_more_than_their_number() {
        let pattern = Pattern::parse(&"[a] ".repeat(2_000));
        let line = words(&"a ".repeat(1_000));
        assert!(pattern.matches(&line));
        assert!(!pattern.matches(&[line, words("b")].concat()));
    }

    proptest::proptest! {
        #[test] // or an operation could be asked for that its own gate denies
        fn what_is_rendered_is_covered(
            pattern in "(a|\\{x\\}|\\[b \\{y\\}\\]|--k=\\{x\\}-\\{y\\}|\\[c\\]| ){1,8}",
            x in "[a-z-]{0,4}",
            y in "[a-z-]{0,4}",
        ) {
            let pattern = Pattern::parse(&pattern);
            if let Ok(argv) = pattern.render(&BTreeMap::from([("x".to_owned(), x), ("y".to_owned(), y)])) {
                proptest::prop_assert!(pattern.matches(&argv), "{:?} {:?}", pattern, argv);
            }
        }
    }

    #[test]
    fn rendering_fills_every_placeholder_or_names_the_one_it_cannot() {
        let rendered = |pattern: &str, values: &[(&str, &str)]| {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Pattern::parse(pattern).render(&values).map(|argv| argv.join(" "))
        };
        for (pattern, values, expected) in [
            ("git log --since={s}", &[("s", "a b")][..], Ok("git log --since=a b")),
            ("git log --since={s}", &[], Err("s")),
            ("git log {s}", &[("s", "")], Ok("git log ")),
            ("ls [--sort {by}] [-l] {}", &[], Ok("ls -l {}")),
            ("ls [--sort {by}]", &[("by", "")], Ok("ls")),
            ("ls [--sort {by}]", &[("by", "size")], Ok("ls --sort size")),
            ("ls [{a} {b}]", &[("a", "1")], Err("b")),
            ("ls [{a} {b}]", &[("a", "1"), ("b", "")], Err("b")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(rendered(pattern, values), expected, "{pattern} {values:?}");
        }
    }
}
