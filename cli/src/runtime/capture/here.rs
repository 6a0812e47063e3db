//! Both commands on this machine, which see nothing of the user: a home of their own, no session bus, no tokens of the
//! environment. sealing.md §1, `--here`.
//!
//! The `config_dir` of a unit names a directory of the container. Here it is the same path below the private home, so that
//! what the login writes there goes with it.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

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
/// Below the private home: what stands for the root of a container.
const CONTAINER: &str = "container";
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
        variables.push((name.to_owned(), home.directory(&format!("{CONTAINER}{value}"))?.into()));
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

/// `config_dir`, as a variable: what a container runtime takes as `--env=…`, and its directory as one below another.
fn config(descriptor: &CaptureDescriptor) -> Result<Option<(&str, String)>, CaptureError> {
    match descriptor.config_dir.as_str() {
        "" => Ok(None),
        text => match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !text.contains('\0') => {
                let within = below(value).ok_or_else(|| CaptureError::ConfigDirOutside(text.to_owned()))?;
                Ok(Some((name, within)))
            }
            _ => Err(CaptureError::ConfigDir(text.to_owned())),
        },
    }
}

/// A path of a container as one below a directory, `/a/b`; empty for the root. `None` where it may lead out of it.
fn below(path: &str) -> Option<String> {
    let mut within = String::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => {
                within.push('/');
                within.push_str(name.to_str()?);
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sealing.md §1, `--here`
    fn a_directory_of_a_container_is_one_below_the_private_home_or_none() {
        for (path, expected) in [
            ("/cfg", Some("/cfg")),
            ("/home/dev/.config/gh/", Some("/home/dev/.config/gh")),
            ("cfg", Some("/cfg")),
            ("./cfg", Some("/cfg")),
            ("//cfg//x", Some("/cfg/x")),
            ("~/cfg", Some("/~/cfg")),
            ("", Some("")),
            ("/", Some("")),
            ("..", None),
            ("/cfg/../../etc", None),
            ("../cfg", None),
        ] {
            assert_eq!(below(path).as_deref(), expected, "{path:?}");
        }
    }
}
