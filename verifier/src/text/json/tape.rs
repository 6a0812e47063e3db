//! JSON as a flat list of tokens that keeps what other readers drop: where each value stands, members that are there twice,
//! numbers as they were written, halves of surrogate pairs and bytes that are not UTF-8.
//!
//! For documents whose bytes decide something (a CLI-capability unit in an image label, an Aegis manifest): the families
//! judge them on these tokens, by their own rules. Nothing here recurses, neither reading nor dropping, so that the depth of
//! a document costs memory only, and a limit says how much.
//!
//! | file | |
//! |---|---|
//! | `reader` | bytes to tokens |
//! | `string` | what a string says once its escapes are undone |

mod reader;
mod string;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use string::Replaced;

/// What is read besides JSON itself (RFC 8259), and how deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// `//` and `/* */` comments, and a comma before a closing bracket, as editors' configuration files have them.
    pub comments: bool,
    /// Most arrays and objects inside one another.
    pub depth: u32,
}

impl Syntax {
    /// Nothing but JSON, as deep as Go's `encoding/json` reads it: 10,000.
    pub const STRICT: Syntax = Syntax { comments: false, depth: 10_000 };
    /// The same, with comments and trailing commas.
    pub const WITH_COMMENTS: Syntax = Syntax { comments: true, depth: 10_000 };
}

/// Why bytes are not one JSON value, and the byte at which that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SyntaxError {
    /// Bytes before it.
    pub at: usize,
    /// What is wrong.
    pub why: Broken,
}

/// What is wrong with bytes that are not one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It ends inside a value, or holds none.
    #[error("unexpected end of JSON input")]
    End,
    /// It begins with the mark that some editors add.
    #[error("it begins with a UTF-8 byte-order mark; save it as UTF-8 without one")]
    ByteOrderMark,
    /// A character that cannot stand there. Of a character of several bytes, the first byte.
    #[error("unexpected {} where {} is expected", shown(*.found), .expected)]
    Unexpected {
        /// The byte.
        found: u8,
        /// What may stand there.
        expected: &'static str,
    },
    /// Something follows the value.
    #[error("{} after the end of the JSON value", shown(*.0))]
    After(u8),
    /// A control character in a string: it has to be written as an escape.
    #[error("control character {} in a string: write it as an escape", shown(*.0))]
    Control(u8),
    /// A backslash before a character that has no escape, or an incomplete `\u`.
    #[error("invalid escape in a string")]
    Escape,
    /// More arrays and objects inside one another than are read.
    #[error("more than {0} arrays and objects inside one another")]
    Depth(u32),
    /// `/*` without `*/`.
    #[error("a comment that does not end")]
    Comment,
    /// More bytes than are counted here.
    #[error("it is longer than 4 GiB")]
    Long,
}

fn shown(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("`{}`", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}

/// A document: its bytes, and every value in the order in which it begins.
#[derive(Clone, Debug)]
pub struct Tape<'t> {
    bytes: &'t [u8],
    tokens: Vec<Token>,
    extensions: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    kind: Kind,
    start: u32,
    end: u32,
    /// The token after this value and all that is in it.
    next: u32,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

impl<'t> Tape<'t> {
    /// Reads one document.
    ///
    /// # Errors
    /// [`SyntaxError`].
    pub fn read(bytes: &'t [u8], syntax: Syntax) -> Result<Tape<'t>, SyntaxError> {
        reader::read(bytes, syntax)
    }

    /// The value of the whole document.
    pub fn root(&self) -> Value<'_> {
        Value { tape: self, index: 0 }
    }

    /// Where comments and trailing commas stand, in file order: what [`Syntax::STRICT`] would refuse.
    pub fn extensions(&self) -> &[Range<usize>] {
        &self.extensions
    }
}

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    tape: &'d Tape<'d>,
    index: u32,
}

/// One member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'d> {
    /// Its name, a string.
    pub name: Value<'d>,
    /// Its value.
    pub value: Value<'d>,
}

impl<'d> Value<'d> {
    fn token(self) -> Token {
        self.tape.tokens[self.index as usize]
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.token().kind
    }

    /// The bytes it was written in, quotes and brackets included.
    pub fn at(self) -> Range<usize> {
        self.token().start as usize..self.token().end as usize
    }

    /// The same bytes.
    pub fn raw(self) -> &'d [u8] {
        &self.tape.bytes[self.at()]
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        (self.kind() == Kind::Boolean).then(|| self.raw() == b"true")
    }

    /// A number as it was written.
    pub fn number(self) -> Option<&'d str> {
        let is_number = self.kind() == Kind::Number;
        is_number.then(|| std::str::from_utf8(self.raw()).unwrap_or_default())
    }

    /// What a string says. As Go's reader does, half of a surrogate pair and every byte that is not UTF-8 become U+FFFD;
    /// [`Value::replaced`] says whether there was one.
    pub fn text(self) -> Option<Cow<'d, str>> {
        (self.kind() == Kind::Text).then(|| string::text(self.content()))
    }

    /// The first place in a string for which [`Value::text`] has U+FFFD though it does not say so: a byte offset into the
    /// document.
    pub fn replaced(self) -> Option<(usize, Replaced)> {
        if self.kind() != Kind::Text {
            return None;
        }
        string::replaced(self.content()).map(|(at, what)| (self.token().start as usize + 1 + at, what))
    }

    /// A string without its quotes, escapes as written.
    fn content(self) -> &'d [u8] {
        let at = self.at();
        &self.tape.bytes[at.start + 1..at.end - 1]
    }

    /// The values of an array, in order; none for everything else.
    pub fn items(self) -> impl Iterator<Item = Value<'d>> {
        self.children(Kind::List)
    }

    /// The members of an object as they stand, those with the same name included; none for everything else.
    pub fn members(self) -> impl Iterator<Item = Member<'d>> {
        let mut children = self.children(Kind::Object);
        std::iter::from_fn(move || Some(Member { name: children.next()?, value: children.next()? }))
    }

    /// The last member of that name: the one that counts for readers that keep one.
    pub fn member(self, name: &str) -> Option<Value<'d>> {
        self.members().filter(|member| member.is_named(name)).last().map(|member| member.value)
    }

    fn children(self, of: Kind) -> impl Iterator<Item = Value<'d>> {
        let Value { tape, index } = self;
        let end = if self.kind() == of { self.token().next } else { index + 1 };
        let mut at = index + 1;
        std::iter::from_fn(move || {
            let child = (at < end).then_some(Value { tape, index: at })?;
            at = child.token().next;
            Some(child)
        })
    }
}

impl Member<'_> {
    /// Whether it has this name once its escapes are undone.
    pub fn is_named(&self, name: &str) -> bool {
        let content = self.name.content();
        content == name.as_bytes() || (content.contains(&b'\\') && string::text(content) == name)
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.raw()))
    }
}
