//! A table of a closed schema: typed questions, all problems collected, unknown keys named at the end.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;

use toml_edit::{InlineTable, Item, Key, Value as Raw};

use super::{Sheet, Value, quote};
use crate::problem::{Rule, Source, Spanned};
use crate::text::rules;

/// Characters of a key that a message repeats.
const LONGEST_PART: usize = 80;

/// One table being read. Ask for each key the schema has, then [`Table::finish`].
///
/// Every accessor returns `None` both when the key is absent and when its value has the wrong type; the latter is
/// reported, so a document with one is refused whatever the caller makes of the `None`.
pub struct Table<'d> {
    sheet: &'d Sheet<'d>,
    entries: Entries<'d>,
    path: String,
    at: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

/// Both ways to write a table. toml_edit's own `TableLike` has no lookup of key and value in one.
#[derive(Clone, Copy)]
enum Entries<'d> {
    Table(&'d toml_edit::Table),
    Inline(&'d InlineTable),
}

impl<'d> Entries<'d> {
    fn of(item: &'d Item) -> Option<Entries<'d>> {
        match item {
            Item::Table(table) => Some(Entries::Table(table)),
            Item::Value(Raw::InlineTable(table)) => Some(Entries::Inline(table)),
            _ => None,
        }
    }

    fn find(self, key: &str) -> Option<(&'d Key, &'d Item)> {
        match self {
            Entries::Table(table) => table.get_key_value(key),
            Entries::Inline(table) => table.get_key_value(key),
        }
    }

    fn len(self) -> usize {
        match self {
            Entries::Table(table) => table.len(),
            Entries::Inline(table) => table.len(),
        }
    }

    fn all(self) -> impl Iterator<Item = (&'d Key, &'d Item)> {
        let names: Vec<&'d str> = match self {
            Entries::Table(table) => table.iter().map(|(key, _)| key).collect(),
            Entries::Inline(table) => table.iter().map(|(key, _)| key).collect(),
        };
        names.into_iter().filter_map(move |name| self.find(name))
    }
}

impl<'d> Table<'d> {
    pub(super) fn root(sheet: &'d Sheet<'d>, table: &'d toml_edit::Table) -> Table<'d> {
        let at = sheet.base..sheet.base;
        Table { sheet, entries: Entries::Table(table), path: String::new(), at, asked: RefCell::default() }
    }

    fn child(&self, key: &str, entries: Entries<'d>, at: Range<usize>) -> Table<'d> {
        Table { sheet: self.sheet, entries, path: self.path_to(key), at, asked: RefCell::default() }
    }

    /// The file being read.
    pub fn source(&self) -> &Source {
        self.sheet.source
    }

    /// The table's header, or the whole of an inline table; empty for the root.
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// The place to say that something is missing: right after the header, empty.
    pub fn end(&self) -> Range<usize> {
        self.at.end..self.at.end
    }

    /// Adds a problem.
    pub fn report(&self, rule: &'static Rule, at: Range<usize>, message: impl Into<String>) {
        self.sheet.report(rule, at, message);
    }

    /// The key's dotted path from the root. A part of more than 80 characters is cut short, so that one long
    /// key cannot blow up the messages about everything below it.
    pub fn path_to(&self, key: &str) -> String {
        let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let part = match key.char_indices().nth(LONGEST_PART) {
            Some((end, _)) => quote(&format!("{}…", &key[..end])),
            None if !key.is_empty() && key.bytes().all(is_bare) => key.to_owned(),
            None => quote(key),
        };
        if self.path.is_empty() { part } else { format!("{}.{part}", self.path) }
    }

    /// Whether the key is there, of whatever type.
    pub fn has(&self, key: &str) -> bool {
        self.entries.find(key).is_some()
    }

    /// Reports that `key` is missing.
    pub fn missing(&self, key: &str) {
        self.report(rules::REQUIRED, self.end(), format!("`{}` is missing", self.path_to(key)));
    }

    /// A string.
    pub fn string(&self, key: &'static str) -> Option<Spanned<String>> {
        let (name, item) = self.ask(key)?;
        self.typed(key, name, item, "a string", |item| item.as_str().map(str::to_owned))
    }

    /// A string that must be there.
    pub fn required(&self, key: &'static str) -> Option<Spanned<String>> {
        let Some((name, item)) = self.ask(key) else {
            self.missing(key);
            return None;
        };
        self.typed(key, name, item, "a string", |item| item.as_str().map(str::to_owned))
    }

    /// The text as a type, or a problem in the parser's own words.
    pub fn parsed<T, E: Display>(
        &self,
        rule: &'static Rule,
        text: Spanned<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        match parse(&text.value) {
            Ok(value) => Some(Spanned { value, at: text.at }),
            Err(reason) => {
                self.report(rule, text.at, reason.to_string());
                None
            }
        }
    }

    /// A boolean.
    pub fn boolean(&self, key: &'static str) -> Option<Spanned<bool>> {
        let (name, item) = self.ask(key)?;
        self.typed(key, name, item, "a boolean", Item::as_bool)
    }

    /// An integer.
    pub fn integer(&self, key: &'static str) -> Option<Spanned<i64>> {
        let (name, item) = self.ask(key)?;
        self.typed(key, name, item, "an integer", Item::as_integer)
    }

    /// A list of strings. The range is the whole list's.
    pub fn strings(&self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        let (name, item) = self.ask(key)?;
        let list = self.typed(key, name, item, "a list of strings", Item::as_array)?;
        let value = list.value.iter().filter_map(|value| {
            let at = self.sheet.absolute(value.span().unwrap_or_default());
            match value.as_str() {
                Some(text) => Some(Spanned { value: text.to_owned(), at }),
                None => {
                    self.wrong_type(&self.path_to(key), "a list of strings", value.type_name(), at);
                    None
                }
            }
        });
        Some(Spanned { value: value.collect(), at: list.at })
    }

    /// A table, inline or not.
    pub fn table(&self, key: &'static str) -> Option<Table<'d>> {
        let (name, item) = self.ask(key)?;
        self.as_table(key, name, item)
    }

    /// A list of tables: `[[key]]`, or an inline list of inline tables. The range starts at the first one's.
    pub fn tables(&self, key: &'static str) -> Option<Spanned<Vec<Table<'d>>>> {
        let (name, item) = self.ask(key)?;
        let at = self.span(name, item);
        let value = match item {
            Item::ArrayOfTables(tables) => {
                let child = |table: &'d toml_edit::Table| {
                    self.child(key, Entries::Table(table), self.sheet.absolute(table.span().unwrap_or_default()))
                };
                tables.iter().map(child).collect()
            }
            Item::Value(Raw::Array(list)) => {
                let child = |value: &'d Raw| {
                    let at = self.sheet.absolute(value.span().unwrap_or_default());
                    match value {
                        Raw::InlineTable(table) => Some(self.child(key, Entries::Inline(table), at)),
                        _ => {
                            self.wrong_type(&self.path_to(key), "a list of tables", value.type_name(), at);
                            None
                        }
                    }
                };
                list.iter().filter_map(child).collect()
            }
            _ => {
                self.wrong_type(&self.path_to(key), "a list of tables", item.type_name(), at);
                return None;
            }
        };
        Some(Spanned { value, at })
    }

    /// Every entry of a table whose keys are free names, each a table itself.
    pub fn named_tables(&self) -> Vec<(Spanned<String>, Table<'d>)> {
        let read = |(name, item): (&'d Key, &'d Item)| {
            self.as_table(name.get(), name, item).map(|table| (self.key(name), table))
        };
        self.entries.all().filter_map(read).collect()
    }

    /// Every entry of a table whose keys are free names, each a string.
    pub fn named_strings(&self) -> Vec<(Spanned<String>, Spanned<String>)> {
        let text = |item: &Item| item.as_str().map(str::to_owned);
        let read = |(name, item): (&'d Key, &'d Item)| {
            self.typed(name.get(), name, item, "a string", text).map(|value| (self.key(name), value))
        };
        self.entries.all().filter_map(read).collect()
    }

    /// Every entry of a table whose keys are free names and whose values hold no table at any depth.
    pub fn named_values(&self) -> Vec<(Spanned<String>, Spanned<Value>)> {
        let read = |(name, item): (&'d Key, &'d Item)| {
            let value = match item {
                Item::Value(value) => self.value(name, value),
                _ => self.no_table(name, self.span(name, item)),
            };
            value.map(|value| (self.key(name), value))
        };
        self.entries.all().filter_map(read).collect()
    }

    /// Reports every key that was not asked for. Call it after the last question.
    pub fn finish(&self) {
        let asked = self.asked.borrow();
        if asked.len() == self.entries.len() {
            return;
        }
        for (name, _) in self.entries.all().filter(|(name, _)| !asked.contains(&name.get())) {
            let path = self.path_to(name.get());
            self.report(rules::UNKNOWN_KEY, self.key(name).at, format!("unknown key `{path}`"));
        }
    }

    fn ask(&self, key: &'static str) -> Option<(&'d Key, &'d Item)> {
        let found = self.entries.find(key)?;
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        Some(found)
    }

    fn key(&self, name: &Key) -> Spanned<String> {
        let at = self.sheet.absolute(name.span().unwrap_or_default());
        Spanned { value: name.get().to_owned(), at }
    }

    /// The value's own bytes; for tables, the header of the first.
    fn span(&self, name: &Key, item: &Item) -> Range<usize> {
        let own = match item {
            Item::ArrayOfTables(tables) => tables.get(0).and_then(toml_edit::Table::span),
            _ => item.span(),
        };
        self.sheet.absolute(own.or_else(|| name.span()).unwrap_or_default())
    }

    fn typed<T>(
        &self,
        key: &str,
        name: &'d Key,
        item: &'d Item,
        expected: &str,
        take: impl FnOnce(&'d Item) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let at = self.span(name, item);
        match take(item) {
            Some(value) => Some(Spanned { value, at }),
            None => {
                self.wrong_type(&self.path_to(key), expected, item.type_name(), at);
                None
            }
        }
    }

    fn as_table(&self, key: &str, name: &'d Key, item: &'d Item) -> Option<Table<'d>> {
        let entries = self.typed(key, name, item, "a table", Entries::of)?;
        Some(self.child(key, entries.value, entries.at))
    }

    fn value(&self, name: &Key, raw: &Raw) -> Option<Spanned<Value>> {
        let at = self.sheet.absolute(raw.span().unwrap_or_default());
        let value = match raw {
            Raw::String(text) => Value::String(text.value().clone()),
            Raw::Integer(number) => Value::Integer(*number.value()),
            Raw::Float(number) => Value::Float(*number.value()),
            Raw::Boolean(truth) => Value::Boolean(*truth.value()),
            Raw::Datetime(_) => Value::Datetime(self.source().text[at.clone()].to_owned()),
            Raw::Array(list) => Value::List(list.iter().filter_map(|value| self.value(name, value)).collect()),
            Raw::InlineTable(_) => return self.no_table(name, at),
        };
        Some(Spanned { value, at })
    }

    fn no_table(&self, name: &Key, at: Range<usize>) -> Option<Spanned<Value>> {
        let message = format!("`{}` holds a table", self.path_to(name.get()));
        self.report(rules::TABLE_IN_INPUTS, at, message);
        None
    }

    fn wrong_type(&self, path: &str, expected: &str, found: &str, at: Range<usize>) {
        let article = if found.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
        let message = format!("`{path}` must be {expected}, found {article} {found}");
        self.report(rules::WRONG_TYPE, at, message);
    }
}
