//! Two users of one machine: whatever another user plants, owns, links, locks or exchanges below a home, no verdict, no grant
//! and no output becomes his, and no command waits for him without end. artifacts.md §10, "Private".
//!
//! The other user is real: each plant is a shell script run under another uid, so these tests need root.

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

/// Nobody, on most systems; what matters is that it is neither root nor this user.
const OTHER: u32 = 65_534;
/// A command that is not done after this many seconds waits for something.
const FOREVER: &str = "120";

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// What it comes to when nobody plants anything.
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

fn row(what: &'static str, open: fn(&Scene), plant: &'static str, [ring, connector, action]: [Outcome; 3]) -> Row {
    Row { what, open, plant, ring, connector, action }
}

const ALL: [Outcome; 3] = [Refused, Refused, Refused];
const NONE: [Outcome; 3] = [Ours, Ours, Ours];
/// An action calls its connector.
const STORE: [Outcome; 3] = [Ours, Refused, Refused];
const ACTIONS: [Outcome; 3] = [Ours, Ours, Refused];

#[test]
fn a_home_that_another_user_can_write_or_owns_gives_no_verdict_he_wants() {
    if !is_root() {
        return;
    }
    run(&[
        row("nothing is open", |_| (), "rm -rf $H; cp $E/keyring.json $H/keyring.json; mkfifo $H/x", NONE),
        row("a home for all, ring replaced", |s| mode(&s.home, 0o777), "mv $E/ring $H/keyring.json", ALL),
        row(
            "a home for all, ring replaced by one that only he can read",
            |s| mode(&s.home, 0o777),
            "mv $E/ring $H/keyring.json; chmod 600 $H/keyring.json",
            ALL,
        ),
        row("a home for all, nothing done", |s| mode(&s.home, 0o777), "true", ALL),
        row("his home", |s| chown(&s.home, Some(OTHER), None).unwrap(), "mv $E/ring $H/keyring.json", ALL),
        row(
            "a home for his group",
            |s| {
                chown(&s.home, None, Some(OTHER)).unwrap();
                mode(&s.home, 0o775);
            },
            "mv $E/ring $H/keyring.json",
            ALL,
        ),
        row(
            "a sticky home",
            |s| mode(&s.home, 0o1777),
            "mv -f $E/ring $H/keyring.json; rm -rf $H/store $H/cache; mkfifo $H/.keyring.json.lock.x; cp -r $E/home $H/other",
            NONE,
        ),
        row(
            "a sticky home without a ring",
            |s| {
                fs::remove_file(s.home.join("keyring.json")).unwrap();
                mode(&s.home, 0o1777);
            },
            "mv $E/ring $H/keyring.json",
            ALL,
        ),
        row("a ring for all", |s| mode(&s.home.join("keyring.json"), 0o666), "cat $E/ring > $H/keyring.json", ALL),
        row(
            "his ring",
            |s| chown(s.home.join("keyring.json"), Some(OTHER), None).unwrap(),
            "cat $E/ring > $H/keyring.json; chmod 600 $H/keyring.json",
            ALL,
        ),
        row(
            "our link to his ring",
            |s| {
                fs::remove_file(s.home.join("keyring.json")).unwrap();
                symlink(s.path("evil/ring"), s.home.join("keyring.json")).unwrap();
            },
            "true",
            ALL,
        ),
        row("his link to his ring", |s| mode(&s.home, 0o777), "ln -sf $E/ring $H/keyring.json", ALL),
        row("his link to our ring", |s| mode(&s.home, 0o777), "cd $H; mv keyring.json r; ln -s r keyring.json", ALL),
        row("a directory above the home for all", |s| mode(s.root.path(), 0o777), "mv $H $H.x; cp -r $E/home $H", ALL),
        row(
            "a home that is our link into his directory",
            |s| {
                fs::rename(&s.home, s.path("real")).unwrap();
                fs::create_dir(s.path("his")).unwrap();
                chown(s.path("his"), Some(OTHER), None).unwrap();
                fs::rename(s.path("real"), s.path("his/real")).unwrap();
                symlink("his/real", &s.home).unwrap();
            },
            "mv his/real his/x; cp -r $E/home his/real",
            ALL,
        ),
        row(
            "a home that is our link to our directory",
            |s| {
                fs::rename(&s.home, s.path("real")).unwrap();
                symlink("real", &s.home).unwrap();
            },
            "ln -sf $E/home $H",
            NONE,
        ),
    ]);
}

