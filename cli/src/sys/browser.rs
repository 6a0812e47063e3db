//! The user's browser: whether there is one that can be seen, and starting it. vault.md §10.4.
//!
//! Over SSH a browser would open on another machine's screen, and without a display a text browser could take the terminal
//! over: then none is started, and the user opens the page where they can see it.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::environment::Environment;
use super::process::Spawner;

/// What a browser needs of the environment beside what every child has: the way to the screen.
const SCREEN: [&str; 10] = [
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
    "DESKTOP_SESSION",
    "DISPLAY",
    "GNOME_DESKTOP_SESSION_ID",
    "KDE_FULL_SESSION",
    "WAYLAND_DISPLAY",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "XAUTHORITY",
];

/// Browsers that would take the terminal over.
const TEXT_BROWSERS: [&str; 7] = ["browsh", "elinks", "links", "links2", "lynx", "w3m", "www-browser"];

/// Why no browser is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBrowser {
    /// The user said so.
    Unwanted,
    /// The screen is another machine's.
    Ssh,
    /// There is no screen.
    NoDisplay,
    /// `BROWSER` names one that would take the terminal over.
    TextBrowser(String),
}

impl fmt::Display for NoBrowser {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoBrowser::Unwanted => to.write_str("--no-browser"),
            NoBrowser::Ssh => to.write_str("this is an SSH session"),
            NoBrowser::NoDisplay => to.write_str("there is no display"),
            NoBrowser::TextBrowser(name) => write!(to, "BROWSER is {name}, which would take over this terminal"),
        }
    }
}

/// Whether a browser that is started here can be seen.
///
/// # Errors
/// [`NoBrowser`].
pub fn is_visible(environment: &Environment) -> Result<(), NoBrowser> {
    if ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].iter().any(|name| environment.var(name).is_some()) {
        return Err(NoBrowser::Ssh);
    }
    let needs_display = cfg!(all(unix, not(target_os = "macos")));
    let has_display =
        ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].iter().any(|name| environment.var(name).is_some());
    if needs_display && !has_display {
        return Err(NoBrowser::NoDisplay);
    }
    let named = environment.var("BROWSER").map(|browser| browser.to_string_lossy().into_owned()).unwrap_or_default();
    let program = named.split([' ', ':']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    match TEXT_BROWSERS.contains(&program) {
        true => Err(NoBrowser::TextBrowser(program.to_owned())),
        false => Ok(()),
    }
}

/// Opens a page, by the first of the system's ways that works. Returns at once; `failed` is told, from another thread, when
/// none of them does.
pub fn open(url: &str, environment: &Environment, failed: impl FnOnce(String) + Send + 'static) {
    let commands = open::commands(url);
    let environment = environment.clone();
    thread::spawn(move || {
        let never = AtomicBool::new(false);
        let spawner = Spawner { environment: &environment, stop: &never };
        let mut last = "this system has no way to open one".to_owned();
        for command in commands {
            let program = command.get_program().to_string_lossy().into_owned();
            match spawner.adopt(command, &SCREEN).and_then(|mut child| child.wait()) {
                Ok(status) if status.success() => return,
                Ok(status) => last = format!("{program}: {status}"),
                Err(error) => last = format!("{program}: {error}"),
            }
        }
        failed(last);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli/cli#13445: a text browser over SSH
    fn no_browser_is_started_where_it_cannot_be_seen() {
        let here = |variables: &[(&str, &str)]| {
            let set = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            is_visible(&set.collect())
        };
        let ssh = |name| here(&[("DISPLAY", ":0"), (name, "1")]);
        for name in ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
            assert_eq!(ssh(name), Err(NoBrowser::Ssh), "{name}");
        }
        for (browser, text_browser) in [
            ("w3m", Some("w3m")),
            ("/usr/bin/lynx -cookies", Some("lynx")),
            ("links2:firefox", Some("links2")),
            ("firefox:w3m", None),
            ("/opt/links/firefox", None),
            ("", None),
        ] {
            let expected = text_browser.map_or(Ok(()), |name| Err(NoBrowser::TextBrowser(name.to_owned())));
            assert_eq!(here(&[("WAYLAND_DISPLAY", "wayland-0"), ("BROWSER", browser)]), expected, "{browser}");
        }
        if cfg!(all(unix, not(target_os = "macos"))) {
            assert_eq!(here(&[]), Err(NoBrowser::NoDisplay));
            assert_eq!(here(&[("DISPLAY", " ")]), Err(NoBrowser::NoDisplay));
            assert_eq!(here(&[("WSL_DISTRO_NAME", "Debian")]), Ok(()));
        }
    }
}
