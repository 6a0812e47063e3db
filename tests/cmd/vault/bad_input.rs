//! Passphrases, files and places that are wrong: each says what it is, and nothing is repaired.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use aileron_testkit::home::TestHome;
use aileron_testkit::{Requirement, skip};

use super::{file, vector, with_vault, without_terminal};

#[test] // vault.md §6.2
fn a_passphrase_may_be_any_bytes_but_none() {
    for (name, content, typed_again) in [
        ("not UTF-8", &b"\xff\xfe hunter2\n"[..], &b"\xff\xfe hunter2"[..]),
        ("a line break inside", b"hunter2\nhunter3\n", b"hunter2\nhunter3"),
        ("carriage returns at the end", b"hunter2\r\n\r\n", b"hunter2"),
        ("white space at both ends", b" hunter2 \n", b" hunter2 "),
        ("a megabyte", &[b'h'; 1 << 20], &[b'h'; 1 << 20]),
    ] {
        let home = TestHome::new();
        home.write("passphrase.txt", content);
        home.write("again.txt", typed_again);
        home.ok("aileron vault init --passphrase-file passphrase.txt");
        home.write("token.txt", "hunter2-token");
        home.ok("aileron vault put user/tea --from-file token.txt --passphrase-file again.txt");
        home.write("other.txt", [typed_again, b"x"].concat());
        let refused = home.run("aileron vault put user/tea --from-file token.txt --passphrase-file other.txt");
        assert_eq!(refused.code, 1, "{name}");
        assert!(refused.stderr.starts_with("vault unlock rejected: wrong passphrase\n"), "{name}: {}", refused.stderr);
    }
    let home = TestHome::new();
    for content in [&b""[..], b"\n", b"\r\n\n"] {
        home.write("passphrase.txt", content);
        let refused = home.run("aileron vault init --passphrase-file passphrase.txt");
        assert_eq!((refused.code, refused.stderr.as_str()), (1, "error: passphrase cannot be empty\n"));
        assert!(!file(&home).exists());
    }
    home.write("passphrase.txt", vec![b'h'; (4 << 20) + 1]);
    let refused = home.run("aileron vault init --passphrase-file passphrase.txt");
    assert!(refused.code == 1 && refused.stderr.contains("longer than 4194304 bytes"), "{}", refused.stderr);
    assert_eq!(home.run("aileron vault init --passphrase-file gone.txt").code, 1);
    assert!(!file(&home).exists());
}

#[test] // vault.md §6.2: the variable counts verbatim; an empty one is as none
fn the_variable_is_taken_as_it_stands() {
    let home = TestHome::new();
    let init = |value: &str| {
        let mut command = without_terminal(&home, "vault init");
        command.env("AILERON_VAULT_PASSPHRASE", value);
        home.finish(command, value)
    };
    let none = init("");
    assert!(none.code == 1 && none.stderr.contains("\ncannot open terminal: "), "{}", none.stderr);
    assert!(none.stderr.starts_with("  Creating a new Aileron vault.\n"), "{}", none.stderr);
    assert!(!file(&home).exists());
    assert_eq!(init(" hunter2\n").code, 0);
    home.write("passphrase.txt", " hunter2");
    assert_eq!(
        home.run("aileron vault rekey --passphrase-file passphrase.txt --new-passphrase-file passphrase.txt").code,
        1
    );
}

#[test] // closed standard input, one that two things want; FiloSottile/age#603: a passphrase without a terminal
fn standard_input_may_be_closed_or_wanted_twice() {
    let home = with_vault();
    home.write("token.txt", "hunter2-token");
    let mut closed = home.command("sh");
    let line = "exec \"$0\" vault put user/tea --passphrase-file passphrase.txt <&-";
    closed.args(["-c", line, env!("CARGO_BIN_EXE_aileron")]);
    let refused = home.finish(closed, line);
    assert!(refused.code == 1 && refused.stderr.contains("value cannot be empty"), "{}", refused.stderr);
    for line in [
        "aileron vault put user/tea --from-file - --passphrase-file -",
        "aileron vault rekey --new-passphrase-file - --passphrase-file -",
    ] {
        let refused = home.run(line);
        assert!(refused.code == 2 && refused.stderr.contains("both take standard input"), "{}", refused.stderr);
    }
    let mut piped = home.typed("aileron vault put user/tea --from-file token.txt --passphrase-file -");
    piped.stdin(Stdio::from(fs::File::open(home.path("passphrase.txt")).unwrap()));
    assert_eq!(home.finish(piped, "piped").stdout, "Stored user/tea\n");
}

