//! A repository in a temporary directory, for tests that want a real one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

static GO_ON: AtomicBool = AtomicBool::new(false);

/// One without a commit, and the surroundings in which git knows nothing of this machine's user.
pub(crate) struct Repository {
    temp: tempfile::TempDir,
    environment: Environment,
}

impl Repository {
    pub(crate) fn new() -> Repository {
        let machine = Environment::of_this_process();
        let path = machine.var("PATH").expect("a path").to_owned();
        let temp = tempfile::tempdir().expect("a directory");
        let environment = [("PATH".into(), path), ("HOME".into(), temp.path().join(".home").into())];
        let repository = Repository { environment: environment.into_iter().collect(), temp };
        repository.git(&["init", "--quiet"]);
        repository
    }

    /// Where it is, behind every link.
    pub(crate) fn root(&self) -> PathBuf {
        self.temp.path().canonicalize().expect("it is there")
    }

    /// Runs git in it; what it says.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.temp.path()).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]).args(args);
        git.env("HOME", self.temp.path().join(".home")).env("GIT_CONFIG_NOSYSTEM", "1");
        let done = git.output().expect("git runs");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Writes a file, and the directories it needs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.temp.path().join(path);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("directories");
        fs::write(path, text).expect("writes");
    }

    pub(crate) fn spawner(&self) -> Spawner<'_> {
        Spawner { environment: &self.environment, stop: &GO_ON }
    }
}
