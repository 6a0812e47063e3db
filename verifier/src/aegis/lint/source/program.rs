//! The files of an extension: imports, constants, functions and composite literals, as far as a reader sees them who runs
//! nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tokens::{Kind, Token, tokens};
use crate::problem::Source;

/// One file, as tokens.
pub(super) struct File<'s> {
    pub(super) source: &'s Source,
    pub(super) tokens: Vec<Token>,
    /// Every import: the name it has in the file, its path, where the path stands.
    pub(super) imports: Vec<(String, String, Range<usize>)>,
}

impl File<'_> {
    /// The directory, as a path of the repository.
    pub(super) fn directory(&self) -> &str {
        self.source.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    pub(super) fn is(&self, at: usize, sign: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(sign))
    }

    pub(super) fn is_name(&self, at: usize, name: &str) -> bool {
        self.token(at).is_some_and(|token| token.is_name(name))
    }

    /// Whether a package is called by this name here.
    pub(super) fn is_package(&self, at: usize, path: &str) -> bool {
        let name = self.token(at).filter(|token| token.kind == Kind::Name);
        name.is_some_and(|name| self.imports.iter().any(|(alias, other, _)| *alias == name.text && other == path))
    }

    /// The bracket that closes the one at `open`; the end where it is never closed.
    pub(super) fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            let token = &self.tokens[at];
            if ["(", "[", "{"].iter().any(|sign| token.is(sign)) {
                depth += 1;
            } else if [")", "]", "}"].iter().any(|sign| token.is(sign)) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
        }
        self.tokens.len()
    }

    /// The opening braces of composite literals of one of these types, in order. What follows a function's results is its body.
    pub(super) fn literals(&self, types: &[&str]) -> Vec<usize> {
        let is_one = |at: &usize| {
            let token = &self.tokens[*at];
            if token.kind != Kind::Name || !types.contains(&token.text.as_str()) || !self.is(at + 1, "{") {
                return false;
            }
            let mut before = *at;
            if before >= 2 && self.is(before - 1, ".") {
                before -= 2;
            }
            while before >= 1 && self.is(before - 1, "*") {
                before -= 1;
            }
            !(before >= 1 && (self.is(before - 1, ")") || self.is_name(before - 1, "type")))
        };
        (0..self.tokens.len()).filter(is_one).map(|at| at + 1).collect()
    }

    /// The members of a composite literal: each name, and where its value begins.
    pub(super) fn members(&self, open: usize) -> Vec<(&str, usize)> {
        let end = self.closing(open);
        let mut members = Vec::new();
        let mut at = open + 1;
        while at < end {
            let starts = self.is(at - 1, "{") || self.is(at - 1, ",");
            if starts && self.tokens[at].kind == Kind::Name && self.is(at + 1, ":") {
                members.push((self.tokens[at].text.as_str(), at + 2));
                at += 2;
                continue;
            }
            let opens = ["(", "[", "{"].iter().any(|sign| self.is(at, sign));
            at = if opens { self.closing(at) + 1 } else { at + 1 };
        }
        members
    }
}

/// A list of texts in the source.
pub(super) struct List {
    /// Each element, where it could be seen what it is, and where it stands.
    pub(super) items: Vec<(Option<String>, usize, Range<usize>)>,
    /// Whether every element was seen.
    pub(super) is_whole: bool,
}

/// The body of a function: the number of its file, and its tokens from brace to brace.
pub(super) type Body = (usize, Range<usize>);

/// All files together.
pub(super) struct Program<'s> {
    pub(super) files: Vec<File<'s>>,
    /// Constants and variables with a text, by directory and name; `None` where two differ.
    texts: BTreeMap<(String, String), Option<String>>,
    /// Functions that are no methods: their bodies, by directory and name.
    functions: BTreeMap<(String, String), Vec<Body>>,
}

