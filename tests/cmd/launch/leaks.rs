//! Marker secrets through everything that `launch` does: afterwards, and meanwhile, they are where they belong and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{TestHome, ended, ok};
use aileron_testkit::{Requirement, skip};
use memchr::memmem;
use rustix::process::Signal;

use super::{Launched, home, launch, listening};
use crate::run::running::echo;
use crate::run::server::Server;
use crate::vault::file;
use crate::vault::running::{CONNECTOR, bind_as};

/// A home whose passphrase and credential no other test has: what other tests run is looked at too.
pub(crate) struct Marked {
    pub(crate) home: TestHome,
    pub(crate) passphrase: String,
    pub(crate) secret: String,
}

impl Marked {
    pub(crate) fn new(service: &Server) -> Marked {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let marker = |what: &str| format!("{what}-{}-{number}-marker", std::process::id());
        let (home, passphrase, secret) = (home(service), marker("passphrase"), marker("secret"));
        fs::remove_file(file(&home)).unwrap();
        home.write("passphrase.txt", &passphrase);
        bind_as(&passphrase, &home, &[("api_key/tea/home", CONNECTOR, &secret)]);
        Marked { home, passphrase, secret }
    }

    /// Both of them.
    pub(crate) fn markers(&self) -> [&str; 2] {
        [&self.passphrase, &self.secret]
    }
}

/// What `/proc` shows of every process: command line and environment, as far as they may be read.
pub(crate) fn processes() -> BTreeMap<String, Vec<u8>> {
    let mut shown = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().map_while(Result::ok) {
        if entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            for name in ["cmdline", "environ"] {
                let path = entry.path().join(name);
                shown.insert(path.display().to_string(), fs::read(&path).unwrap_or_default());
            }
        }
    }
    shown
}

/// Where a marker is.
pub(crate) fn holders(among: &BTreeMap<String, Vec<u8>>, marker: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| memmem::find(bytes, marker.as_bytes()).is_some();
    among.iter().filter(|(_, bytes)| holds(bytes)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn secrets_are_in_no_file_no_stream_and_no_process_list() {
    let service = echo();
    let marked = Marked::new(&service);
    let Marked { home, passphrase, secret } = &marked;
    let launched = Launched::start(home);
    let token = launched.token.clone();
    let ran = ok(&mut home.consumer(&["action", "run", "tea-ping"]));
    let (files, shown) = (contents(home.all()), processes());
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {secret}").as_str()));
    assert_eq!(holders(&files, secret), [""; 0]);
    assert_eq!(holders(&files, passphrase), ["work/passphrase.txt"]);
    assert_eq!(holders(&files, &token), ["home/.aileron/launch.json"]);
    for marker in [secret, passphrase, &token] {
        assert_eq!(holders(&shown, marker), [""; 0], "{marker}");
    }
    let ended = launched.end(Signal::INT);
    for said in [&ran, &ended] {
        for marker in [secret, passphrase, &token] {
            assert!(!said.stdout.contains(marker) && !said.stderr.contains(marker), "{said}");
        }
    }
    assert_eq!(holders(&contents(home.all()), &token), [""; 0], "it went with the process");
}

#[test]
fn the_token_of_a_program_is_in_its_environment_alone() {
    let service = echo();
    let marked = Marked::new(&service);
    let home = &marked.home;
    let mut command = launch(home, &["sh", "-c", "echo $$; echo \"$AILERON_TOKEN\"; read -r line"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (process, token) = (out.next().unwrap(), out.next().unwrap());
    let (files, shown) = (contents(home.all()), processes());
    assert_eq!(holders(&files, &token), [""; 0]);
    assert_eq!(holders(&shown, &token), [format!("/proc/{process}/environ")]);
    for marker in marked.markers() {
        assert_eq!(holders(&shown, marker), [""; 0], "{marker}");
    }
    drop(child.stdin.take());
    let said = ended(child);
    assert!(!said.stderr.contains(&token), "{said}");
}

/// Reads a page of another process's memory, as any debugger would: says how many bytes it got.
const READER: &str = "start=$(head -n 1 /proc/$0/maps | cut -d - -f 1) && test -n \"$start\" &&
    dd if=/proc/$0/mem bs=4096 count=1 skip=$((0x$start / 4096)) 2>/dev/null | wc -c";

#[test] // the seed: "Process inspection by other processes"
fn another_process_of_the_same_user_reads_none_of_its_memory() {
    let service = echo();
    let home = home(&service);
    let user = unprivileged(home.all());
    let Some(user) = user else {
        return skip(Requirement::Root, "this user cannot become an unprivileged one");
    };
    let owned = ok(home.command("chown").args(["--recursive", &user.to_string()]).arg(home.all()));
    assert_eq!(owned.stderr, "");
    let as_user = |program: &str| {
        let mut command = home.command("setpriv");
        command.args(["--reuid", &user.to_string(), "--clear-groups", program]);
        command
    };
    // Both programs are where only root may look; the user runs copies.
    let copy = home.path("aileron-copy");
    fs::copy(env!("CARGO_BIN_EXE_aileron"), &copy).unwrap();
    let mut serving = as_user(copy.to_str().unwrap());
    let serving = serving.args(["launch", "--passphrase-file", "passphrase.txt"]);
    let serving = serving.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut serving = serving.unwrap();
    let mut errors = BufReader::new(serving.stderr.take().unwrap());
    listening(&mut errors);
    let read = |process: u32| {
        let mut reader = as_user("sh");
        aileron_testkit::home::run(reader.args(["-c", READER, &process.to_string()]))
    };
    // The reader can read what may be read: another process of the same user that does not forbid it.
    let mut open = as_user("sleep").arg("1000").spawn().unwrap();
    let can = read(open.id());
    open.kill().unwrap();
    open.wait().unwrap();
    let cannot = read(serving.id());
    let environment = aileron_testkit::home::run(as_user("cat").arg(format!("/proc/{}/environ", serving.id())));
    crate::release::directory::signal(&serving, Signal::INT);
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert_eq!(ended(serving).code, 0, "{rest}");
    if can.stdout.trim() != "4096" {
        return skip(Requirement::Root, format_args!("no process may read another's memory here: {can}"));
    }
    assert!(cannot.code != 0 && cannot.stderr.contains("Permission denied"), "{cannot}");
    assert_ne!(environment.code, 0, "{environment}");
}

/// A user without rights, where this one is root and can become one who reaches this directory.
fn unprivileged(directory: &Path) -> Option<u32> {
    const UNPRIVILEGED: u32 = 65534;
    let is_reached = directory.ancestors().all(|above| {
        use std::os::unix::fs::PermissionsExt as _;
        above == directory || above.metadata().is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    });
    let mut command = Command::new("setpriv");
    let becomes = command.args(["--reuid", &UNPRIVILEGED.to_string(), "--clear-groups", "true"]).output();
    (is_reached && becomes.is_ok_and(|ran| ran.status.success())).then_some(UNPRIVILEGED)
}
