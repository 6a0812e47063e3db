//! What holds: built-in defaults, accepted units, the user's own files. cli-unit.md §9.4.

use std::path::Path;

use aileron_verifier::problem::Source;
use aileron_verifier::unit::{Effective, Layer, Origin, UnitError, read_bindings, read_capture};

use super::accepted::{AcceptedUnit, UnitsFile};
use super::error::UnitsError;
use crate::sys::environment::Environment;
use crate::sys::private::PrivateFile;

/// The user's capture document, below `AILERON_HOME`.
pub const CAPTURE: &str = "capture-descriptors.yaml";

/// The user's binding document, below `AILERON_HOME`.
pub const BINDINGS: &str = "binding-descriptors.yaml";

/// The built-in bindings: the one service Aileron has besides what units bring.
const BUILT_IN: &str = "\
version: v1
bindings:
  - host: api.linear.app
    credential_ref: user/linear
    scheme: header-template
    emit_mechanism: inject
    header: Authorization
    template: \"{token}\"
";

/// Most bytes of a file of the user's.
const LIMIT: u64 = 1 << 20;

/// What holds with every accepted unit.
///
/// # Errors
/// [`UnitsError`]: a file that cannot be read, others could have changed, or that is refused fails the whole.
pub fn effective(environment: &Environment) -> Result<Effective, UnitsError> {
    effective_of(&UnitsFile::at_home(environment)?.load()?, environment)
}

/// What holds with these units, in this order: of two that seal one host the later one counts.
///
/// # Errors
/// As [`effective`].
pub fn effective_of(units: &[AcceptedUnit], environment: &Environment) -> Result<Effective, UnitsError> {
    let home = environment.aileron_home().ok_or(UnitsError::NoHome)?;
    let mut effective = Effective::default();
    // It is ours, and a test reads it.
    for entry in read_bindings(&Source::new("built-in", BUILT_IN)).unwrap_or_default() {
        effective.add_binding(entry, Origin::of(Layer::BuiltIn, "built-in"));
    }
    for accepted in units {
        effective.add_unit(&accepted.unit, &accepted.source);
    }
    if let Some((source, shown)) = of_the_user(&home.join(CAPTURE), "capture")? {
        let descriptor = read_capture(&source).map_err(refused("capture", &home.join(CAPTURE), &source))?;
        effective.add_capture(descriptor, Origin::of(Layer::User, &shown));
    }
    if let Some((source, shown)) = of_the_user(&home.join(BINDINGS), "proxybinding")? {
        let entries = read_bindings(&source).map_err(refused("proxybinding", &home.join(BINDINGS), &source))?;
        for entry in entries {
            effective.add_binding(entry, Origin::of(Layer::User, &shown));
        }
    }
    Ok(effective)
}

/// A file of the user's and its name; none where there is none. Other users must not be able to change it: it decides where
/// a credential goes.
fn of_the_user(path: &Path, document: &'static str) -> Result<Option<(Source, String)>, UnitsError> {
    let read = || PrivateFile::open(path)?.map(|mut file| file.read(LIMIT)).transpose();
    let Some(bytes) = read()? else { return Ok(None) };
    let shown = path.display().to_string();
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some((Source::new(shown.as_str(), text), shown))),
        Err(_) => {
            Err(UnitsError::Layer { document, path: path.to_owned(), line: 1, why: "it is not UTF-8".to_owned() })
        }
    }
}

fn refused(document: &'static str, path: &Path, source: &Source) -> impl FnOnce(UnitError) -> UnitsError {
    move |error| {
        let at = error.problems.first().map_or(0, |problem| problem.at.start);
        UnitsError::Layer { document, path: path.to_owned(), line: source.position(at).0, why: error.to_string() }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use aileron_verifier::unit::unit_from_yaml;

    use super::*;

    fn environment(home: &Path) -> Environment {
        [("AILERON_HOME".into(), home.as_os_str().to_owned())].into_iter().collect()
    }

    const GH: &str = "name: gh\nkey: user/github\nacquisition: {container_name: c, login_cmd: [gh], token_cmd: [gh]}\n\
                      sealing: [{host: github.com, scheme: bearer}, {host: api.github.com, scheme: bearer}]\n";

    fn gh() -> AcceptedUnit {
        let unit = unit_from_yaml(&Source::new("unit.yaml", GH)).expect("a unit");
        AcceptedUnit { unit, source: "gh".into() }
    }

    #[test] // cli-unit.md §9.4
    fn the_users_own_files_come_last_and_replace_whole_records() {
        let directory = tempfile::tempdir().expect("a directory");
        let home = directory.path();
        let environment = environment(home);
        let hosts = |effective: &Effective| -> Vec<(String, Layer)> {
            effective.bindings().map(|placed| (placed.record.host.clone(), placed.origin.layer)).collect()
        };
        let alone = effective(&environment).expect("nothing is there");
        assert_eq!(hosts(&alone), [("api.linear.app".to_owned(), Layer::BuiltIn)]);
        assert_eq!(alone.captures().count(), 0);
        fs::write(
            home.join(BINDINGS),
            "version: v1\nbindings: [{host: GitHub.com, credential_ref: user/ghe, scheme: bearer}]\n",
        )
        .expect("writes");
        fs::write(home.join(CAPTURE), "version: v1\nname: gh\ncontainer_name: mine\nlogin_cmd: [x]\ntoken_cmd: [y]\nstore_at: user/z\nkind: user\n")
            .expect("writes");
        let merged = effective_of(&[gh()], &environment).expect("reads");
        assert_eq!(
            hosts(&merged),
            [
                ("api.github.com".to_owned(), Layer::Unit),
                ("api.linear.app".to_owned(), Layer::BuiltIn),
                ("GitHub.com".to_owned(), Layer::User)
            ]
        );
        let capture = merged.capture("gh").expect("a capture");
        assert_eq!((capture.record.container_name.as_str(), capture.origin.layer), ("mine", Layer::User));
    }

    #[test] // cli-unit.md §9.4
    fn a_file_of_the_users_that_does_not_read_fails_the_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let environment = environment(directory.path());
        for (name, text, why) in [
            (CAPTURE, "", "capture: parse descriptor: EOF"),
            (CAPTURE, "version: v2\n", "unsupported descriptor version \"v2\" (want \"v1\")"),
            (BINDINGS, "bindings: []\n", "unsupported descriptor version \"\" (want \"v1\")"),
            (BINDINGS, "version: v1\nx: 1\n", "line 2: field x not found"),
        ] {
            let path = directory.path().join(name);
            fs::write(&path, text).expect("writes");
            let error = effective(&environment).expect_err(why).to_string();
            assert!(error.contains(": load user layer \"") && error.contains(why), "{error}");
            fs::remove_file(&path).expect("removes");
        }
    }
}
