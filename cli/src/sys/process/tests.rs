use super::*;

#[test] // artifacts.md §12
fn a_child_gets_no_secret_and_no_compiler_setting() {
    for name in [
        "AILERON_SIGNING_KEY",
        "AILERON_HOME",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GOOGLE_OAUTH_CLIENT_SECRET",
        "XDG_SESSION_TOKEN",
        "LC_KEY",
        "GOFLAGS",
        "GOWASM",
        "GOEXPERIMENT",
        "GOROOT",
        "GOENV",
        "RUSTFLAGS",
        "LD_PRELOAD",
        "SSH_AUTH_SOCK",
    ] {
        assert!(!is_passed(name), "{name}");
    }
    for name in ["PATH", "HOME", "LC_ALL", "https_proxy", "XDG_CACHE_HOME"] {
        assert!(is_passed(name), "{name}");
    }
}

#[cfg(unix)]
mod on_unix {
    use super::*;
    use std::fs;

    fn script(dir: &Path, name: &str, text: &str) {
        aileron_testkit::script(&dir.join(name), text);
    }

    fn environment(path: &OsStr) -> Environment {
        [("PATH".into(), path.to_owned()), ("GITHUB_TOKEN".into(), "t0ken".into())].into_iter().collect()
    }

    #[test]
    fn the_output_and_status_of_a_child_come_back() {
        let dir = tempfile::tempdir().unwrap();
        script(dir.path(), "tool", "echo out $1 $MORE $GITHUB_TOKEN; echo err >&2; exit 3");
        let stop = AtomicBool::new(false);
        let environment = environment(dir.path().as_os_str());
        let spawner = Spawner { environment: &environment, stop: &stop };
        let finished = spawner.command("tool").args(["one"]).env("MORE", "two").run().unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!((&*finished.stdout, &*finished.stderr), (&b"out one two\n"[..], &b"err\n"[..]));
    }

    #[test]
    fn a_program_is_not_looked_for_in_relative_places() {
        let stop = AtomicBool::new(false);
        for path in ["", ".", "bin::"] {
            let environment = environment(OsStr::new(path));
            let spawner = Spawner { environment: &environment, stop: &stop };
            let error = spawner.command("sh").within(Path::new("/bin")).run().expect_err(path);
            assert!(matches!(error, ProcessError::NotFound { program: "sh" }), "{error}");
        }
    }

    #[test]
    fn an_interrupted_child_ends_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("started");
        script(dir.path(), "tool", &format!("(while :; do /bin/cat /dev/zero; done) & : > {}; wait", mark.display()));
        let stop = AtomicBool::new(false);
        let environment = environment(dir.path().as_os_str());
        let spawner = Spawner { environment: &environment, stop: &stop };
        thread::scope(|scope| {
            let run = scope.spawn(|| spawner.command("tool").run());
            while !mark.exists() {
                thread::yield_now();
            }
            stop.store(true, Ordering::SeqCst);
            let ended = run.join().unwrap();
            assert!(matches!(ended, Err(ProcessError::Interrupted { program: "tool" })), "{ended:?}");
        });
    }

    /// Runs a script with a cap of 1,000 bytes.
    fn capped(text: &str) -> Result<Finished, ProcessError> {
        let dir = tempfile::tempdir().unwrap();
        script(dir.path(), "tool", text);
        let stop = AtomicBool::new(false);
        let environment = environment(dir.path().as_os_str());
        Spawner { environment: &environment, stop: &stop }.command("tool").cap(1_000).run()
    }

    #[test] // artifacts.md §12
    fn an_answer_is_whole_or_an_error() {
        for (length, whole) in [
            (0, true),
            (1, true),
            (999, true),
            (1_000, true),
            (1_001, false),
            (65_536, false),
            (65_537, false),
            (1_000_000, false),
        ] {
            let told = capped(&format!("/usr/bin/head -c {length} /dev/zero"));
            match told {
                Ok(finished) => assert!(whole && finished.stdout.len() == length, "{length}"),
                Err(ProcessError::TooLong { program: "tool", cap: 1_000 }) => assert!(!whole, "{length}"),
                Err(other) => panic!("{length}: {other}"),
            }
        }
        // Also of a child that fails, and of one whose helper writes on after it.
        assert!(matches!(capped("/usr/bin/head -c 2000 /dev/zero; exit 1"), Err(ProcessError::TooLong { .. })));
        let late = capped("printf one; (/bin/sleep 0.2; printf two) &").unwrap();
        assert_eq!(late.stdout, b"onetwo");
    }

    #[test]
    fn an_error_text_that_is_cut_says_so() {
        let dir = tempfile::tempdir().unwrap();
        script(dir.path(), "tool", "/usr/bin/head -c 5000000 /dev/zero >&2");
        let stop = AtomicBool::new(false);
        let environment = environment(dir.path().as_os_str());
        let finished = Spawner { environment: &environment, stop: &stop }.command("tool").run().unwrap();
        let note = format!("\n(cut here: {} more bytes)\n", 5_000_000 - OUTPUT_CAP);
        assert!(finished.status.success() && finished.stderr.ends_with(note.as_bytes()));
        assert_eq!(finished.stderr.len(), OUTPUT_CAP + note.len());
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_blamed_on_the_program() {
        let stop = AtomicBool::new(false);
        let environment = environment(OsStr::new("/bin"));
        let spawner = Spawner { environment: &environment, stop: &stop };
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        for name in ["gone", "gone/deeper", "file"] {
            let directory = temp.path().join(name);
            let error = spawner.command("sh").within(&directory).run().unwrap_err();
            let text = format!("cannot run sh in {}: there is no such directory", directory.display());
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn a_stream_is_read_to_its_end_however_long_and_both_ways_at_once() {
        let stop = AtomicBool::new(false);
        let environment = environment(OsStr::new("/bin:/usr/bin"));
        let spawner = Spawner { environment: &environment, stop: &stop };
        for lines in [0, 1, 10, 1_000, 100_000, 1_000_000] {
            let input = move |pipe: &mut dyn Write| (0..lines).try_for_each(|line| writeln!(pipe, "{line}"));
            let count = |pipe: &mut dyn BufRead| Ok(pipe.lines().map_while(Result::ok).count());
            let streamed = spawner.command("cat").stream(input, count).unwrap();
            assert_eq!((streamed.status.success(), streamed.value.unwrap()), (true, lines));
        }
        // A reader that has enough ends the child, and the writer with it.
        let endless = |pipe: &mut dyn Write| loop {
            writeln!(pipe, "more")?;
        };
        let first = |pipe: &mut dyn BufRead| Ok(pipe.lines().next().unwrap().unwrap());
        assert_eq!(spawner.command("cat").stream(endless, first).unwrap().value.unwrap(), "more");
    }

    #[test]
    fn an_interrupted_stream_ends() {
        let (stop, environment) = (AtomicBool::new(false), environment(OsStr::new("/bin:/usr/bin")));
        let spawner = Spawner { environment: &environment, stop: &stop };
        let ended = spawner.command("cat").stream(
            |pipe| loop {
                writeln!(pipe, "more")?;
            },
            |pipe| {
                let mut line = String::new();
                while pipe.read_line(&mut line)? > 0 {
                    line.clear();
                    stop.store(true, Ordering::SeqCst);
                }
                Ok(())
            },
        );
        assert!(matches!(ended, Err(ProcessError::Interrupted { program: "cat" })), "{ended:?}");
    }
}
