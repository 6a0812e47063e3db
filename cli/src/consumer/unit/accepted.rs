//! `units.json` below `AILERON_HOME`: the units a person said yes to, whole, so that what is used later is what was shown.
//!
//! A unit is known by the hash of its canonical rendering (cli-unit.md §9.3): what it would do, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::problem::Source;
use aileron_verifier::text::json::tape::{Kind, Syntax, Tape, Value};
use aileron_verifier::unit::{Unit, render, unit_from_json};
use serde_json::json;

use super::error::UnitsError;
use super::reach::Reach;
use crate::sys::disk::{SharedFile, Steps};
use crate::sys::environment::Environment;
use crate::sys::lock::LockPolicy;
use crate::sys::private::PrivateFile;

/// A file longer than this is not one.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A unit a person accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedUnit {
    /// The unit as it was shown.
    pub unit: Unit,
    /// Where it was read from, as it was named then.
    pub source: String,
}

impl AcceptedUnit {
    /// The hash it is known by.
    pub fn hash(&self) -> ContentHash {
        rendering_hash(&self.unit)
    }
}

/// The hash of both documents a unit renders to.
pub fn rendering_hash(unit: &Unit) -> ContentHash {
    let (capture, bindings) = (render::capture(&unit.capture()), render::bindings(&unit.entries()));
    ContentHash::of(&[capture.as_bytes(), bindings.as_bytes()])
}

/// What was said about a unit so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitStanding {
    /// Accepted, and unchanged since.
    Accepted,
    /// Never accepted.
    New,
    /// Another unit of this name was accepted: what that one would do.
    Changed(Box<AcceptedUnit>),
}

/// The accepted units of one user.
#[derive(Clone, Debug)]
pub struct UnitsFile {
    file: SharedFile,
}

impl UnitsFile {
    /// Below `AILERON_HOME`, else `~/.aileron`.
    ///
    /// # Errors
    /// [`UnitsError::NoHome`].
    pub fn at_home(environment: &Environment) -> Result<UnitsFile, UnitsError> {
        let home = environment.aileron_home().ok_or(UnitsError::NoHome)?;
        Ok(UnitsFile::at(home.join("units.json")))
    }

    /// A file somewhere else.
    pub fn at(path: PathBuf) -> UnitsFile {
        UnitsFile { file: SharedFile::at(path, ".units-") }
    }

    /// The same file on another disk.
    pub fn on(self, steps: Arc<dyn Steps>) -> UnitsFile {
        UnitsFile { file: self.file.on(steps) }
    }

