//! Nothing of an extension is left, however the run ends. hashicorp/go-plugin#119.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aileron_testkit::extensions::extensions;
use aileron_testkit::home::{TestHome, ended};
use rustix::process::{Pid, Signal, kill_process};

use super::{left_in, processes_of, staged, try_command};

/// Waits for something that another process does. The limit is for a machine that is stuck.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::yield_now();
    }
}

/// A run that is in the middle of Initialize, which never returns.
fn in_the_middle(home: &TestHome) -> Child {
    let mut command = try_command(home, &[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The broker's socket of the host is there before Initialize is sent.
    let has_sockets = || {
        left_in(home).iter().any(|name| {
            let below = std::fs::read_dir(home.tmp().join(name)).into_iter().flatten().flatten();
            below
                .filter(|entry| {
                    entry.file_name() == "host" || entry.file_name().to_string_lossy().starts_with("plugin")
                })
                .count()
                == 2
        })
    };
    until("it starts", has_sockets);
    assert!(processes_of(home).len() >= 2, "the extension and its guard: {:?}", processes_of(home));
    child
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

#[test] // hashicorp/go-plugin#119
fn no_process_and_no_socket_is_left_after_ctrl_c() {
    let Some(extensions) = extensions() else { return };
    for signal in [Signal::INT, Signal::TERM] {
        let home = TestHome::new();
        staged(&home, extensions, "plugin.blocks-initialize");
        let child = in_the_middle(&home);
        kill_process(pid(&child), signal).unwrap();
        let ran = ended(child);
        assert_eq!(ran.code, 130, "{ran}");
        assert!(ran.stderr.contains("interrupted: the extension was ended"), "{ran}");
        assert_eq!([left_in(&home), processes_of(&home)].concat(), Vec::<String>::new());
    }
}

#[test] // hashicorp/go-plugin#119
fn no_process_and_no_socket_is_left_after_kill_9() {
    let Some(extensions) = extensions() else { return };
    for way in ["plugin.blocks-initialize", "plugin.ignores-stop"] {
        let home = TestHome::new();
        staged(&home, extensions, way);
        let child = in_the_middle(&home);
        kill_process(pid(&child), Signal::KILL).unwrap();
        assert_eq!(ended(child).code, -9);
        // The guard does it now, which takes the moment that it takes.
        until("the guard ends", || left_in(&home).is_empty() && processes_of(&home).is_empty());
    }
}
