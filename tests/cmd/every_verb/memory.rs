//! What a running program of ours leaves open to others: no core file, and no look into its memory. Seen from a child, as a
//! debugger or another process of the same user would see it.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use aileron_testkit::home::TestHome;

/// A user that is not root: the owner of a non-dumpable process's files in /proc is root, which tells nothing about root's.
const USER: u32 = 65_534;

/// `ulimit -c unlimited` as far as the machine allows, then the command.
const WITH_CORE_FILES: &str = "ulimit -S -c $(ulimit -H -c); exec \"$@\"";

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
fn both_programs_write_no_core_file_and_let_no_other_process_read_their_memory() {
    let home = TestHome::with_tea();
    home.write("peek/seen", "");
    // A git that looks at its parent, and then answers.
    let git = format!(
        "#!/bin/sh\ngrep -i 'core file' /proc/$PPID/limits >> {0}\nstat -c 'owner %u' /proc/$PPID/environ >> {0}\n\
         stat -c 'child owner %u' /proc/$$/environ >> {0}\n\
         cat /proc/$PPID/environ > /dev/null 2>&1 && echo readable >> {0}\n\
         PATH=${{PATH#*:}} exec git \"$@\"\n",
        home.path("peek/seen").display()
    );
    home.write("peek/git", git);
    fs::set_permissions(home.path("peek/git"), fs::Permissions::from_mode(0o755)).unwrap();
    let programs = [("aileron-pub", env!("CARGO_BIN_EXE_aileron-pub")), ("aileron", env!("CARGO_BIN_EXE_aileron"))];
    let [publisher, consumer] = programs.map(|(name, program)| within_reach(&home, name, program));
    if is_root() {
        give(&home.path("..").canonicalize().unwrap());
    }
    let path = format!("{}:{}", home.path("peek").display(), std::env::var("PATH").unwrap());
    for (program, args) in [
        (&publisher, &["-C", "tea", "check"][..]),
        (&publisher, &["-C", "tea", "status", "v0.1.0", "--to", "dir:registry"]),
        (&publisher, &["-C", "tea", "keys", "show"]),
        (&publisher, &["-C", "tea", "release", "v0.1.0", "--key", "publisher.key", "--to", "dir:registry"]),
    ] {
        fs::write(home.path("peek/seen"), "").unwrap();
        let mut command = home.command("sh");
        command.args(["-c", WITH_CORE_FILES, "sh", program]).args(args).env("PATH", &path);
        if is_root() {
            command.uid(USER).gid(USER);
        }
        let ran = home.finish(command, program);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        let seen = home.read("peek/seen");
        assert!(seen.contains("owner 0"), "{args:?}: {seen}");
        assert!(!seen.contains("readable"), "{args:?}: {seen}");
        let limits: Vec<&str> = seen.lines().filter(|line| line.starts_with("Max core file size")).collect();
        assert!(!limits.is_empty(), "{seen}");
        for limit in limits {
            assert_eq!(limit.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{args:?}: {limit}");
        }
        // A child is an ordinary process again: it can read its own files in /proc.
        let own = if is_root() { format!("child owner {USER}") } else { "child owner".to_owned() };
        assert!(seen.contains(&own), "{seen}");
    }
    question(&home, &consumer);
}

/// The consumer's program has no child to look from; it is looked at while it asks whether to trust a key.
fn question(home: &TestHome, program: &str) {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let mut command = home.command("sh");
    command.args(["-c", WITH_CORE_FILES, "sh", program]);
    command.args(["keyring", "trust", "--from", "registry", "github://acme/aileron-connector-tea"]);
    if is_root() {
        command.uid(USER).gid(USER);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // The first line comes before the question, and it has been set long before that.
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    let proc = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("{proc}/environ")).unwrap());
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(owner, 0, "{line}");
    let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(limit.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
}

/// The program, at a place where the user may start it.
fn within_reach(home: &TestHome, name: &str, program: &str) -> String {
    let mut starts = Command::new("test");
    starts.args(["-x", program]);
    if is_root() {
        starts.uid(USER).gid(USER);
    }
    if starts.status().unwrap().success() {
        return program.to_owned();
    }
    let copy = home.path(name);
    fs::copy(program, &copy).unwrap();
    copy.display().to_string()
}

/// Everything below belongs to the user from now on.
fn give(root: &std::path::Path) {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        chown(&folder, Some(USER), Some(USER)).unwrap();
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => chown(entry.path(), Some(USER), Some(USER)).unwrap(),
            }
        }
    }
}
