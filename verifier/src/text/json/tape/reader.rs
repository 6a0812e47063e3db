//! Bytes to tokens: RFC 8259, and what [`Syntax`] adds to it.

use std::ops::Range;

use super::{Broken, Kind, Syntax, SyntaxError, Tape, Token};

/// What may stand at the next place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The document's value, or a member's.
    Value,
    /// The first value of an array, or its end.
    FirstItem,
    /// A value of an array after a comma.
    Item,
    /// The first name of an object, or its end.
    FirstName,
    /// A name of an object after a comma.
    Name,
    /// A colon.
    Colon,
    /// A comma, or the end of what is open; at the top, the end of the document.
    Separator,
}

struct Reader<'t> {
    bytes: &'t [u8],
    syntax: Syntax,
    at: usize,
    tokens: Vec<Token>,
    /// The arrays and objects that are open, outermost first.
    open: Vec<u32>,
    extensions: Vec<Range<usize>>,
    /// Where the last comma stands.
    comma: usize,
}

pub(super) fn read(bytes: &[u8], syntax: Syntax) -> Result<Tape<'_>, SyntaxError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(SyntaxError { at: 0, why: Broken::Long });
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err(SyntaxError { at: 0, why: Broken::ByteOrderMark });
    }
    let mut reader =
        Reader { bytes, syntax, at: 0, tokens: Vec::new(), open: Vec::new(), extensions: Vec::new(), comma: 0 };
    let mut expected = Expected::Value;
    loop {
        reader.skip_space()?;
        expected = match (reader.bytes.get(reader.at).copied(), expected) {
            (None, Expected::Separator) if reader.open.is_empty() => break,
            (None, _) => return Err(reader.broken(Broken::End)),
            (Some(byte), expected) => reader.step(byte, expected)?,
        };
    }
    let Reader { tokens, extensions, .. } = reader;
    Ok(Tape { bytes, tokens, extensions })
}

impl Reader<'_> {
    fn broken(&self, why: Broken) -> SyntaxError {
        SyntaxError { at: self.at, why }
    }

    fn unexpected(&self, expected: &'static str) -> SyntaxError {
        match self.bytes.get(self.at) {
            Some(found) => self.broken(Broken::Unexpected { found: *found, expected }),
            None => self.broken(Broken::End),
        }
    }

    /// Takes what begins with this byte; what may follow it.
    fn step(&mut self, byte: u8, expected: Expected) -> Result<Expected, SyntaxError> {
        match (expected, byte) {
            (Expected::FirstItem, b']') | (Expected::FirstName, b'}') => self.close(),
            (Expected::Item, b']') | (Expected::Name, b'}') if self.syntax.comments => {
                self.extensions.push(self.comma..self.comma + 1);
                self.close()
            }
            (Expected::Value | Expected::FirstItem | Expected::Item, _) => self.value(byte),
            (Expected::FirstName | Expected::Name, b'"') => {
                self.string()?;
                Ok(Expected::Colon)
            }
            (Expected::FirstName, _) => Err(self.unexpected("a member's name or `}`")),
            (Expected::Name, _) => Err(self.unexpected("a member's name")),
            (Expected::Colon, b':') => {
                self.at += 1;
                Ok(Expected::Value)
            }
            (Expected::Colon, _) => Err(self.unexpected("`:`")),
            (Expected::Separator, _) => self.separator(byte),
        }
    }

    fn separator(&mut self, byte: u8) -> Result<Expected, SyntaxError> {
        let open = self.open.last().map(|open| self.tokens[*open as usize].kind);
        match (open, byte) {
            (None, _) => Err(self.broken(Broken::After(byte))),
            (Some(kind), b',') => {
                self.comma = self.at;
                self.at += 1;
                Ok(if kind == Kind::Object { Expected::Name } else { Expected::Item })
            }
            (Some(Kind::Object), b'}') | (Some(Kind::List), b']') => self.close(),
            (Some(Kind::Object), _) => Err(self.unexpected("`,` or `}`")),
            (Some(_), _) => Err(self.unexpected("`,` or `]`")),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Expected, SyntaxError> {
        match byte {
            b'{' => return self.open(Kind::Object, Expected::FirstName),
            b'[' => return self.open(Kind::List, Expected::FirstItem),
            b'"' => self.string()?,
            b'n' => self.word(b"null", Kind::Null)?,
            b't' => self.word(b"true", Kind::Boolean)?,
            b'f' => self.word(b"false", Kind::Boolean)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.unexpected("a value")),
        }
        Ok(Expected::Separator)
    }

    /// A value without others in it, from there to here.
    fn push(&mut self, kind: Kind, start: usize) {
        let next = self.tokens.len() as u32 + 1;
        self.tokens.push(Token { kind, start: start as u32, end: self.at as u32, next });
    }

    fn open(&mut self, kind: Kind, then: Expected) -> Result<Expected, SyntaxError> {
        if self.open.len() >= self.syntax.depth as usize {
            return Err(self.broken(Broken::Depth(self.syntax.depth)));
        }
        self.open.push(self.tokens.len() as u32);
        self.at += 1;
        self.push(kind, self.at - 1);
        Ok(then)
    }

    fn close(&mut self) -> Result<Expected, SyntaxError> {
        self.at += 1;
        if let Some(open) = self.open.pop() {
            let next = self.tokens.len() as u32;
            let token = &mut self.tokens[open as usize];
            (token.end, token.next) = (self.at as u32, next);
        }
        Ok(Expected::Separator)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), SyntaxError> {
        let start = self.at;
        for expected in word {
            if self.bytes.get(self.at) != Some(expected) {
                return Err(self.unexpected("null, true or false"));
            }
            self.at += 1;
        }
        self.push(kind, start);
        Ok(())
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        self.push(Kind::Number, start);
        Ok(())
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.broken(Broken::End)),
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(control @ ..=0x1f) => return Err(self.broken(Broken::Control(*control))),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.push(Kind::Text, start);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let length = match self.bytes.get(self.at + 1) {
            None => return Err(SyntaxError { at: self.bytes.len(), why: Broken::End }),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.broken(Broken::Escape));
                }
                6
            }
            Some(_) => return Err(self.broken(Broken::Escape)),
        };
        self.at += length;
        Ok(())
    }

    fn skip_space(&mut self) -> Result<(), SyntaxError> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'/') if self.syntax.comments => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), SyntaxError> {
        let rest = &self.bytes[self.at..];
        let length = match rest.get(1) {
            Some(b'/') => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            Some(b'*') => {
                let end = rest[2..].windows(2).position(|pair| pair == b"*/");
                end.ok_or(self.broken(Broken::Comment))? + 4
            }
            _ => return Err(self.unexpected("a value or a comment")),
        };
        self.extensions.push(self.at..self.at + length);
        self.at += length;
        Ok(())
    }
}