    /// The same file, which waits for its lock like this.
    pub fn waiting(self, waiting: LockPolicy) -> UnitsFile {
        UnitsFile { file: self.file.waiting(waiting) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The accepted units, in the order in which they were accepted; none where there is no file.
    ///
    /// # Errors
    /// [`UnitsError`]; also for a file that other users could have changed.
    pub fn load(&self) -> Result<Vec<AcceptedUnit>, UnitsError> {
        let read = || PrivateFile::open(self.path())?.map(|mut file| file.read(LIMIT)).transpose();
        match read()? {
            None => Ok(Vec::new()),
            Some(bytes) => parse(&bytes).map_err(|why| UnitsError::Malformed { path: self.path().to_owned(), why }),
        }
    }

    /// What was said about a unit so far.
    ///
    /// # Errors
    /// As [`UnitsFile::load`].
    pub fn standing(&self, unit: &Unit) -> Result<UnitStanding, UnitsError> {
        Ok(standing_among(&self.load()?, unit))
    }

    /// Remembers a unit; one of the same name goes. Nothing is written where it is there already.
    ///
    /// # Errors
    /// [`UnitsError`]; the file is then as it was.
    pub fn accept(&self, unit: &Unit, source: &str) -> Result<bool, UnitsError> {
        // Refused as it stands before anything is made beside it.
        self.load()?;
        let locked = self.file.lock::<UnitsError>(|name| format!(".{name}.lock"))?;
        let mut units = self.load()?;
        if standing_among(&units, unit) == UnitStanding::Accepted {
            return Ok(false);
        }
        units.retain(|accepted| accepted.unit.name != unit.name);
        units.push(AcceptedUnit { unit: unit.clone(), source: source.to_owned() });
        self.file.put(written(&units).as_bytes(), &locked)?;
        Ok(true)
    }
}

/// What was said about a unit so far, by a list that was read.
pub fn standing_among(units: &[AcceptedUnit], unit: &Unit) -> UnitStanding {
    match units.iter().find(|accepted| accepted.unit.name == unit.name) {
        None => UnitStanding::New,
        Some(accepted) if accepted.hash() == rendering_hash(unit) => UnitStanding::Accepted,
        Some(accepted) => UnitStanding::Changed(Box::new(accepted.clone())),
    }
}

impl UnitStanding {
    /// What a unit would do, with what is new about it marked.
    pub fn reach(&self, unit: &Unit) -> Reach {
        match self {
            UnitStanding::Accepted | UnitStanding::New => Reach::of(unit),
            UnitStanding::Changed(before) => Reach::compared(unit, &before.unit),
        }
    }
}

fn written(units: &[AcceptedUnit]) -> String {
    let row =
        |accepted: &AcceptedUnit| json!({"hash": accepted.hash(), "source": accepted.source, "unit": accepted.unit});
    let document = json!({"schema": 1, "units": units.iter().map(row).collect::<Vec<_>>()});
    format!("{document:#}\n")
}

/// Reads the file. What it says about a unit has to fit the unit: an edited one was not shown to anybody.
fn parse(bytes: &[u8]) -> Result<Vec<AcceptedUnit>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let source = Source::new("units.json", text);
    let tape = Tape::read(bytes, Syntax::STRICT).map_err(|error| error.to_string())?;
    let root = tape.root();
    if root.member("schema").and_then(Value::number) != Some("1") {
        return Err("its schema is not 1".to_owned());
    }
    let list = root.member("units").filter(|list| list.kind() == Kind::List).ok_or("it has no list of units")?;
    let text_of = |value: Value<'_>, name: &str| value.member(name).and_then(Value::text).map(|text| text.into_owned());
    list.items()
        .map(|row| {
            let block = row.member("unit").ok_or("an entry has no unit")?;
            let unit = unit_from_json(&source, block).map_err(|error| error.to_string())?;
            let hash = text_of(row, "hash").ok_or("an entry has no hash")?;
            if hash != rendering_hash(&unit).to_string() {
                return Err(format!("unit {} is not the one that was accepted", unit.name));
            }
            Ok(AcceptedUnit { unit, source: text_of(row, "source").unwrap_or_default() })
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use aileron_verifier::unit::unit_from_yaml;

    use super::*;
    use crate::sys::disk::crash::Crashing;

    fn unit(name: &str, host: &str) -> Unit {
        let text = format!(
            "name: {name}\nkey: user/{name}\nacquisition: {{mode: device-flow, container_name: c-{name}, login_cmd: \
             [gh, login], token_cmd: [gh, token]}}\nsealing: [{{host: {host}, scheme: bearer}}]\n"
        );
        unit_from_yaml(&Source::new("unit.yaml", text)).expect("a unit")
    }

    fn file(directory: &Path) -> UnitsFile {
        UnitsFile::at(directory.join("nested/.aileron/units.json"))
    }

    #[test]
    fn a_unit_stays_accepted_until_what_it_would_do_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = file(directory.path());
        let gh = unit("gh", "github.com");
        assert_eq!(file.standing(&gh).expect("reads"), UnitStanding::New);
        assert!(file.accept(&gh, "gh/unit.yaml").expect("writes"));
        let before = fs::read(file.path()).expect("there");
        assert!(!file.accept(&gh, "elsewhere").expect("is there"), "nothing to write");
        assert_eq!(fs::read(file.path()).expect("there"), before);
        assert_eq!(file.standing(&gh).expect("reads"), UnitStanding::Accepted);
        let grown = unit("gh", "evil.example");
        assert!(matches!(file.standing(&grown).expect("reads"), UnitStanding::Changed(was) if was.unit == gh));
        assert_eq!(file.standing(&unit("ghe", "github.com")).expect("reads"), UnitStanding::New);
        assert!(file.accept(&grown, "x").expect("writes"));
        let units = file.load().expect("reads");
        assert_eq!(units.iter().map(|accepted| &accepted.unit).collect::<Vec<_>>(), [&grown]);
        assert_eq!(fs::metadata(file.path()).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_edited_list_is_refused_and_so_is_one_that_others_can_write() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = file(directory.path());
        file.accept(&unit("gh", "github.com"), "x").expect("writes");
        let text = fs::read_to_string(file.path()).expect("there");
        for (edited, why) in [
            (text.replace("github.com", "evil.example"), "unit gh is not the one that was accepted"),
            (text.replace("\"schema\": 1", "\"schema\": 2"), "its schema is not 1"),
            (text.replace("\"hash\"", "\"hush\""), "an entry has no hash"),
            (text.replace("bearer", "bogus"), "unknown scheme"),
            ("{\"schema\":1}".to_owned(), "it has no list of units"),
            ("[".to_owned(), "unexpected end of JSON input"),
            (String::new(), "unexpected end of JSON input"),
        ] {
            fs::write(file.path(), &edited).expect("writes");
            let error = file.load().expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
            assert!(file.accept(&unit("x", "x.example"), "x").is_err(), "{why}");
            assert_eq!(fs::read_to_string(file.path()).expect("there"), edited, "it is as it was");
        }
        fs::write(file.path(), &text).expect("writes");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).expect("chmod");
        assert!(matches!(file.load(), Err(UnitsError::NotPrivate(_))));
    }

    #[test]
    fn the_list_is_whole_with_or_without_the_unit_wherever_it_crashes() {
        for number in 1.. {
            let directory = tempfile::tempdir().expect("a directory");
            let file = file(directory.path());
            file.accept(&unit("gh", "github.com"), "x").expect("writes");
            let steps = Arc::new(Crashing::at(number));
            let accepted = file.clone().on(steps.clone()).accept(&unit("ghe", "ghe.example"), "y");
            let found = file.load().expect("whole").len();
            assert!(found == 2 || (found == 1 && accepted.is_err()), "{number}: {found}");
            assert!(file.accept(&unit("az", "az.example"), "z").expect("the next one goes on"));
            if steps.is_alive() {
                break;
            }
        }
    }
}
