//! Which variables a child may have.

/// Variables every child may have, when they are set. Names ending in `*` are prefixes. artifacts.md §12.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "XDG_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What programs on Windows cannot start without.
const PASSED_ON_WINDOWS: &[&str] = &[
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
];

/// The second lock: a name with one of these in it is not passed, whatever prefix let it in.
const NEVER: [&str; 6] = ["TOKEN", "SECRET", "KEY", "PASS", "CREDENTIAL", "AILERON"];

/// Whether a child may have the variable of this name.
pub(super) fn is_passed(name: &str) -> bool {
    let allowed = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => name.get(..prefix.len()).is_some_and(|start| is_same_name(start, prefix)),
        None => is_same_name(name, pattern),
    };
    let here = if cfg!(windows) { PASSED_ON_WINDOWS } else { &[] };
    let upper = name.to_ascii_uppercase();
    PASSED.iter().chain(here).any(|pattern| allowed(pattern)) && !NEVER.iter().any(|word| upper.contains(word))
}

/// Variables of ours that say where things are and hold no secret.
const OURS_TO_SHARE: [&str; 2] = ["AILERON_HOME", "AILERON_MIRROR"];

/// Whether a program that the user launches may have the variable: everything of his, and of ours what is no secret.
pub(super) fn is_for_the_users_program(name: &str) -> bool {
    !name.to_ascii_uppercase().starts_with("AILERON_") || OURS_TO_SHARE.iter().any(|ours| is_same_name(name, ours))
}

/// Names of variables differ in case, but on Windows.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    if cfg!(windows) { one.eq_ignore_ascii_case(other) } else { one == other }
}
