//! Both commands on this machine, which see nothing of the user: a home of their own, no session bus, no tokens of the
//! environment. sealing.md §1, `--here`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use aileron_verifier::unit::CaptureDescriptor;

use super::error::CaptureError;
use super::{World, read_token};
use crate::secret::Secret;
use crate::sys::disk::PrivateDirectory;
use crate::sys::process::foreground::Foreground;

/// The variable that names the home, and those of the XDG base directories with their place in it.
const PLACES: [(&str, &str); 6] = [
    (if cfg!(windows) { "USERPROFILE" } else { "HOME" }, "home"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_RUNTIME_DIR", "runtime"),
];
/// What a login needs of the user's terminal.
const TERMINAL: [&str; 3] = ["TERM", "COLORTERM", "NO_COLOR"];

/// Logs in here, and reads the token. `place` is where the private home is made and removed; the caller holds a lock for it.
///
/// # Errors
/// [`CaptureError`]; the home is gone then, too.
pub fn acquire(descriptor: &CaptureDescriptor, place: &Path, world: World<'_>) -> Result<Secret, CaptureError> {
    let home = PrivateDirectory::make(place)?;
    let mut variables: Vec<(String, OsString)> = Vec::new();
    for (name, directory) in PLACES {
        variables.push((name.to_owned(), home.directory(directory)?.into()));
    }
    if let Some((name, value)) = config(descriptor)? {
        variables.push((name.to_owned(), value.into()));
    }
    let browser = Some(&descriptor.browser_shim).filter(|shim| !shim.is_empty());
    let terminal = TERMINAL.iter().filter_map(|name| Some((*name, world.environment.var(name)?)));

    let (program, arguments) = program(&descriptor.login_cmd, world)?;
    let mut login = Foreground::find(program.as_os_str(), world.environment)?;
    login = login.args(arguments).with_the_short_environment(world.environment);
    for (name, value) in terminal {
        login = login.env(name, value);
    }
    for (name, value) in &variables {
        login = login.env(name, value);
    }
    if let Some(shim) = browser {
        login = login.env("BROWSER", shim);
    }
    world.login(login)?;

    let (program, arguments) = self::program(&descriptor.token_cmd, world)?;
    let token = world.spawner().command("the token command").found_at(&program).args(arguments);
    let token = variables.iter().fold(token, |token, (name, value)| token.env(name, value));
    read_token(token, descriptor)
}

/// A command's program, as a shell finds it, and its arguments.
fn program(command: &[String], world: World<'_>) -> Result<(PathBuf, Vec<OsString>), CaptureError> {
    let (program, arguments) = command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let found = Foreground::find(OsStr::new(program), world.environment)?;
    Ok((found.path().to_owned(), arguments.iter().map(OsString::from).collect()))
}

/// `config_dir`, as a variable: what a container runtime takes as `--env=…`.
fn config(descriptor: &CaptureDescriptor) -> Result<Option<(&str, &str)>, CaptureError> {
    match descriptor.config_dir.as_str() {
        "" => Ok(None),
        text => match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !text.contains('\0') => Ok(Some((name, value))),
            _ => Err(CaptureError::ConfigDir(text.to_owned())),
        },
    }
}
