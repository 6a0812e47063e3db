//! Two users of one machine: whatever another user plants, owns, links, locks or exchanges below a home, no verdict, no grant
//! and no output becomes his, and no command waits for him without end. artifacts.md §10, "Private".
//!
//! The other user is real: each plant is a shell script run under another uid, so these tests need root.

mod home;
mod locks;
mod store;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aileron_testkit::{Publisher, Requirement, Toy, module_of, pack};
use aileron_verifier::name::fqn::Authority;
use aileron_verifier::trust::keyring::Keyring;
use serde_json::Value;

use crate::store::{action, connector, later, pinned};

/// An unprivileged user: neither root nor this user.
const OTHER: u32 = 65_534;
/// A command that is not done after this many seconds waits for something.
const FOREVER: &str = "120";

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// What it comes to when nothing is planted.
    Ours,
    /// Refused.
    Refused,
}
use Outcome::{Ours, Refused};

/// Leaves a home open to the other user.
type Open = fn(&Scene);

/// How a home is left open, what the other user does then, and what commands come to that need the ring, an installed
/// connector, and an installed action.
struct Row {
    what: &'static str,
    open: Open,
    /// `$H` is the home, `$E` what the other user has prepared, `$HEX` the connector's content hash.
    plant: &'static str,
    ring: Outcome,
    connector: Outcome,
    action: Outcome,
}

/// A home with a ring, a connector and an action, all used before; and what another user prepared.
struct Scene {
    root: tempfile::TempDir,
    home: PathBuf,
    toy: Toy,
}

impl Scene {
    fn new() -> Scene {
        let root = tempfile::tempdir().unwrap();
        mode(root.path(), 0o755);
        let home = root.path().join("home");
        let scene = Scene { home, root, toy: Toy::default() };
        fs::create_dir(&scene.home).unwrap();
        scene.grant(&scene.home.join("keyring.json"), &scene.toy.publisher);
        scene.install(&scene.home, &scene.toy);
        fs::write(scene.path("good.tar.gz"), pack(&scene.toy.connector())).unwrap();
        scene.prepare();
        assert_eq!(scene.run("connector run github://acme/echo@1.2.3 echo").0, 0);
        scene
    }

