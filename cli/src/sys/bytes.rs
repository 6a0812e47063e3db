//! Names as git has them, and as the system has them: on Unix the same bytes, elsewhere text.

use std::ffi::{OsStr, OsString};

/// Bytes git wrote, as the system writes them; `None` where the system has no such name.
#[cfg(unix)]
pub fn to_os(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(OsStr::from_bytes(bytes).to_owned())
}

/// Bytes git wrote, as the system writes them; `None` where the system has no such name.
#[cfg(not(unix))]
pub fn to_os(bytes: &[u8]) -> Option<OsString> {
    std::str::from_utf8(bytes).ok().map(OsString::from)
}

/// A name of the system, as git writes it.
#[cfg(unix)]
pub fn of_os(text: &OsStr) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    text.as_bytes().to_vec()
}

/// A name of the system, as git writes it.
#[cfg(not(unix))]
pub fn of_os(text: &OsStr) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}
