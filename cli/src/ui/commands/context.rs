//! What a verb has of the world: output, environment, progress, interruption, the repository it works on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::OnInterrupt;
use crate::event::{Event, Listener};
use crate::publisher::project::{self, Project, Reading};
use crate::publisher::release::World;
use crate::publisher::sign::{self, OsKeychain};
use crate::secret::Secret;
use crate::sys::clock::{Clock, Machine};
use crate::sys::disk;
use crate::sys::environment::Environment;
use crate::sys::interrupt;
use crate::sys::lock::{LockPolicy, WAIT};
use crate::sys::process::Spawner;
use crate::ui::args::Output;
use crate::ui::report::Failure;
use crate::ui::report::progress::{Progress, Style};

/// What verbs have of the world.
pub(crate) struct Context {
    pub(crate) output: Output,
    /// The directory that `-C` names; its repository is the one that is worked on.
    pub(crate) repository: PathBuf,
    pub(crate) environment: Environment,
    pub(crate) progress: Arc<Progress>,
    /// What locks and GitHub's limits are waited for by.
    pub(crate) clock: Arc<dyn Clock + Send + Sync>,
    pub(crate) stop: &'static AtomicBool,
}

impl Context {
    pub(crate) fn new(output: Output, repository: PathBuf, on_interrupt: OnInterrupt) -> Context {
        Context {
            output,
            repository,
            environment: Environment::of_this_process(),
            progress: Arc::new(Progress::new(Style::choose(output.quiet, output.json))),
            clock: Arc::new(Machine),
            stop: match on_interrupt {
                OnInterrupt::Stop => interrupt::listen(),
                OnInterrupt::Exit => interrupt::ignored(),
            },
        }
    }

    /// The same, for another repository.
    pub(crate) fn within(&self, repository: PathBuf) -> Context {
        let (environment, progress) = (self.environment.clone(), Arc::clone(&self.progress));
        Context {
            output: self.output,
            repository,
            environment,
            progress,
            clock: Arc::clone(&self.clock),
            stop: self.stop,
        }
    }

    /// Starts child processes that know nothing of our secrets and end with the run.
    pub(crate) fn spawner(&self) -> Spawner<'_> {
        Spawner { environment: &self.environment, stop: self.stop }
    }

    /// How a lock is waited for, by this context's clock: as long as `--wait-lock` says, else a minute, with a line after a
    /// second.
    pub(crate) fn waiting(&self, wait: Option<Duration>) -> LockPolicy {
        let progress = Arc::clone(&self.progress);
        let say = Arc::new(move |line| progress.take(Event::Note(line)));
        LockPolicy { wait: wait.unwrap_or(WAIT), clock: Arc::clone(&self.clock), stop: self.stop, say }
    }

    /// Asked before anything else is read or asked: a verb that exists to sign is refused on a pull request.
    pub(crate) fn may_sign(&self) -> Result<(), Failure> {
        sign::may_sign(&self.environment).map_err(|error| Failure::from(&error))
    }

    /// The repository, as its commit or as its work tree has it.
    pub(crate) fn project(&self, reading: Reading) -> Result<Project, Failure> {
        Project::load(&self.repository, reading, self.spawner()).map_err(|error| Failure::from(&error))
    }

    /// Where a verb puts what it makes when no flag says so: below `dist/` in the repository's root, which is never part of
    /// a release. Spelled as the user spelled the repository, where that is its root.
    pub(crate) fn dist(&self, name: &str) -> Result<PathBuf, Failure> {
        let root = project::root(&self.repository, self.spawner()).map_err(|error| Failure::from(&error))?;
        let here = disk::canonical(&self.repository).is_ok_and(|here| here == root);
        let root = if here { self.repository.strip_prefix(".").unwrap_or(&self.repository).to_owned() } else { root };
        Ok(root.join("dist").join(name))
    }

    /// Runs a publisher step with this context's world.
    pub(crate) fn with_world<T>(&self, work: impl FnOnce(&World<'_>) -> T) -> T {
        self.with_listener(&|event| self.progress.take(event), work)
    }

    /// The same for a step that only prepares one which will report the same again.
    pub(crate) fn with_silent_world<T>(&self, work: impl FnOnce(&World<'_>) -> T) -> T {
        self.with_listener(&|_| {}, work)
    }

    fn with_listener<T>(&self, listener: Listener<'_>, work: impl FnOnce(&World<'_>) -> T) -> T {
        let passphrase = || self.passphrase("Passphrase of the signing key:");
        work(&World {
            environment: &self.environment,
            stop: self.stop,
            listener,
            keychain: &OsKeychain,
            passphrase: &passphrase,
        })
    }

    /// `AILERON_KEY_PASSPHRASE`, else a prompt on a terminal.
    pub(crate) fn passphrase(&self, question: &str) -> Option<Secret> {
        self.environment.secret("AILERON_KEY_PASSPHRASE").or_else(|| {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stdin());
            let prompt = inquire::Password::new(question).without_confirmation();
            terminal.then(|| prompt.prompt().ok()).flatten().map(Secret::from)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::sys::disk::lock;

    /// A clock on which time passes by waiting only.
    struct Virtual(std::sync::Mutex<SystemTime>);

    impl Clock for Virtual {
        fn now(&self) -> SystemTime {
            *self.0.lock().expect("the time")
        }

        fn sleep_until(&self, until: SystemTime, _: &AtomicBool) {
            *self.0.lock().expect("the time") = until;
        }
    }

    #[test]
    fn a_lock_is_waited_for_by_the_contexts_clock() {
        let output = Output { json: false, quiet: true };
        let mut context = Context::new(output, PathBuf::from("."), OnInterrupt::Exit);
        context.clock = Arc::new(Virtual(std::sync::Mutex::new(SystemTime::UNIX_EPOCH)));
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        let _held = lock::take(&path, &context.waiting(None)).expect("it is free");
        let hours = Duration::from_secs(5 * 3600);
        let refused =
            lock::take(&path, &context.within(PathBuf::from("elsewhere")).waiting(Some(hours))).expect_err("held");
        assert!(matches!(refused, lock::LockError::Busy { waited, .. } if waited >= hours), "{refused}");
        assert!(context.clock.now() >= SystemTime::UNIX_EPOCH + hours, "no real time passed");
    }
}