#[test]
fn what_another_user_puts_into_the_store_is_never_run() {
    if !is_root() {
        return;
    }
    run(&[
        row(
            "his manifest",
            |s| chown(s.entry().join("manifest.toml"), Some(OTHER), None).unwrap(),
            "printf '\\n[capabilities.x]\\nhosts = [\"evil.example:443\"]\\n' >> $H/store/connectors/sha256/$HEX/manifest.toml",
            STORE,
        ),
        row(
            "his module, the right bytes",
            |s| chown(s.entry().join("connector.wasm"), Some(OTHER), None).unwrap(),
            "true",
            STORE,
        ),
        row(
            "an entry for all, manifest replaced",
            |s| mode(&s.entry(), 0o777),
            "cd $H/store/connectors/sha256/$HEX; cp manifest.toml x; mv -f x manifest.toml",
            STORE,
        ),
        row(
            "an entry for all, manifest his link to our bytes",
            |s| mode(&s.entry(), 0o777),
            "cd $H/store/connectors/sha256/$HEX; mv manifest.toml $E/m; ln -s $E/m manifest.toml",
            STORE,
        ),
        row(
            "our link in an entry",
            |s| {
                let manifest = s.entry().join("manifest.toml");
                fs::rename(&manifest, s.path("m")).unwrap();
                symlink(s.path("m"), manifest).unwrap();
            },
            "true",
            STORE,
        ),
        row(
            "the entry a link of his",
            |s| mode(&s.home.join("store/connectors/sha256"), 0o777),
            "cd $H/store/connectors/sha256; mv $HEX $E/$HEX; ln -s $E/$HEX $HEX",
            STORE,
        ),
        row(
            "entries exchanged",
            |s| mode(&s.home.join("store/connectors"), 0o777),
            "cd $H/store/connectors; mv sha256 x; cp -r $E/home/store/connectors/sha256 sha256; mv sha256/* sha256/$HEX",
            STORE,
        ),
        row("the store exchanged", |s| mode(&s.home, 0o1777), "mv $H/store $H/x; cp -r $E/home/store $H/store", NONE),
        row(
            "the store is his",
            |s| chown(s.home.join("store"), Some(OTHER), None).unwrap(),
            "rm -rf $H/store/index; cp -r $E/home/store/index $H/store/index",
            STORE,
        ),
        row(
            "an empty index of his",
            |s| mode(&s.home.join("store/index"), 0o777),
            "rm $H/store/index/connectors.json; echo '{}' > $H/store/index/connectors.json",
            NONE,
        ),
        row(
            "an index of his that leads elsewhere",
            |s| mode(&s.home.join("store/index"), 0o777),
            "rm $H/store/index/*; sed \"s/sha256:.*\\\"/sha256:$(printf %064d 0)\\\"/\" $E/home/store/index/connectors.json > $H/store/index/connectors.json",
            NONE,
        ),
        row(
            "an index that is a FIFO",
            |s| mode(&s.home.join("store/index"), 0o777),
            "cd $H/store/index; rm *; mkfifo connectors.json",
            NONE,
        ),
        row(
            "unfinished entries of his",
            |s| {
                fs::create_dir_all(s.home.join("store/connectors/tmp")).unwrap();
                mode(&s.home.join("store/connectors/tmp"), 0o777);
            },
            "cd $H/store/connectors/tmp; mkfifo install-000000000000000000000000; mkdir remove-111111111111111111111111",
            NONE,
        ),
        row(
            "a FIFO for the manifest",
            |s| mode(&s.entry(), 0o777),
            "cd $H/store/connectors/sha256/$HEX; rm -f manifest.toml; mkfifo manifest.toml",
            STORE,
        ),
        row(
            "a FIFO for the module",
            |s| mode(&s.entry(), 0o777),
            "cd $H/store/connectors/sha256/$HEX; rm -f connector.wasm; mkfifo connector.wasm",
            STORE,
        ),
        row(
            "a FIFO for the signature",
            |s| mode(&s.entry(), 0o777),
            "cd $H/store/connectors/sha256/$HEX; rm -f signature.sig; mkfifo signature.sig",
            STORE,
        ),
        row("a FIFO for the ring", |s| mode(&s.home, 0o777), "rm -f $H/keyring.json; mkfifo $H/keyring.json", ALL),
        row("a directory for the ring", |s| mode(&s.home, 0o777), "rm -f $H/keyring.json; mkdir $H/keyring.json", ALL),
        row(
            "a ring without end",
            |s| mode(&s.home, 0o777),
            "rm -f $H/keyring.json; truncate -s 8G $H/keyring.json",
            ALL,
        ),
        row("a device for the ring", |s| mode(&s.home, 0o777), "ln -sf /dev/zero $H/keyring.json", ALL),
        row("his action", |s| chown(s.home.join("actions/say.md"), Some(OTHER), None).unwrap(), "true", ACTIONS),
        row(
            "a FIFO for an action",
            |s| mode(&s.home.join("actions"), 0o777),
            "cd $H/actions; rm -f say.md; mkfifo say.md",
            ACTIONS,
        ),
        row(
            "a FIFO for an action's signature",
            |s| mode(&s.home.join("actions"), 0o777),
            "cd $H/actions; rm -f say.sig; mkfifo say.sig",
            ACTIONS,
        ),
        row(
            "a batch of his",
            |s| mode(&s.home.join("actions"), 0o777),
            "cd $H/actions; mkdir -p .batches/commit-000000000000000000000000; echo x > .batches/commit-000000000000000000000000/say.md",
            ACTIONS,
        ),
    ]);
}

