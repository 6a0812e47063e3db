//! The credential, as a marker, through a whole run: where it may be, and everywhere else. sealing.md §8.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::process::Stdio;

use aileron_testkit::home::ended;
use aileron_testkit::tls::{Authority, Reply, TlsServer};
use aileron_testkit::{Requirement, peers, skip};

use super::{TOKEN, holders, home, seal};

/// A program that uses the credential several times and keeps all it has seen.
const PROGRAM: &str = "import os, sys, urllib.request as u
seen = [u.urlopen('https://api.github.com/' + str(n)).read() for n in range(5)]
seen += [u.urlopen('https://github.com/').read(), repr(dict(os.environ)), sys.argv]
print(os.getpid(), flush=True)
sys.stdin.readline()
print(len(seen))";

#[test] // sealing.md §8
fn the_credential_is_in_no_file_argument_variable_memory_or_output() {
    let Some(python) = peers::program("python3") else { return };
    let (home, authority) = (home(), Authority::new());
    let server = TlsServer::start(&authority, &["api.github.com", "github.com"], |_| Reply::ok("fine"));
    let mut command = seal(&home, &authority, &[("api.github.com", &server), ("github.com", &server)]);
    command.args(["--log", "events.log", "--", python.to_str().unwrap(), "-c", PROGRAM]).env("MY_COPY", TOKEN);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut process = String::new();
    out.read_line(&mut process).unwrap();
    let process = process.trim();
    // While it runs: the disk, the program's arguments and variables, all of its memory.
    let on_disk = holders(home.all(), TOKEN);
    let place = |name: &str| fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
    let (arguments, variables) = (place("cmdline"), place("environ"));
    let memory = memory_holds(process, TOKEN.as_bytes());
    let knows = memory_holds(process, b"AILERONSENTINEL");
    let ours = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    drop(child.stdin.take());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let ran = ended(child);
    assert_eq!((ran.code, server.has_seen(TOKEN)), (0, true), "{process} {rest} {ran}");
    assert_eq!(on_disk, [""; 0]);
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, TOKEN.as_bytes()).is_some();
    assert!(!arguments.is_empty() && !variables.is_empty());
    assert!(!holds(&arguments) && !holds(&variables) && !holds(&ours));
    match (memory, knows) {
        (Some(found), Some(true)) => assert!(!found, "in the program's memory"),
        _ => skip(Requirement::Root, "no process may read another's memory here"),
    }
    // Afterwards: the log, both outputs, what stays on disk.
    assert!(!rest.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{rest} {ran}");
    assert_eq!(home.read("events.log").lines().count(), 6);
    assert_eq!(holders(home.all(), TOKEN), [""; 0]);
}

/// Whether a text is in a process's memory; `None` where that cannot be read.
fn memory_holds(process: &str, text: &[u8]) -> Option<bool> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mut memory = fs::File::open(format!("/proc/{process}/mem")).ok()?;
    let mut found = false;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw"))) {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let mut bytes = vec![0; usize::try_from(end - start).ok()?];
        memory.seek(SeekFrom::Start(start)).ok()?;
        if memory.read_exact(&mut bytes).is_ok() {
            found |= memchr::memmem::find(&bytes, text).is_some();
        }
    }
    Some(found)
}
