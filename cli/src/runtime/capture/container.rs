//! Both commands in one container: made for them, removed on every way out. sealing.md §1.

use std::ffi::{OsStr, OsString};

use aileron_verifier::unit::CaptureDescriptor;

use super::error::CaptureError;
use super::{World, read_token, said};
use crate::secret::Secret;
use crate::sys::interrupt;
use crate::sys::process::foreground::Foreground;
use crate::sys::process::{Command, Spawner};

/// How long the container waits for its commands, in seconds.
const PATIENCE: &str = "3600";
/// Variables that say where a container runtime's service is.
const SERVICE: [&str; 9] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINERS_CONF",
    "REGISTRY_AUTH_FILE",
];

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// docker.
    Docker,
    /// podman.
    Podman,
}

impl Runtime {
    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Runtime::Docker => "docker",
            Runtime::Podman => "podman",
        }
    }

    /// The one that is here; docker where both are.
    ///
    /// # Errors
    /// [`CaptureError::NoRuntime`].
    pub fn find(world: World<'_>) -> Result<Runtime, CaptureError> {
        let is_here = |runtime: &Runtime| world.environment.find(runtime.program()).is_some();
        [Runtime::Docker, Runtime::Podman].into_iter().find(is_here).ok_or(CaptureError::NoRuntime)
    }
}

/// Logs in within a container of this image, and reads the token. Nothing is mounted; nothing is pulled that the runtime does
/// not pull for `run`.
///
/// # Errors
/// [`CaptureError`]; the container is gone then, too.
pub fn acquire(
    descriptor: &CaptureDescriptor,
    runtime: Runtime,
    image: &str,
    world: World<'_>,
) -> Result<Secret, CaptureError> {
    let container = Container { runtime, name: &descriptor.container_name, world };
    container.remove(); // what a run that was killed left
    container.start(image)?;
    container.login(descriptor)?;
    let token = container.command(world.spawner()).args(descriptor.token_vector());
    read_token(token, descriptor)
}

/// Removed when it is dropped, also before it was started: starting may have gone half way.
struct Container<'a> {
    runtime: Runtime,
    name: &'a str,
    world: World<'a>,
}

impl<'a> Container<'a> {
    fn command(&self, spawner: Spawner<'a>) -> Command<'a> {
        spawner.command(self.runtime.program()).inherit(&SERVICE)
    }

    fn start(&self, image: &str) -> Result<(), CaptureError> {
        let start = ["run", "-d", "--name", self.name, image, "sleep", PATIENCE];
        let started = self.command(self.world.spawner()).args(start).run()?;
        if started.status.success() {
            return Ok(());
        }
        let container = self.name.to_owned();
        Err(CaptureError::Start { runtime: self.runtime.program(), container, said: said(&started.stderr) })
    }

    fn login(&self, descriptor: &CaptureDescriptor) -> Result<(), CaptureError> {
        let program = Foreground::find(OsStr::new(self.runtime.program()), self.world.environment)?;
        let arguments = descriptor.login_vector(self.world.is_terminal());
        self.world.login(program.args(arguments.into_iter().map(OsString::from)))
    }

    /// Removes it. That it is not there is fine; that it cannot be removed is seen when it is to be made again.
    fn remove(&self) {
        let _whole = interrupt::hold();
        let spawner = Spawner { environment: self.world.environment, stop: interrupt::never() };
        let _ = self.command(spawner).args(["rm", "-f", self.name]).run();
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}
