//! Which room may know which: the arrows of the architecture tables, and no circles.
//!
//! Read from the sources: every `use`, and every path that begins with `crate`, `super` or `self`. What only tests use is
//! not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A room and what it may know, beside itself. A room that is not listed may know everything that is not forbidden below.
type Arrows = &'static [(&'static str, &'static [&'static str])];

/// `cli/src`: the wings never know each other, and what is below them knows no wing.
const CLI: Arrows = &[
    ("ui", &["consumer", "event", "github", "publisher", "runtime", "secret", "store", "sys", "vault"]),
    ("publisher", &["event", "github", "secret", "sys"]),
    ("consumer", &["event", "github", "secret", "store", "sys"]),
    ("runtime", &["event", "secret", "store", "sys", "vault"]),
    ("github", &["event", "secret", "sys"]),
    ("store", &["secret", "sys"]),
    ("vault", &["secret", "sys"]),
    ("sys", &["secret"]),
    ("event", &[]),
    ("secret", &[]),
];

/// `verifier/src`: a family knows the shared rooms, and no other family but where it says so.
const VERIFIER: Arrows = &[
    ("name", &["problem", "text"]),
    ("trust", &["name", "problem", "text"]),
    ("problem", &[]),
    ("layout", &["name"]),
    ("text", &["problem"]),
    ("artifact", &["layout", "name", "problem", "text", "trust"]),
    ("rules", &["aegis", "artifact", "name", "problem", "text", "unit"]),
    ("statement", &["artifact", "layout", "name", "problem", "text", "trust"]),
    ("aegis", &["problem", "text", "trust"]),
    ("proposal", &["artifact", "layout", "name", "problem", "statement", "text", "trust"]),
    ("unit", &["problem", "text"]),
];

/// `verifier/sandbox/src`: circles are looked for, nothing else.
const SANDBOX: Arrows = &[];

/// Circles that are there, with the reason. No other may come.
const ACCEPTED: &[(&str, &str)] = &[];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

type Module = Vec<String>;

/// Every module of a crate and its text, without comments and tests.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    let comment = Regex::new(r"//[^\n]*").expect("a pattern");
    let mut modules = BTreeMap::new();
    let mut directories = vec![source.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.strip_prefix(source).expect("below the source").with_extension("");
            let mut name: Module = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            name.pop_if(|last| last == "mod" || last == "lib");
            if path.extension().is_some_and(|kind| kind == "rs") && name.last().is_none_or(|last| last != "tests") {
                let text = fs::read_to_string(&path).expect("a text");
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                modules.insert(name, comment.replace_all(text, "").into_owned());
            }
        }
    }
    modules
}

/// The paths of a `use` tree: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let parts = tree.split(|char| {
        depth += i32::from(char == '{') - i32::from(char == '}');
        char == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('{') {
            Some((path, rest)) => expand(&format!("{prefix}{path}"), rest.trim_end_matches('}'), paths),
            None => paths.push(format!("{prefix}{}", part.split(" as ").next().unwrap_or_default())),
        }
    }
}

/// The modules a module's text names.
fn named(module: &Module, text: &str, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let import = Regex::new(r"(?-u:\b)use ([^;]+);").expect("a pattern");
    let path = Regex::new(r"(?-u)\b(?:crate|super|self)(?:::\w+)+").expect("a pattern");
    let mut paths = Vec::new();
    for tree in import.captures_iter(text) {
        expand("", &tree[1].replace('\n', " "), &mut paths);
    }
    paths.extend(path.find_iter(&import.replace_all(text, "")).map(|found| found.as_str().to_owned()));
    let resolve = |path: &String| {
        let mut parts = path.split("::").map(str::trim);
        let mut at = match parts.next()? {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            _ => return None,
        };
        for part in parts {
            if part == "super" { drop(at.pop()) } else { at.push(part.to_owned()) }
        }
        while !modules.contains_key(&at) {
            at.pop()?;
        }
        Some(at)
    };
    paths.iter().filter_map(resolve).collect()
}

/// Per folder, which of its rooms names which.
fn edges(source: &Path) -> BTreeMap<Module, BTreeSet<(String, String)>> {
    let modules = modules(source);
    assert!(modules.len() > 20, "only {} modules in {}", modules.len(), source.display());
    let mut edges: BTreeMap<Module, BTreeSet<(String, String)>> = BTreeMap::new();
    for (from, text) in &modules {
        for to in named(from, text, &modules) {
            let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
            if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                edges.entry(from[..shared].to_vec()).or_default().insert((one.clone(), other.clone()));
            }
        }
    }
    edges
}