#[test]
fn what_another_user_remembers_or_compiles_for_us_is_not_used() {
    if !is_root() {
        return;
    }
    let compiled = "cd $E/home/cache/compiled; for f in *; do cp $f $H/cache/compiled/$HEX-${f#*-}; done";
    run(&[
        row("compiled code for all", |s| mode(&s.home.join("cache/compiled"), 0o777), compiled, NONE),
        row(
            "compiled code exchanged",
            |s| mode(&s.home.join("cache"), 0o777),
            "cd $H/cache; mv compiled x; mkdir -m 700 compiled; cd $E/home/cache/compiled; for f in *; do cp $f $H/cache/compiled/$HEX-${f#*-}; done",
            NONE,
        ),
        row(
            "his cache",
            |s| chown(s.home.join("cache"), Some(OTHER), None).unwrap(),
            "cd $H/cache; mv checked x; mkdir checked",
            NONE,
        ),
        row(
            "a FIFO for a memory",
            |s| mode(&s.home.join("cache/checked"), 0o777),
            "cd $H/cache/checked; rm -f *; mkfifo $HEX.json actions.json",
            NONE,
        ),
        row(
            "a FIFO for compiled code",
            |s| mode(&s.home.join("cache/compiled"), 0o777),
            "cd $H/cache/compiled; for f in *; do rm -f $f; mkfifo $f; done",
            NONE,
        ),
    ]);
    // After the key was revoked, a memory that names today's ring must not stand in for it.
    let places: [(&str, Open); 4] = [
        ("memories for all", |s| mode(&s.home.join("cache/checked"), 0o777)),
        ("his memories", |s| chown(s.home.join("cache/checked"), Some(OTHER), None).unwrap()),
        ("a cache for all", |s| mode(&s.home.join("cache"), 0o777)),
        ("a home for all", |s| mode(&s.home, 0o777)),
    ];
    for (what, open) in places {
        let scene = Scene::new();
        let memory = scene.home.join(format!("cache/checked/{}.json", scene.hex()));
        let text = fs::read_to_string(&memory).unwrap();
        assert_eq!(scene.run("keyring revoke github://acme").0, 0);
        let text = text.replace(&scene.toy.ring().digest(), &Keyring::new().digest());
        fs::write(scene.path("evil/memory"), text).unwrap();
        mode(&scene.path("evil/memory"), 0o644);
        open(&scene);
        scene.plant(
            "cd $H/cache; mv checked x; mkdir checked; rm -f checked/$HEX.json; cat $E/memory > checked/$HEX.json",
        );
        for line in ["connector run github://acme/echo@1.2.3 echo", "action run say --arg text=x", "verify --installed"]
        {
            let (code, said) = scene.run(line);
            assert!(code != 0 && !said.contains("\"output\""), "{what}: {line}: {said}");
        }
    }
}

