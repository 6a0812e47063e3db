//! The first line an extension prints: where it listens. aegis-bundle.md §19.1.

use std::path::{Path, PathBuf};

use aileron_verifier::text::printable_within;

/// Why a host does not connect. The texts name what was printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    /// Something else was printed first.
    #[error(
        "it printed \"{}\" before its handshake, and a host stops there (`Unrecognized remote plugin message`)",
        printable_within(.0, 200)
    )]
    PrintedFirst(String),
    /// A handshake that is not for this host.
    #[error("its handshake says {what} \"{}\"; a host takes {expected}", printable_within(.found, 200))]
    Other {
        /// Which part.
        what: &'static str,
        /// What it says.
        found: String,
        /// What it must say.
        expected: &'static str,
    },
    /// A socket somewhere else: it may belong to another program.
    #[error("its handshake names the socket \"{}\", which is not in the directory it was given", printable_within(.0, 200))]
    Elsewhere(String),
}

/// The socket that a first line names; it lies in `directory`.
///
/// # Errors
/// [`BadHandshake`].
pub fn socket(line: &str, directory: &Path) -> Result<PathBuf, BadHandshake> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    let is_handshake = fields.len() >= 5 && fields[..2].iter().all(|field| field.parse::<u16>().is_ok());
    if !is_handshake {
        return Err(BadHandshake::PrintedFirst(line.to_owned()));
    }
    for (at, what, expected) in
        [(0, "core protocol", "1"), (1, "protocol version", "1"), (2, "network", "unix"), (4, "protocol", "grpc")]
    {
        if fields[at] != expected {
            return Err(BadHandshake::Other { what, found: fields[at].to_owned(), expected });
        }
    }
    let path = PathBuf::from(fields[3]);
    // Directly in it: nothing of the path is the extension's own but the name.
    if path.parent() != Some(directory) || path.file_name().is_none() {
        return Err(BadHandshake::Elsewhere(fields[3].to_owned()));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §19.1
    fn a_first_line_is_a_handshake_for_this_host_or_is_told_why_not() {
        let directory = Path::new("/tmp/ae1");
        let bad = |line: &str| socket(line, directory).unwrap_err().to_string();
        for good in [
            "1|1|unix|/tmp/ae1/plugin1|grpc|",
            "1|1|unix|/tmp/ae1/plugin1|grpc|\n",
            "1|1|unix|/tmp/ae1/plugin1|grpc||true",
        ] {
            assert_eq!(socket(good, directory).unwrap(), Path::new("/tmp/ae1/plugin1"));
        }
        for (line, text) in [
            ("hello", "it printed \"hello\" before"),
            ("", "it printed \"\" before"),
            ("a|b|c|d|e|f", "it printed \"a|b|c|d|e|f\" before"),
            ("2|1|unix|/tmp/ae1/p|grpc|", "core protocol \"2\""),
            ("1|5|unix|/tmp/ae1/p|grpc|", "protocol version \"5\""),
            ("1|1|tcp|127.0.0.1:1|grpc|", "network \"tcp\""),
            ("1|1|unix|/tmp/ae1/p|netrpc|", "protocol \"netrpc\""),
            ("1|1|unix|/run/docker.sock|grpc|", "/run/docker.sock"),
            ("1|1|unix|/tmp/ae1/../x/p|grpc|", "/tmp/ae1/../x/p"),
            ("1|1|unix|/tmp/ae1/..|grpc|", "/tmp/ae1/.."),
            ("1|1|unix|p|grpc|", "\"p\""),
        ] {
            assert!(bad(line).contains(text), "{line}: {}", bad(line));
        }
    }
}
