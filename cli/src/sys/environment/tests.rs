//! Blank is unset, in every place that reads a variable: the places are found in the sources, not listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use walkdir::WalkDir;

use super::*;

const BLANK: [&str; 9] = ["", " ", "\n", "\r\n", "\t", " \n ", "\u{a0}", "\u{3000}", "\u{2028}"];

/// The sources of this crate without their tests, by path.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = WalkDir::new(&root).into_iter().map(|entry| entry.unwrap().into_path());
    let rust = files.filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs"));
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
        (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), code)
    };
    rust.map(read).collect()
}

/// Every text in the sources that is spelled like a variable.
fn names() -> BTreeSet<String> {
    let is_name = |text: &&str| {
        let spelled = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        text.contains('_') && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(spelled)
    };
    let literals =
        |code: &String| code.split('"').skip(1).step_by(2).filter(is_name).map(str::to_owned).collect::<Vec<_>>();
    let bare = ["CI", "HOME", "USERPROFILE", "PATH"].map(str::to_owned);
    sources().values().flat_map(literals).chain(bare).collect()
}

#[test]
fn a_blank_variable_counts_as_unset_whichever_it_is() {
    let names = names();
    for known in
        ["GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_URL", "AILERON_HOME", "AILERON_MIRROR", "AILERON_KEY_PASSPHRASE"]
    {
        assert!(names.contains(known), "{known} is not among {names:?}");
    }
    for blank in BLANK {
        let environment: Environment = names.iter().map(|name| (name.into(), blank.into())).collect();
        for name in &names {
            assert!(environment.var(name).is_none() && environment.secret(name).is_none(), "{name}={blank:?}");
            assert_eq!(environment.value(name), Some(OsStr::new(blank)), "{name} as it stands");
        }
        assert!(environment.aileron_home().is_none(), "{blank:?}");
    }
    let environment: Environment = [("A".into(), " x\n".into())].into_iter().collect();
    assert_eq!(environment.var("A"), Some(OsStr::new(" x\n")), "what is not blank is not changed");
}

#[test]
fn nothing_reads_a_variable_around_the_environment() {
    for (path, code) in sources() {
        for way in ["env::var(", "env::var_os(", "env::vars(", "env::vars_os(", "env = \""] {
            let may = path == "sys/environment.rs";
            assert!(may || !code.contains(way), "{path} has {way}");
        }
        // As they stand, variables are only handed on to git and other programs.
        let may = ["sys/environment.rs", "sys/process.rs", "sys/git/mod.rs"].contains(&path.as_str());
        for way in ["environment.value(", ".value(\"GIT", ".value(\"AILERON"] {
            assert!(may || !code.contains(way), "{path} has {way}");
        }
    }
}
