//! Flags of the verbs that open the vault.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::sys::disk::{self, DiskError, Operation};
use crate::sys::environment::Environment;
use crate::sys::input;
use crate::ui::report::Failure;

/// Longest passphrase or value that is read from a file or from standard input.
const LIMIT: u64 = 4 << 20;

/// Where the passphrase is, for who is not asked for it. vault.md §6.2.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PassphraseFlags {
    /// File that holds the vault's passphrase; `-` is standard input [default: AILERON_VAULT_PASSPHRASE, else asked for].
    #[arg(long, value_name = "FILE", help_heading = "Vault")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl PassphraseFlags {
    /// The passphrase that was given beforehand: the file's without the line breaks at its end, else the variable's, verbatim.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn given(&self, environment: &Environment) -> Result<Option<Secret>, Failure> {
        match &self.passphrase_file {
            Some(path) => Ok(Some(passphrase(path)?)),
            None => Ok(environment.secret("AILERON_VAULT_PASSPHRASE")),
        }
    }

    /// Whether it was given beforehand.
    pub(crate) fn is_given(&self, environment: &Environment) -> bool {
        self.passphrase_file.is_some() || environment.var("AILERON_VAULT_PASSPHRASE").is_some()
    }

    /// Whether standard input is the passphrase's.
    pub(crate) fn takes_standard_input(&self) -> bool {
        self.passphrase_file.as_deref().is_some_and(is_standard_input)
    }
}

/// Which binding a run uses, and how the vault is opened for it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct BindingFlags {
    /// The binding to use, where several are for the connector.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with_all = ["credential_env", "credential_file"],
        help_heading = "Credential"
    )]
    pub(crate) binding: Option<String>,
    /// The passphrase.
    #[command(flatten)]
    pub(crate) passphrase: PassphraseFlags,
}

/// A passphrase in a file, without the line breaks at its end.
///
/// # Errors
/// The file cannot be read, or is longer than any passphrase.
pub(crate) fn passphrase(path: &Path) -> Result<Secret, Failure> {
    let bytes = file(path)?;
    let end = bytes.expose().iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    Ok(Secret::from(bytes.expose()[..end].to_vec()))
}

/// A secret in a file, byte for byte; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is longer than 4 MiB.
pub(crate) fn file(path: &Path) -> Result<Secret, Failure> {
    match is_standard_input(path) {
        true => standard_input(),
        false => Ok(disk::read_named(path, LIMIT).map(Secret::from)?),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// All of standard input.
///
/// # Errors
/// It cannot be read, or is longer than 4 MiB.
pub(crate) fn standard_input() -> Result<Secret, Failure> {
    let at = Path::new("standard input");
    Ok(input::unbuffered().and_then(read_all).map_err(DiskError::at(Operation::Read, at))?)
}

/// Reads to the end, into memory that is wiped wherever it was.
fn read_all(mut from: impl Read) -> io::Result<Secret> {
    let mut bytes = Zeroizing::new(vec![0; 4096]);
    let mut length = 0;
    loop {
        if length == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; bytes.len() * 4]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
        match from.read(&mut bytes[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => break,
            read => length += read?,
        }
        if length as u64 > LIMIT {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {LIMIT} bytes")));
        }
    }
    bytes.truncate(length);
    Ok(Secret::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §6.2
    fn a_passphrase_file_loses_its_line_breaks_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("passphrase");
        for (content, expected) in [
            (&b"tea with milk\n"[..], &b"tea with milk"[..]),
            (b"tea\r\n\r\n", b"tea"),
            (b" tea \n", b" tea "),
            (b"te\na", b"te\na"),
            (b"\n\n", b""),
            (b"", b""),
            (b"\xff\xfe\n", b"\xff\xfe"),
            (&[b'a'; 1 << 20], &[b'a'; 1 << 20]),
        ] {
            std::fs::write(&path, content).expect("writes");
            let found = passphrase(&path).unwrap_or_else(|error| panic!("{}", error.message));
            assert!(found.expose() == expected, "{:?}", &content[..content.len().min(20)]);
        }
        std::fs::write(&path, vec![b'a'; (LIMIT + 1) as usize]).expect("writes");
        assert!(passphrase(&path).is_err());
    }

    #[test] // vault.md §6.2
    fn the_variable_counts_verbatim_and_after_the_file() {
        let environment: Environment = [("AILERON_VAULT_PASSPHRASE".into(), " tea \n".into())].into_iter().collect();
        let given = |flags: PassphraseFlags, environment: &Environment| {
            flags.given(environment).ok().flatten().map(|secret| secret.expose().to_vec())
        };
        assert_eq!(given(PassphraseFlags::default(), &environment).as_deref(), Some(&b" tea \n"[..]));
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("passphrase");
        std::fs::write(&path, "coffee\n").expect("writes");
        let flags = PassphraseFlags { passphrase_file: Some(path) };
        assert_eq!(given(flags, &environment).as_deref(), Some(&b"coffee"[..]));
        let empty: Environment = [("AILERON_VAULT_PASSPHRASE".into(), "".into())].into_iter().collect();
        assert!(given(PassphraseFlags::default(), &empty).is_none());
    }

    #[test]
    fn what_comes_in_pieces_is_whole() {
        for length in [0, 1, 4095, 4096, 4097, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(read_all(bytes.as_slice()).expect("reads").expose(), bytes);
        }
        assert!(read_all(io::repeat(0)).is_err());
    }
}