/// Rooms of one folder that know each other, over one step or several.
fn circles(edges: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    let reached = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start];
        while let Some(room) = next.pop() {
            next.extend(edges.iter().filter(|(from, to)| from == room && seen.insert(to)).map(|(_, to)| to));
        }
        seen
    };
    let circle = |(room, _): &(String, String)| {
        let rooms: Vec<&str> =
            reached(room).into_iter().filter(|other| reached(other).contains(room)).map(String::as_str).collect();
        (!rooms.is_empty()).then(|| rooms.join(" "))
    };
    edges.iter().filter_map(circle).collect()
}

const CRATES: [(&str, Arrows); 3] = [("cli/src", CLI), ("verifier/src", VERIFIER), ("verifier/sandbox/src", SANDBOX)];

#[test]
fn a_room_knows_only_what_the_architecture_lets_it_know() {
    for (source, arrows) in CRATES {
        let edges = edges(&workspace().join(source));
        let wrong = edges.get(&Module::new()).into_iter().flatten().filter(|(from, to)| {
            arrows.iter().find(|(room, _)| room == from).is_some_and(|(_, may)| !may.contains(&to.as_str()))
        });
        let wrong: Vec<String> = wrong.map(|(from, to)| format!("{source}: {from} must not know {to}")).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let rooms = edges.get(&Module::new()).into_iter().flatten().map(|(from, _)| from.as_str());
        let unlisted: BTreeSet<&str> =
            rooms.filter(|room| !arrows.is_empty() && arrows.iter().all(|(name, _)| name != room)).collect();
        assert!(unlisted.is_empty(), "{source}: say what these may know: {unlisted:?}");
    }
}

#[test]
fn rooms_of_one_folder_know_each_other_in_one_direction_only() {
    let mut found = Vec::new();
    for (source, _) in CRATES {
        for (folder, edges) in edges(&workspace().join(source)) {
            let circles =
                circles(&edges).into_iter().filter(|rooms| ACCEPTED.iter().all(|(accepted, _)| accepted != rooms));
            found.extend(circles.map(|rooms| format!("{source}/{}: {rooms}", folder.join("/"))));
        }
    }
    assert!(found.is_empty(), "these know each other, over one step or several:\n{}", found.join("\n"));
}

/// What the verifier forbids itself, and what it would be used for.
const OUTSIDE: [(&str, &str); 8] = [
    (r"\bstd::fs\b", "the disk"),
    (r"\b(TcpStream|TcpListener|UdpSocket|ToSocketAddrs)\b", "the network"),
    (r"\bstd::env\b", "the environment"),
    (r"\bstd::process\b", "other programs"),
    (r"\b(SystemTime|Instant)::now\b", "the clock"),
    // A scoped thread ends before its function returns.
    (r"\bthread::(spawn|sleep|park|yield_now|current)\b|\bthread::Builder::new\(\)\.spawn\(", "threads"),
    (r"\basync fn\b", "waiting"),
    (r"\bstd::io::std(in|out|err)\b", "the terminal"),
];

#[test]
fn the_verifier_reaches_for_nothing_outside_its_arguments() {
    for (module, text) in modules(&workspace().join("verifier/src")) {
        for (pattern, what) in OUTSIDE {
            let found = Regex::new(&format!("(?-u){pattern}"))
                .expect("a pattern")
                .find(&text)
                .map(|found| found.as_str().to_owned());
            assert_eq!(found, None, "{} uses {what}", module.join("::"));
        }
    }
}

#[test]
fn what_the_rooms_name_is_read_from_every_form() {
    let modules: BTreeMap<Module, String> = ["a", "a::b", "a::c", "d", "d::e"]
        .into_iter()
        .map(|name| (name.split("::").map(str::to_owned).collect(), String::new()))
        .chain([(Module::new(), String::new())])
        .collect();
    for (text, expected) in [
        ("use crate::d::e::Thing;", "d::e"),
        ("use crate::{d::{self, e::Thing}, a::c};", "a::c d d::e"),
        ("use super::c::{One,\n    Two as Three};", "a::c"),
        ("fn f() { super::c::go(crate::d::X) }", "a::c d"),
        ("pub use self::inner::X;", "a::b"),
        ("use std::fmt; use other::d::e;", ""),
        ("pub(in crate::d) fn f() {}", "d"),
    ] {
        let from = vec!["a".to_owned(), "b".to_owned()];
        let found: Vec<String> = named(&from, text, &modules).iter().map(|module| module.join("::")).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}

#[test]
fn a_circle_is_found_over_any_number_of_steps() {
    let edges = |text: &str| -> BTreeSet<(String, String)> {
        text.split(' ').filter_map(|edge| edge.split_once('>')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    };
    for (text, expected) in
        [("a>b b>c", ""), ("a>b b>a c>a", "a b"), ("a>b b>c c>a d>a", "a b c"), ("a>b b>a c>d d>c", "a b|c d")]
    {
        let found: Vec<String> = circles(&edges(text)).into_iter().collect();
        assert_eq!(found.join("|"), expected, "{text}");
    }
}