impl<'s> Program<'s> {
    /// Reads the files that are no tests.
    pub(super) fn read(sources: &'s [Source]) -> Program<'s> {
        let sources = sources.iter().filter(|source| !source.path.ends_with("_test.go"));
        let mut files: Vec<File<'s>> =
            sources.map(|source| File { source, tokens: tokens(&source.text), imports: Vec::new() }).collect();
        files.iter_mut().for_each(|file| file.imports = imports(file));
        let mut program = Program { files, texts: BTreeMap::new(), functions: BTreeMap::new() };
        // A constant may be made of another one that is declared later.
        for _ in 0..2 {
            program.read_texts();
        }
        for (number, file) in program.files.iter().enumerate() {
            for at in 0..file.tokens.len() {
                let is_function = file.is_name(at, "func") && file.tokens[at].starts_line && file.is(at + 2, "(");
                let Some(name) = file.token(at + 1).filter(|name| is_function && name.kind == Kind::Name) else {
                    continue;
                };
                let results = file.closing(at + 2) + 1;
                let body = (results..file.tokens.len()).find(|at| file.is(*at, "{"));
                if let Some(body) = body {
                    let place = (number, body..file.closing(body));
                    let key = (file.directory().to_owned(), name.text.clone());
                    program.functions.entry(key).or_default().push(place);
                }
            }
        }
        program
    }

    /// The bodies of a function of a directory: one, but for `init` and for what depends on the system.
    pub(super) fn functions(&self, directory: &str, name: &str) -> &[Body] {
        self.functions.get(&(directory.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn read_texts(&mut self) {
        let mut texts: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
        for file in &self.files {
            for at in 0..file.tokens.len() {
                let token = &file.tokens[at];
                let after = if file.is(at + 1, "=") {
                    at + 2
                } else if file.is_name(at + 1, "string") && file.is(at + 2, "=") {
                    at + 3
                } else {
                    continue;
                };
                let is_declared =
                    at >= 1 && (file.is_name(at - 1, "const") || file.is_name(at - 1, "var") || token.starts_line);
                if token.kind != Kind::Name || !is_declared || file.is(after, "=") {
                    continue;
                }
                let Some(text) = self.text(file, after) else { continue };
                let known = texts.entry((file.directory().to_owned(), token.text.clone()));
                let known = known.or_insert_with(|| Some(text.clone()));
                if known.as_ref() != Some(&text) {
                    *known = None;
                }
            }
        }
        self.texts = texts;
    }

    /// The text of an expression: literals and constants, joined by `+`.
    pub(super) fn text(&self, file: &File<'_>, mut at: usize) -> Option<String> {
        let mut text = String::new();
        loop {
            let token = file.token(at)?;
            match token.kind {
                Kind::Text => text.push_str(&token.text),
                Kind::Name => text.push_str(&self.named(file, &mut at)?),
                Kind::Other | Kind::Sign => return None,
            }
            at += 1;
            match file.token(at) {
                Some(plus) if plus.is("+") => at += 1,
                Some(other) if !other.starts_line && ["(", "[", ".", "{"].iter().any(|sign| other.is(sign)) => {
                    return None;
                }
                _ => return Some(text),
            }
        }
    }

    /// What a constant is; of another package of the repository when there is one such name in all of it.
    fn named(&self, file: &File<'_>, at: &mut usize) -> Option<String> {
        let name = &file.token(*at)?.text;
        if !file.is(*at + 1, ".") {
            return self.texts.get(&(file.directory().to_owned(), name.clone()))?.clone();
        }
        *at += 2;
        let name = &file.token(*at)?.text;
        let mut found = self.texts.iter().filter(|((_, other), _)| other == name).map(|(_, text)| text);
        found.next()?.clone().filter(|_| found.next().is_none())
    }

    /// The elements of `[]string{…}`, or of the variable that is named there.
    pub(super) fn list(&self, number: usize, at: usize) -> Option<List> {
        let file = &self.files[number];
        if file.is_name(at, "nil") {
            return Some(List { items: Vec::new(), is_whole: true });
        }
        let is_list = |file: &File<'_>, at: usize| {
            file.is(at, "[") && file.is(at + 1, "]") && file.is_name(at + 2, "string") && file.is(at + 3, "{")
        };
        if is_list(file, at) {
            return Some(self.elements(number, at + 3));
        }
        let name = file.token(at).filter(|token| token.kind == Kind::Name)?;
        if ["(", ".", "["].iter().any(|sign| file.is(at + 1, sign)) {
            return None;
        }
        for (other, file) in self.files.iter().enumerate().filter(|(_, one)| one.directory() == file.directory()) {
            let declared = (0..file.tokens.len()).find(|at| {
                let assigned = file.is(at + 1, "=") || file.is(at + 1, ":=");
                file.is_name(*at, &name.text) && assigned && is_list(file, at + 2)
            });
            if let Some(at) = declared {
                return Some(self.elements(other, at + 5));
            }
        }
        None
    }

    fn elements(&self, number: usize, open: usize) -> List {
        let file = &self.files[number];
        let end = file.closing(open);
        let mut list = List { items: Vec::new(), is_whole: true };
        let mut at = open + 1;
        while at < end {
            let item = self.text(file, at);
            list.is_whole &= item.is_some();
            list.items.push((item, number, file.tokens[at].at.clone()));
            while at < end && !file.is(at, ",") {
                let opens = ["(", "[", "{"].iter().any(|sign| file.is(at, sign));
                at = if opens { file.closing(at) + 1 } else { at + 1 };
            }
            at += 1;
        }
        list
    }
}

/// Every import of a file.
fn imports(file: &File<'_>) -> Vec<(String, String, Range<usize>)> {
    let mut found = Vec::new();
    for at in 0..file.tokens.len() {
        if !(file.is_name(at, "import") && file.tokens[at].starts_line) {
            continue;
        }
        let (start, end) = match file.is(at + 1, "(") {
            true => (at + 2, file.closing(at + 1)),
            false => (at + 1, (at + 3).min(file.tokens.len())),
        };
        for path in (start..end).filter(|at| file.tokens[*at].kind == Kind::Text) {
            let token = &file.tokens[path];
            let given = file.token(path - 1).filter(|name| name.kind == Kind::Name && !name.is_name("import"));
            let usual = || token.text.rsplit('/').next().unwrap_or_default().to_owned();
            found.push((given.map_or_else(usual, |name| name.text.clone()), token.text.clone(), token.at.clone()));
            if start == at + 1 {
                break;
            }
        }
    }
    found
}
