//! Where a consumer's units come from: files, standard input, images, and Features as they are published.

use std::io::Read as _;
use std::path::Path;

use aileron_verifier::problem::Class;
use aileron_verifier::unit::LABEL;
use clap::{Args, ValueEnum};

use crate::publisher::forge::registry::Platform;
use crate::sys::input;
use crate::sys::process::{Finished, ProcessError};
use crate::ui::commands::Context;
use crate::ui::commands::unit_document::{LABEL_LIMIT, UnitDocument};
use crate::ui::commands::unit_published::{Reading, published};
use crate::ui::report::{Exit, Failure};

/// Which units are meant.
#[derive(Debug, Args)]
pub(super) struct SourceFlags {
    /// A unit, a Feature's manifest, folder or archive, REGISTRY/NAMESPACE/NAME[:TAG] or oci:DIR[:TAG] for a published Feature
    /// or image, image:NAME for an image of this machine, or - for a label on standard input.
    #[arg(value_name = "SOURCE")]
    pub(super) source: String,
    /// Who is asked about an image [default: docker, else podman].
    #[arg(long, value_name = "RUNTIME")]
    runtime: Option<Runtime>,
    /// Reach a registry on this machine without TLS.
    #[arg(long)]
    plain_http: bool,
    /// Of a published image for several platforms, read the one for this [default: linux, on this machine's processor].
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
}

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Runtime {
    Docker,
    Podman,
}

impl Runtime {
    fn program(self) -> &'static str {
        match self {
            Runtime::Docker => "docker",
            Runtime::Podman => "podman",
        }
    }
}

impl SourceFlags {
    /// Reads it.
    pub(super) fn open(&self, context: &Context) -> Result<UnitDocument, Failure> {
        if self.source == "-" {
            return UnitDocument::label("standard input", standard_input()?);
        }
        if let Some(image) = self.source.strip_prefix("image:") {
            if self.platform.is_some() {
                return Err(Failure::usage("--platform: an image of this machine is for one platform already"));
            }
            return UnitDocument::label(&self.source, self.label(image, context)?);
        }
        let reading = Reading { plain_http: self.plain_http, platform: self.platform.as_ref() };
        match published(&self.source, reading, context)? {
            Some(document) => Ok(document),
            None => UnitDocument::open(Path::new(&self.source)),
        }
    }

    /// The label of an image. One that cannot be asked about is an error, never an image without units.
    fn label(&self, image: &str, context: &Context) -> Result<Vec<u8>, Failure> {
        if image.is_empty() || image.starts_with('-') {
            return Err(Failure::usage("no image named").next("write image:NAME, as in image:acme/dev:latest"));
        }
        let format = format!("{{{{ index .Config.Labels \"{LABEL}\" }}}}");
        let runtimes = match self.runtime {
            Some(runtime) => vec![runtime],
            None => vec![Runtime::Docker, Runtime::Podman],
        };
        for runtime in runtimes {
            let command = context.spawner().command(runtime.program()).cap(LABEL_LIMIT as usize);
            let command = command.inherit(&[
                "DOCKER_HOST",
                "DOCKER_CONFIG",
                "DOCKER_CONTEXT",
                "CONTAINER_HOST",
                "XDG_RUNTIME_DIR",
            ]);
            match command.args(["image", "inspect", "--format", &format, image]).run() {
                Err(ProcessError::NotFound { .. }) => {}
                Err(error) => return Err(unreachable(image, &error.to_string())),
                Ok(Finished { status, stdout, .. }) if status.success() => return Ok(stdout),
                Ok(Finished { stderr, .. }) => return Err(unreachable(image, &String::from_utf8_lossy(&stderr))),
            }
        }
        let wanted = self.runtime.map_or("docker or podman", Runtime::program);
        let message = format!("cannot look into image {image}: {wanted} was not found in PATH");
        Err(Failure::new(Class::FetchFailed, Exit::NotFound, message)
            .next("install one of them, or pipe the label in: aileron unit show - < label.json"))
    }
}

fn unreachable(image: &str, why: &str) -> Failure {
    let first = why.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    let failure = Failure::new(Class::FetchFailed, Exit::NotFound, format!("cannot look into image {image}: {first}"));
    // docker and podman, where their service is not there: nothing is known of the image then.
    match why.contains("Cannot connect to") {
        true => {
            failure.next(format!("start the service, or read the image from its registry: aileron unit show {image}"))
        }
        false => failure.next(format!("pull or build {image} first, or check its name")),
    }
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = input::unbuffered().and_then(|input| input.take(LABEL_LIMIT + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 <= LABEL_LIMIT => Ok(bytes),
        Ok(_) => Err(Failure::usage(format!("standard input is longer than {LABEL_LIMIT} bytes: this is not a label"))),
        Err(error) => {
            Err(Failure::new(Class::FetchFailed, Exit::NotFound, format!("cannot read standard input: {error}")))
        }
    }
}
