//! Members of objects in one pass over the text: those that the vault looks into as objects, all others as they are written.
//!
//! ```text
//! the file ─ secrets ─ NAME ─ metadata ─ Labels        objects on this way are opened
//!                      └── read at once: the members of one entry are gone before the next one is looked at
//! ```

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::malformed::Malformed;
use super::{Entry, Unknown};

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The members of an object, in their order, each name once. Borrowed from the text.
#[derive(Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, Member<'a>)>);

/// One value.
pub(super) enum Member<'a> {
    /// As it is written.
    Raw(&'a RawValue),
    /// Where an object is expected, one.
    Object(Members<'a>),
    /// The entries of `secrets`, in their order, each name once; or what is wrong with the first that is not right.
    Entries(Result<Vec<(String, Entry)>, Malformed>),
    /// Where an object is expected, `null`.
    Null,
    /// Where an object is expected, something else.
    Other,
}

impl<'a> Member<'a> {
    /// As it is written; `None` for one that was opened.
    pub(super) fn raw(&self) -> Option<&'a RawValue> {
        match self {
            Member::Raw(value) => Some(value),
            Member::Object(_) | Member::Entries(_) | Member::Null | Member::Other => None,
        }
    }
}

/// What an entry's member of `secrets` is: its name, and its value.
pub(super) type ReadEntry = fn(&str, Member<'_>) -> Result<Entry, Malformed>;

/// How deep an object stands on the way of the drawing above.
#[derive(Clone, Copy)]
enum Level {
    File,
    Secrets,
    Entry,
    Metadata,
    Labels,
}

impl Level {
    /// Members that an object here usually has: room for them is made at once.
    fn usual(self) -> usize {
        match self {
            Level::File | Level::Secrets | Level::Entry => 4,
            Level::Metadata | Level::Labels => 8,
        }
    }

    /// The level of a member that is opened.
    fn below(self, name: &str) -> Option<Level> {
        match self {
            Level::File if name.eq_ignore_ascii_case("secrets") => Some(Level::Secrets),
            Level::Entry if name.eq_ignore_ascii_case("metadata") => Some(Level::Metadata),
            Level::Metadata if name.eq_ignore_ascii_case("labels") => Some(Level::Labels),
            Level::File | Level::Secrets | Level::Entry | Level::Metadata | Level::Labels => None,
        }
    }
}

/// The members of a whole file, whose entries are read by `entry`.
///
/// # Errors
/// [`Malformed::NotJson`], [`Malformed::NotAnObject`].
pub(super) fn of(text: &str, entry: ReadEntry) -> Result<Members<'_>, Malformed> {
    /// An entry of ours has more bytes.
    const SHORTEST: usize = 400;
    read(text, Reader { level: Level::File, entry, room: text.len() / SHORTEST + 1 })
}

/// The members of an entry that stands at the top level.
///
/// # Errors
/// [`Malformed::NotJson`].
pub(super) fn entry_of(text: &str, entry: ReadEntry) -> Result<Members<'_>, Malformed> {
    read(text, Reader { level: Level::Entry, entry, room: 0 })
}

fn read(text: &str, reader: Reader) -> Result<Members<'_>, Malformed> {
    let not_json = |error: serde_json::Error| Malformed::NotJson(error.to_string());
    let mut json = serde_json::Deserializer::from_str(text);
    let member = reader.deserialize(&mut json).map_err(not_json)?;
    json.end().map_err(not_json)?;
    let Member::Object(members) = member else { return Err(Malformed::NotAnObject) };
    members.must_be_unique()?;
    Ok(members)
}

impl<'a> Members<'a> {
    /// Takes a known member as it is written: of exactly this name, else of this name in another case. Spellings beside the one
    /// that counts go with it: the existing runtime takes the last of them, and would find something else than what is written.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.take_object(name)?.raw()
    }

    /// The same for a member that is an object.
    pub(super) fn take_object(&mut self, name: &str) -> Option<Member<'a>> {
        let exact = self.0.iter().position(|(found, _)| found == name);
        let at = exact.or_else(|| self.0.iter().position(|(found, _)| found.eq_ignore_ascii_case(name)))?;
        let (_, member) = self.0.remove(at);
        self.0.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        Some(member)
    }

    /// Takes the objects of such names, as they are written.
    pub(super) fn take_named_objects(&mut self, is_meant: impl Fn(&str) -> bool) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        let is_object = |(name, member): &mut (Cow<'a, str>, Member<'a>)| {
            is_meant(name) && member.raw().is_some_and(|value| value.get().starts_with('{'))
        };
        let taken = self.0.extract_if(.., is_object);
        taken.filter_map(|(name, member)| Some((name, member.raw()?))).collect()
    }

    /// What was not taken, to be written back.
    pub(super) fn kept(self) -> Unknown {
        let kept = self.0.into_iter().filter_map(|(name, member)| Some((name.into_owned(), member.raw()?.to_owned())));
        kept.collect()
    }

    /// Which of two of one name is meant cannot be known, and one would be lost at the next write.
    pub(super) fn must_be_unique(&self) -> Result<(), Malformed> {
        unique(|| self.0.iter().map(|(name, _)| name.as_ref()))?;
        self.0.iter().try_for_each(|(_, member)| match member {
            Member::Object(members) => members.must_be_unique(),
            Member::Entries(_) | Member::Raw(_) | Member::Null | Member::Other => Ok(()),
        })
    }
}

