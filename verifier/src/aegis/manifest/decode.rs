//! How Go's `encoding/json` fills a structure: names in any case, later members over earlier ones, arrays element by element
//! over what was there, `null` for "leave it". aegis-bundle.md §3.1.
//!
//! A wrong type is remembered and reading goes on; the first one is what is told at the end.

use crate::problem::shorten;
use crate::text::json::tape::{Kind, SyntaxError, Value};

/// Why a document does not fit its structure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDecoded {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(SyntaxError),
    /// A value of another type than its place has.
    #[error("{found} where {wanted} is expected, at byte {at}")]
    Type {
        /// What stands there.
        found: String,
        /// What may stand there.
        wanted: &'static str,
        /// Where, in bytes.
        at: usize,
    },
}

/// A list that was filled once may be filled again; what was behind its end is still there, as in Go.
#[derive(Clone, Debug, Default)]
pub struct Slot<T> {
    cells: Vec<T>,
    length: usize,
}

impl<T> Slot<T> {
    /// The elements.
    pub fn items(&self) -> std::slice::Iter<'_, T> {
        self.cells[..self.length].iter()
    }

    /// The elements, taken out.
    pub fn into_items(mut self) -> Vec<T> {
        self.cells.truncate(self.length);
        self.cells
    }
}

/// Reads values into places, and remembers the first that did not fit.
#[derive(Default)]
pub struct Decoder {
    first: Option<NotDecoded>,
}

impl Decoder {
    /// Calls `member` with the number of the name in `names` for every member that has one of them, in order. `null` is an
    /// object without members.
    pub fn object<'d>(
        &mut self,
        value: Value<'d>,
        names: &[&str],
        mut member: impl FnMut(&mut Decoder, usize, Value<'d>),
    ) {
        match value.kind() {
            Kind::Object => {
                for found in value.members() {
                    let name = found.name.text().unwrap_or_default();
                    let exact = names.iter().position(|wanted| *wanted == name);
                    if let Some(at) = exact.or_else(|| names.iter().position(|wanted| is_folded(&name, wanted))) {
                        member(self, at, found.value);
                    }
                }
            }
            Kind::Null => {}
            _ => self.mismatch(value, "an object"),
        }
    }

    /// A string.
    pub fn text(&mut self, value: Value<'_>, to: &mut String) {
        match value.text() {
            Some(text) => *to = text.into_owned(),
            None if value.is_null() => {}
            None => self.mismatch(value, "a string"),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: Value<'_>, to: &mut bool) {
        match value.boolean() {
            Some(boolean) => *to = boolean,
            None if value.is_null() => {}
            None => self.mismatch(value, "true or false"),
        }
    }

    /// Plain digits that fit 64 bits.
    pub fn integer(&mut self, value: Value<'_>, to: &mut i64) {
        match value.number().map(str::parse::<i64>) {
            Some(Ok(number)) => *to = number,
            None if value.is_null() => {}
            Some(Err(_)) | None => self.mismatch(value, "an integer of plain digits"),
        }
    }

    /// A list, each element over what its cell had.
    pub fn list<'d, T: Default>(
        &mut self,
        value: Value<'d>,
        to: &mut Slot<T>,
        mut element: impl FnMut(&mut Decoder, Value<'d>, &mut T),
    ) {
        match value.kind() {
            Kind::List => {
                let mut count = 0;
                for item in value.items() {
                    if to.cells.len() <= count {
                        to.cells.push(T::default());
                    }
                    element(self, item, &mut to.cells[count]);
                    count += 1;
                }
                to.length = count;
                if count == 0 {
                    to.cells.clear();
                }
            }
            Kind::Null => *to = Slot { cells: Vec::new(), length: 0 },
            _ => self.mismatch(value, "an array"),
        }
    }

    fn mismatch(&mut self, value: Value<'_>, wanted: &'static str) {
        let found = shorten(&String::from_utf8_lossy(value.raw()), 60).into_owned();
        self.first.get_or_insert(NotDecoded::Type { found, wanted, at: value.at().start });
    }

    /// The first value that did not fit.
    ///
    /// # Errors
    /// [`NotDecoded::Type`].
    pub fn finish(self) -> Result<(), NotDecoded> {
        self.first.map_or(Ok(()), Err)
    }
}

/// Whether two names are one once case is folded, as Go folds: `ſ` is an S and the Kelvin sign a K.
pub fn is_folded(name: &str, wanted: &str) -> bool {
    let fold = |char: char| match char {
        'ſ' => 's',
        '\u{212a}' => 'k',
        char => char.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(wanted.chars().map(fold))
}