#[test]
fn locks_of_another_user_hold_nobody_up() {
    if !is_root() {
        return;
    }
    let scene = Scene::new();
    // As earlier versions made them: others can list them, and so lock them.
    for open in ["store", "actions", "store/connectors"] {
        mode(&scene.home.join(open), 0o755);
    }
    let _held = scene.hold(&[".", "store", "actions", "keyring.json", "store/connectors"]);
    let archive = scene.path("good.tar.gz");
    for line in [
        "keyring revoke --wait-lock 0s github://acme".to_owned(),
        "action remove say --yes --wait-lock 0s".to_owned(),
        "connector remove github://acme/echo@1.2.3 --yes --wait-lock 0s".to_owned(),
        format!("verify {} --key /dev/null", archive.display()),
        "connector check --offline --wait-lock 0s".to_owned(),
    ] {
        let (code, said) = scene.run(&line);
        assert_eq!(code == 0, !line.starts_with("verify"), "{line}: {said}");
        assert!(!said.contains("locked"), "{line}: {said}");
    }
}

#[test]
fn directories_below_the_home_are_ours_alone_whatever_the_umask() {
    if !is_root() {
        return;
    }
    for umask in ["000", "002", "022", "077"] {
        let scene = Scene::new();
        fs::remove_dir_all(scene.home.join("cache")).unwrap();
        fs::remove_dir_all(scene.home.join("store")).unwrap();
        fs::remove_dir_all(scene.home.join("actions")).unwrap();
        let line = format!(
            "umask {umask}; \"$BIN\" connector install \"{}\" --yes --quiet && \"$BIN\" connector run github://acme/echo@1.2.3 echo",
            scene.path("good.tar.gz").display()
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).env("BIN", env!("CARGO_BIN_EXE_aileron")).env("AILERON_HOME", &scene.home);
        let said = shell.stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&said.stderr));
        let mut folders = vec![scene.home.join("cache"), scene.home.join("store")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            let found = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, 0o700, "umask {umask}: {}", folder.display());
            folders
                .extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()));
        }
        assert!(seen >= 6, "umask {umask}: {seen} directories");
        scene.plant("cd $H/cache && mv compiled x; cd $H/store && mv connectors x");
        assert_eq!(scene.run("connector run github://acme/echo@1.2.3 echo").0, 0, "umask {umask}");
    }
}

#[test]
fn a_configuration_of_another_user_does_not_say_where_keys_are_looked_up() {
    if !is_root() {
        return;
    }
    let config = "printf 'hub:\\n  url: /evil.example\\n' > $H/config.yaml";
    let places: [Open; 2] = [|s| mode(&s.home, 0o777), |s| mode(&s.home, 0o1777)];
    for open in places {
        let scene = Scene::new();
        open(&scene);
        scene.plant(config);
        let (code, said) = scene.run("keyring trust github://evil");
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("config.yaml") && !said.contains("evil.example"), "{said}");
    }
}