/// No name is there twice. Members that we wrote are sorted or few, and need no list of names.
fn unique<'n, N: Iterator<Item = &'n str>>(names: impl Fn() -> N) -> Result<(), Malformed> {
    const FEW: usize = 12;
    if names().is_sorted_by(|one, next| one < next) {
        return Ok(());
    }
    let repeated = if names().count() <= FEW {
        names().enumerate().find(|(at, name)| names().take(*at).any(|before| before == *name)).map(|(_, name)| name)
    } else {
        let mut names: Vec<&str> = names().collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    };
    match repeated {
        Some(name) => Err(Malformed::NotJson(format!("{name:?} stands in one object twice"))),
        None => Ok(()),
    }
}

/// One value on the way of the drawing above.
#[derive(Clone, Copy)]
struct Reader {
    level: Level,
    entry: ReadEntry,
    /// Entries that room is made for at once.
    room: usize,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Member<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Member<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        let below = |level| Reader { level, ..self };
        if let Level::Secrets = self.level {
            let mut entries = Ok(Vec::with_capacity(self.room));
            while let Some(Text(name)) = map.next_key()? {
                let member = map.next_value_seed(below(Level::Entry))?;
                if let Ok(read) = &mut entries {
                    match (self.entry)(&name, member) {
                        Ok(entry) => read.push((name.into_owned(), entry)),
                        Err(why) => entries = Err(why),
                    }
                }
            }
            return Ok(Member::Entries(entries.and_then(|mut entries| {
                unique(|| entries.iter().map(|(name, _)| name.as_str()))?;
                // A file may say `secrets` many times, which is refused only once all of it was read.
                entries.shrink_to_fit();
                Ok(entries)
            })));
        }
        let mut members = Vec::with_capacity(self.level.usual());
        while let Some(Text(name)) = map.next_key()? {
            let member = match self.level.below(&name) {
                Some(level) => map.next_value_seed(below(level))?,
                None => Member::Raw(map.next_value()?),
            };
            members.push((name, member));
        }
        Ok(Member::Object(Members(members)))
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Member<'de>, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Malformed};

    #[test] // vault.md §2.7: which of two is meant cannot be known, and one would be lost at the next write
    fn a_name_that_stands_in_one_object_twice_makes_a_file_that_is_not_read() {
        let entry = |members: &str| format!(r#"{{"version":1,"secrets":{{"user/a":{{{members}}}}}}}"#);
        let many = (0..20).rev().map(|number| format!(r#""user/n{number:02}":{{}},"#)).collect::<String>();
        for (text, name) in [
            (r#"{"version":1,"version":1}"#.to_owned(), "version"),
            (r#"{"secrets":{"user/b":{},"user/a":{},"user/b":{}}}"#.to_owned(), "user/b"),
            (format!(r#"{{"secrets":{{{many}"user/n07":{{}}}}}}"#), "user/n07"),
            (entry(r#""value":"YQ==","x":1,"value":"YQ==""#), "value"),
            (entry(r#""metadata":{"Type":"user","Type":"user"}"#), "Type"),
            (entry(r#""metadata":{"Labels":{"a":"1","a":"2"}}"#), "a"),
            (r#"{"user/b":{"x":1,"x":2}}"#.to_owned(), "x"),
            // However often it stands there, what one of them takes while it is read is given back.
            (format!(r#"{{"a":1{}}}"#, r#","secrets":{"a":{}}"#.repeat(50_000)), "secrets"),
        ] {
            let shown = &text[..text.len().min(80)];
            match Document::read(text.as_bytes()) {
                Err(Malformed::NotJson(why)) => {
                    assert!(why.starts_with(&format!("{name:?} stands in")), "{shown}: {why}")
                }
                other => panic!("{shown}: {other:?}"),
            }
        }
        assert!(
            Document::read(entry(r#""value":"YQ==","Value":"YQ==""#).as_bytes()).is_ok(),
            "another case is another name"
        );
    }
}
