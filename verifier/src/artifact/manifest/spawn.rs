//! `[capabilities.spawn]`: programs a connector may start. artifacts.md §2, last table.

use std::collections::HashSet;

use crate::artifact::rules;
use crate::problem::{Rule, Spanned};
use crate::text::printable;
use crate::text::toml::Table;

/// `[capabilities.spawn]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spawn {
    /// Programs that may be started; at least one.
    pub programs: Vec<Program>,
    /// Named command lines; at least one.
    pub operations: Vec<Operation>,
    /// Environment variables handed on.
    pub env_passthrough: Vec<Spanned<String>>,
    /// Those of `env_passthrough` that carry credentials.
    pub credential_env_keys: Vec<Spanned<String>>,
    /// Paths that may be read; absolute, `~` or `~/…`.
    pub fs_read: Vec<Spanned<String>>,
    /// Paths that may be written; absolute, `~` or `~/…`.
    pub fs_write: Vec<Spanned<String>>,
    /// Working directory; an empty one in the file counts as absent.
    pub cwd: Option<Spanned<String>>,
    /// Output limits, defaults filled in.
    pub limits: Limits,
}

/// One entry of `programs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Absolute, `~` or `~/…`.
    pub path: Spanned<String>,
    /// `sha256:` and 64 lower-case hex digits of the program file.
    pub hash: Option<Spanned<String>>,
}

/// One entry of `operations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `^[a-z][a-z0-9_-]*$`.
    pub name: Spanned<String>,
    /// The command line, as written; never blank.
    pub argv: Spanned<String>,
    /// For display.
    pub description: Option<String>,
}

/// `limits`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of standard output kept; default 1 MiB, at most 64 MiB.
    pub max_stdout_bytes: u64,
    /// Most bytes of standard error kept; default 256 KiB, at most 64 MiB.
    pub max_stderr_bytes: u64,
}

impl Limits {
    /// The largest limit a manifest may set.
    pub const CEILING: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_stdout_bytes: 1 << 20, max_stderr_bytes: 256 << 10 }
    }
}

pub(super) fn read(table: &Table<'_>) -> Option<Spawn> {
    let programs = table.tables("programs");
    match &programs {
        None if !table.has("programs") => table.missing("programs"),
        Some(programs) if programs.value.is_empty() => {
            table.report(rules::SPAWN_PROGRAM, programs.at.clone(), "`programs` is empty");
        }
        _ => {}
    }
    let programs = programs.map(|programs| programs.value.iter().filter_map(program).collect());
    let operations = operations(table);
    let paths = |key| {
        let paths = table.strings(key).map(|paths| paths.value).unwrap_or_default();
        paths.iter().for_each(|path| check_path(table, rules::SPAWN_PATH, path));
        paths
    };
    let (fs_read, fs_write) = (paths("fs_read"), paths("fs_write"));
    let cwd = table.string("cwd").filter(|cwd| !cwd.value.is_empty());
    cwd.iter().for_each(|cwd| check_path(table, rules::SPAWN_PATH, cwd));
    let (env_passthrough, credential_env_keys) = environment(table);
    let limits = table.table("limits").map(|limits| read_limits(&limits)).unwrap_or_default();
    table.finish();
    Some(Spawn {
        programs: programs?,
        operations: operations?,
        env_passthrough,
        credential_env_keys,
        fs_read,
        fs_write,
        cwd,
        limits,
    })
}

fn program(table: &Table<'_>) -> Option<Program> {
    let path = table.required("path").inspect(|path| check_path(table, rules::SPAWN_PROGRAM, path));
    let hash = table.string("hash").inspect(|hash| super::check_hash(table, hash));
    table.finish();
    Some(Program { path: path?, hash })
}

fn operations(table: &Table<'_>) -> Option<Vec<Operation>> {
    let Some(operations) = table.table("operations") else {
        if !table.has("operations") {
            table.missing("operations");
        }
        return None;
    };
    let named = operations.named_tables();
    if named.is_empty() {
        operations.report(rules::SPAWN_OPERATION, operations.at(), "`operations` is empty");
    }
    Some(named.into_iter().filter_map(|(name, table)| operation(name, &table)).collect())
}

fn operation(name: Spanned<String>, table: &Table<'_>) -> Option<Operation> {
    let mut bytes = name.value.bytes();
    let is_name = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-');
    if !is_name {
        let message = format!("\"{}\" is not an operation name", printable(&name.value));
        table.report(rules::SPAWN_OPERATION, name.at.clone(), message);
    }
    let argv = table.required("argv");
    if let Some(argv) = argv.as_ref().filter(|argv| argv.value.trim().is_empty()) {
        table.report(rules::SPAWN_OPERATION, argv.at.clone(), "`argv` is blank");
    }
    let description = table.string("description").map(|description| description.value);
    table.finish();
    Some(Operation { name, argv: argv?, description })
}

fn environment(table: &Table<'_>) -> (Vec<Spanned<String>>, Vec<Spanned<String>>) {
    let names = |key| table.strings(key).map(|names| names.value).unwrap_or_default();
    let (passed, credentials) = (names("env_passthrough"), names("credential_env_keys"));
    for name in &passed {
        let mut bytes = name.value.bytes();
        let is_name = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            let message = format!("\"{}\" is not a variable name", printable(&name.value));
            table.report(rules::SPAWN_ENVIRONMENT, name.at.clone(), message);
        }
    }
    let known: HashSet<&str> = passed.iter().map(|name| name.value.as_str()).collect();
    for name in credentials.iter().filter(|name| !known.contains(name.value.as_str())) {
        let message = format!("\"{}\" is not in env_passthrough", printable(&name.value));
        table.report(rules::SPAWN_ENVIRONMENT, name.at.clone(), message);
    }
    (passed, credentials)
}

fn check_path(table: &Table<'_>, rule: &'static Rule, path: &Spanned<String>) {
    let is_anchored = path.value.starts_with('/') || path.value == "~" || path.value.starts_with("~/");
    if !is_anchored {
        let message = format!("\"{}\" is neither absolute nor under ~/", printable(&path.value));
        table.report(rule, path.at.clone(), message);
    }
}

fn read_limits(table: &Table<'_>) -> Limits {
    let limit = |key, default| {
        let Some(limit) = table.integer(key) else { return default };
        match u64::try_from(limit.value) {
            Ok(bytes @ 1..=Limits::CEILING) => bytes,
            _ => {
                let message = format!("{} is not between 1 and {}", limit.value, Limits::CEILING);
                table.report(rules::SPAWN_LIMIT, limit.at, message);
                default
            }
        }
    };
    let default = Limits::default();
    let limits = Limits {
        max_stdout_bytes: limit("max_stdout_bytes", default.max_stdout_bytes),
        max_stderr_bytes: limit("max_stderr_bytes", default.max_stderr_bytes),
    };
    table.finish();
    limits
}