#[test] // vault.md §5: corrupt, truncated, newer; artifacts.md §8
fn a_file_that_is_no_vault_is_never_written() {
    let home = with_vault();
    home.write("token.txt", "hunter2-token");
    for (name, list, unlock) in [
        ("not-json", 3, "vault_unlock_failed"),
        ("nothing", 3, "vault_unlock_failed"),
        ("truncated", 3, "vault_unlock_failed"),
        ("two-documents", 3, "vault_unlock_failed"),
        ("not-base64", 3, "vault_unlock_failed"),
        ("version-2", 3, "vault_unlock_failed"),
        ("short-salt", 0, "vault_unlock_failed"),
        ("no-salt", 0, "vault_unlock_failed"),
        ("flat-without-salt", 0, "vault_unlock_failed"),
        ("tampered", 0, "vault_tampered"),
        ("damaged-verifier", 0, "wrong_passphrase"),
    ] {
        let (text, passphrase) = vector(name);
        fs::write(file(&home), &text).unwrap();
        home.write("passphrase.txt", passphrase);
        for line in ["vault list", "binding list", "secret list", "status vault"] {
            assert_eq!(home.run(&format!("aileron {line}")).code, list, "{name}: {line}");
        }
        let put = "aileron vault put user/tea --from-file token.txt --passphrase-file passphrase.txt --json";
        let refused = home.run(put).json();
        assert_eq!(refused["error"]["class"], unlock, "{name}: {refused}");
        let code = if unlock == "wrong_passphrase" { 1 } else { 3 };
        assert_eq!(home.run(put).code, code, "{name}");
        assert_ne!(home.run("aileron vault init --passphrase-file passphrase.txt").code, 0, "{name}");
        if list == 3 {
            assert_eq!(home.run("aileron vault delete secret/bot --yes").code, 3, "{name}");
            assert_eq!(home.run("aileron vault reset").code, 3, "{name}");
        }
        assert_eq!(fs::read_to_string(file(&home)).unwrap(), text, "{name}");
    }
}

#[test] // V15, V18; vault.md §1
fn permissions_and_places_that_do_not_fit_are_said() {
    let home = with_vault();
    home.write("token.txt", "hunter2-token");
    let put = "aileron vault put user/tea --from-file token.txt --passphrase-file passphrase.txt";
    let mode = |mode| fs::set_permissions(file(&home), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let ran = home.ok(put);
    assert!(ran.stderr.starts_with("warning: other users could read "), "{}", ran.stderr);
    assert_eq!(fs::metadata(file(&home)).unwrap().permissions().mode() & 0o777, 0o600);
    mode(0o666);
    let refused = home.run(put);
    assert!(
        refused.code == 1 && refused.stderr.contains("can be written by other users\nnext: chmod go-w "),
        "{}",
        refused.stderr
    );
    mode(0o600);
    let place = file(&home).parent().unwrap().to_owned();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o500)).unwrap();
    let ran = home.run(put);
    // Root writes everywhere.
    assert!(ran.code == 0 || ran.stderr.contains("Permission denied"), "{}", ran.stderr);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    let mut homeless = home.typed("aileron vault list");
    homeless.env_remove("HOME").env_remove("AILERON_HOME");
    let refused = home.finish(homeless, "no home");
    assert!(refused.code == 1 && refused.stderr.contains("cannot determine home directory"), "{}", refused.stderr);
}

#[test]
fn a_full_disk_loses_no_entry_and_what_is_put_later_is_there() {
    let home = TestHome::new();
    home.write("passphrase.txt", "hunter2");
    home.write("token.txt", "hunter2-token");
    let folder = file(&home).parent().expect("a folder").to_owned();
    fs::create_dir_all(&folder).unwrap();
    let mount = |program: &str, arguments: &[&str]| {
        home.command(program).args(arguments).arg(&folder).output().is_ok_and(|out| out.status.success())
    };
    if !mount("mount", &["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"]) {
        skip(Requirement::Mount, "this machine does not let a test mount a tmpfs");
        return;
    }
    let put = |name: &str| {
        home.run(&format!("aileron vault put user/{name} --from-file token.txt --passphrase-file passphrase.txt"))
    };
    let first = home.run("aileron vault init --passphrase-file passphrase.txt").code + put("tea").code;
    let before = fs::read(file(&home)).unwrap();
    // As much as there is room for.
    let filler = folder.join("filler");
    let _ = fs::write(&filler, vec![0; 64 << 10]);
    let full = put("coffee");
    let after = fs::read(file(&home)).unwrap();
    let left = fs::read_dir(&folder).unwrap().count();
    fs::remove_file(&filler).unwrap();
    let again = put("coffee");
    let listed = home.run("aileron vault list");
    assert!(mount("umount", &[]), "the mount could not be undone");
    assert_eq!((first, full.code, again.code), (0, 1, 0), "{}{}", full.stderr, again.stderr);
    assert!(full.stderr.contains("No space left"), "{}", full.stderr);
    assert!(after == before && left <= 3, "the vault is as it was, with its lock and what fills the disk: {left}");
    assert!(listed.stdout.contains("user/tea") && listed.stdout.contains("user/coffee"), "{listed}");
}