    /// The other user's: a ring of his own key, a connector under the same name that says something else, its code compiled.
    fn prepare(&self) {
        let evil = self.toy.clone().by(Publisher::from_seed(66));
        let module = module_of(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1) (data (i32.const 16) "{\22output\22:{\22no\22:1}}")
              (func (export "_start") (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 19))
                (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
        );
        let directory = self.path("evil");
        fs::create_dir(&directory).unwrap();
        self.grant(&directory.join("keyring.json"), &evil.publisher);
        fs::write(self.path("evil.tar.gz"), pack(&evil.sign_connector(module, evil.manifest().into_bytes()))).unwrap();
        let home = self.path("evil/home");
        let run = |line: &str| self.run_in(&home, line);
        fs::create_dir(&home).unwrap();
        self.grant(&home.join("keyring.json"), &evil.publisher);
        let archive = self.path("evil.tar.gz");
        assert_eq!(run(&format!("connector install {} --yes", archive.display())).0, 0);
        let (code, said) = run("connector run github://acme/echo@1.2.3 echo");
        assert!(code == 0 && said.contains("\"no\""), "{said}");
        fs::copy(home.join("keyring.json"), directory.join("ring")).unwrap();
        let owned = Command::new("chown").args(["-R", &format!("{OTHER}:{OTHER}")]).arg(&directory).status().unwrap();
        assert!(owned.success());
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside)
    }

    fn grant(&self, ring: &Path, publisher: &Publisher) {
        let mut granted = Keyring::new();
        granted.grant(Authority::new("github://acme"), publisher.key());
        fs::write(ring, granted.render()).unwrap();
        mode(ring, 0o644);
    }

    /// Installs, and opens twice by a clock that is ahead, so that the checks are remembered.
    fn install(&self, home: &Path, toy: &Toy) {
        let store = later(home);
        store.put(&connector(toy)).unwrap();
        store.put_actions(&[&action(toy, "say")], false).unwrap();
        for _ in 0..2 {
            store.open(&pinned(toy), &toy.ring()).unwrap();
            store.judge_actions(&toy.ring(), false).unwrap();
        }
        assert!(home.join("cache/checked/actions.json").exists());
    }

    fn hex(&self) -> String {
        self.toy.content().hex()
    }

    fn entry(&self) -> PathBuf {
        self.home.join("store/connectors/sha256").join(self.hex())
    }

    fn script(&self, text: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", text]).current_dir(self.root.path()).uid(OTHER).gid(OTHER);
        shell.env("H", &self.home).env("E", self.path("evil")).env("HEX", self.hex());
        shell
    }

    fn plant(&self, text: &str) {
        // What he may not do fails, and that is as good.
        let said = self.script(text).output().unwrap();
        assert!(said.status.code().is_some(), "{text}");
    }

    /// A process of the other user that holds locks until it is dropped.
    fn hold(&self, paths: &[&str]) -> Held {
        let locks: String = paths
            .iter()
            .enumerate()
            .map(|(at, path)| format!("exec {}<\"$H/{path}\" && flock -x {0}; ", at + 3))
            .collect();
        let mut shell = self.script(&format!("{locks} echo held; read end"));
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Held(child)
    }

    fn run(&self, line: &str) -> (i32, String) {
        self.run_in(&self.home, line)
    }

    /// Exit code and standard output, and what was said on standard error.
    fn run_in(&self, home: &Path, line: &str) -> (i32, String) {
        let ran = Command::new("timeout")
            .args(["--kill-after=5", FOREVER, env!("CARGO_BIN_EXE_aileron")])
            .args(line.split(' '))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.path())
            .env("AILERON_HOME", home)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let code = ran.status.code().unwrap();
        assert!(![124, 137].contains(&code), "{line} waits without end");
        (code, String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
    }

    /// Nothing is the other user's; and what is refused, and what not, is as the row says.
    fn judge(&self, row: &Row) {
        let outcome = |line: &str| {
            let (code, said) = self.run(line);
            assert!(!said.contains("\"no\"") && !said.contains("evil.example"), "{}: {line}: {said}", row.what);
            assert!(code != 101, "{}: {line}: {said}", row.what);
            (if code == 0 { Ours } else { Refused }, said)
        };
        let archive = |name: &str| format!("verify {}", self.path(name).display());
        for (line, expected) in [
            (archive("evil.tar.gz"), Refused),
            (archive("good.tar.gz"), row.ring),
            ("keyring list --json".to_owned(), row.ring),
            ("keyring revoke --wait-lock 0s github://other".to_owned(), row.ring),
            ("connector run github://acme/echo@1.2.3 echo".to_owned(), row.connector),
            ("action run say --arg text=x".to_owned(), row.action),
            ("verify --installed".to_owned(), if row.connector == row.action { row.action } else { Refused }),
        ] {
            let (found, said) = outcome(&line);
            assert_eq!(found, expected, "{}: {line}: {said}", row.what);
            if line.starts_with("keyring list") && found == Ours {
                let listed: Value = serde_json::from_str(said.trim()).unwrap();
                let ours = self.toy.publisher.key().fingerprint().to_string();
                assert!(listed.to_string().contains(&ours), "{}: {listed}", row.what);
            }
        }
    }
}

struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether another user can be played.
fn is_root() -> bool {
    Requirement::Root.is_met()
}

fn run(rows: &[Row]) {
    for row in rows {
        let scene = Scene::new();
        (row.open)(&scene);
        scene.plant(row.plant);
        scene.judge(row);
    }
}

const fn row(
    what: &'static str,
    open: fn(&Scene),
    plant: &'static str,
    [ring, connector, action]: [Outcome; 3],
) -> Row {
    Row { what, open, plant, ring, connector, action }
}

const ALL: [Outcome; 3] = [Refused, Refused, Refused];
const NONE: [Outcome; 3] = [Ours, Ours, Ours];
/// An action calls its connector.
const STORE: [Outcome; 3] = [Ours, Refused, Refused];
const ACTIONS: [Outcome; 3] = [Ours, Ours, Refused];
