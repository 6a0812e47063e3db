//! A house for one test: a temporary directory with a home, a repository `tea`, and nothing of this machine's settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The key pair of RFC 8032's first test vector, so that what is signed is the same in every run.
pub(crate) const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
/// Its public half.
pub(crate) const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
/// Texts no output may ever hold.
pub(crate) const SECRETS: [&str; 3] = ["MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v", "hunter2", "client-5ecret"];

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The only JSON document on standard output, with the fields every document has.
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr));
        assert_eq!(document["schema"], 1);
        assert!(document["command"].is_string());
        assert_eq!(document["ok"], self.code == 0, "{document}");
        assert_eq!(document["error"].is_object(), self.code != 0, "{document}");
        for line in self.stderr.lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("progress is no JSON: {line}"));
        }
        document
    }
}

pub(crate) struct House {
    temp: TempDir,
    /// Where commands run.
    pub(crate) root: PathBuf,
    variables: BTreeMap<String, String>,
}

impl House {
    /// An empty house.
    pub(crate) fn empty() -> House {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("work");
        let beside = |name: &str| {
            let path = root.with_file_name(name);
            fs::create_dir_all(&path).unwrap();
            path.display().to_string()
        };
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
        set("PATH", std::env::var("PATH").unwrap());
        set("HOME", beside("home"));
        set("AILERON_HOME", beside("home/.aileron"));
        set("TMPDIR", beside("tmp"));
        set("COLUMNS", "100".to_owned());
        set("LC_ALL", "C".to_owned());
        set("GIT_CONFIG_NOSYSTEM", "1".to_owned());
        for role in ["AUTHOR", "COMMITTER"] {
            set(&format!("GIT_{role}_NAME"), "Acme".to_owned());
            set(&format!("GIT_{role}_EMAIL"), "acme@example.com".to_owned());
        }
        // No bus, so that no keychain of this machine is found.
        set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent".to_owned());
        set("XDG_RUNTIME_DIR", "/nonexistent".to_owned());
        beside("work");
        House { temp, root, variables }
    }

    /// A house with the repository `tea`: a connector that needs no toolchain, two actions, a committed key. The private
    /// half is in `publisher.key`.
    pub(crate) fn new() -> House {
        let house = House::empty();
        house.ok("aileron-pub init tea --owner acme --language wat --yes");
        house.write("tea/keys/publisher.pub", PUBLIC_KEY);
        house.write("publisher.key", PRIVATE_KEY);
        house.commit();
        house
    }

    /// As [`House::new`], with version 0.1.0 in `registry`.
    pub(crate) fn released() -> House {
        let house = House::new();
        house.ok("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry");
        house
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Edits a text file; the text must be in it.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, text.replace(from, to));
    }

    /// Commits everything in `tea`.
    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "change"]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").current_dir(self.path("tea")).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A program with this house's environment, in its root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let program = match program {
            "aileron-pub" => env!("CARGO_BIN_EXE_aileron-pub"),
            "aileron" => env!("CARGO_BIN_EXE_aileron"),
            other => other,
        };
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// A line as it would be typed, `NAME=value` first; words are split at spaces.
    pub(crate) fn typed(&self, line: &str) -> Command {
        let mut words = line.split(' ').filter(|word| !word.is_empty()).peekable();
        let mut variables = Vec::new();
        while let Some(word) =
            words.next_if(|word| word.split('=').next().is_some_and(is_variable) && word.contains('='))
        {
            variables.push(word.split_once('=').unwrap());
        }
        let mut command = self.command(words.next().unwrap());
        command.args(words).envs(variables);
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        self.finish(self.typed(line), line)
    }

    /// Runs to the end, and holds what is true of every run: no panic, no secret, no temporary file left.
    pub(crate) fn finish(&self, mut command: Command, line: &str) -> Ran {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("{line}: {}", output.status));
        let ran = Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{line}\n{}", ran.stderr);
        for secret in SECRETS {
            assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{line} shows {secret}");
        }
        let left: Vec<_> =
            fs::read_dir(&self.variables["TMPDIR"]).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{line} leaves {left:?}");
        ran
    }

    /// Runs something that must succeed.
    pub(crate) fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Every file of the house with its bytes, but git's own; to see that nothing was written.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let inside = path.strip_prefix(&self.root).unwrap().to_owned();
                match path.is_dir() {
                    true if path.ends_with(".git") => {}
                    true => {
                        files.insert(inside.join(""), Vec::new());
                        folders.push(path);
                    }
                    false => drop(files.insert(inside, fs::read(&path).unwrap_or_default())),
                }
            }
        }
        files
    }

    /// Text with what differs from run to run named instead.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let temp = self.temp.path().canonicalize().unwrap();
        let text = text.replace(&temp.display().to_string(), "[TEMP]");
        let text = text.replace(&format!("-pub {}", env!("CARGO_PKG_VERSION")), "-pub [VERSION]");
        let text = text.replace(&format!("aileron {}", env!("CARGO_PKG_VERSION")), "aileron [VERSION]");
        // Why there is no keychain is the system's to say.
        let keychain = "there is no keychain on this machine: ";
        let line = |line: &str| match line.split_once(keychain) {
            Some((before, _)) => format!("{before}{keychain}[REASON]\n"),
            None => without_size(line),
        };
        let text: String = text.split_inclusive('\n').map(line).collect();
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_base64) {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
            out.push_str(match word.len() {
                64 if hex => "[HASH]",
                12 if hex && out.ends_with("sha256:") => "[HASH]",
                40 if hex => "[COMMIT]",
                22 if out.ends_with("sha256:") => "[FINGERPRINT]",
                120.. if after.starts_with(['\n', '=']) => "[BASE64]",
                _ => word,
            });
            rest = after;
        }
        out + rest
    }
}

/// A line without the sizes of archives: they vary by a few bytes with the key, because signatures do not compress.
fn without_size(line: &str) -> String {
    for after in [" bytes", "  verified", "  packed", " | verified"] {
        if let Some((before, rest)) = line.split_once(after) {
            let kept = before.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
            if kept.len() < before.trim_end().len() {
                return format!("{kept}[SIZE]{after}{}", without_size(rest));
            }
        }
    }
    line.to_owned()
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
