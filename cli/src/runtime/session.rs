//! One process's engine: compile with a cache, invoke, and where logs go.
//!
//! Compiling happens here, before any clock of an invoke starts, and progress shows it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aileron_sandbox::engine::{Cache, Connector, Engine, LocalBuild, Origin};
use aileron_sandbox::failure::Failure;
use aileron_sandbox::host::Listener as LogListener;
use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::host::http::{Network, Proxies};
use aileron_sandbox::invoke::{Args, Done, Invocation, Limits, invoke, runtime};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::problem::Class;

use super::arguments::Arguments;
use crate::event::Event;
use crate::sys::environment::Environment;

/// Deadline of a preview. sandbox.md §8.1.
pub const PREVIEW: Duration = Duration::from_secs(5);

/// An engine with its cache, and the thread everything runs on.
pub struct Session<'a> {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    events: Events<'a>,
}

/// Where progress goes.
pub type Events<'a> = Box<dyn Fn(Event) + 'a>;

/// How ops run.
#[derive(Clone)]
pub struct RunOptions {
    /// Memory and wall time.
    pub limits: Limits,
    /// Real, or reproducible.
    pub profile: Profile,
    /// Receives what connectors log, as it comes.
    pub log: Option<LogListener>,
    /// Set by an interruption.
    pub stop: Option<&'static AtomicBool>,
}

impl<'a> Session<'a> {
    /// Starts; compiled code is kept in `cache/compiled/` below `home`, if there is one and it is private. Compiling gives up
    /// when `stop` is set.
    ///
    /// # Errors
    /// This machine cannot run compiled code.
    pub fn start(home: Option<&Path>, events: Events<'a>, stop: &'static AtomicBool) -> Result<Session<'a>, Failure> {
        let cache = home.map(|home| Cache::open(home.join("cache/compiled"))).transpose().unwrap_or_else(|fault| {
            events(Event::Note(format!("warning: {fault}")));
            None
        });
        let runtime =
            runtime().map_err(|error| Failure::new(Class::ConnectorRuntimeError, format!("no event loop: {error}")))?;
        Ok(Session { engine: Engine::new(cache)?.stopped_by(stop), runtime, events })
    }

    /// A connector whose code the cache has; `content` and `manifest` were verified to belong together.
    pub fn recall(&self, content: ContentHash, manifest: &ConnectorManifest) -> Option<Connector> {
        self.engine.recall(content, manifest)
    }

    /// Compiles, or recalls, a verified connector.
    ///
    /// # Errors
    /// `connector_load_failed`.
    pub fn compile(&self, artifact: &Verified) -> Result<Connector, Failure> {
        if let Payload::Connector { content, manifest, .. } = artifact.payload()
            && let Some(connector) = self.engine.recall(*content, manifest)
        {
            return Ok(connector);
        }
        self.compiling(|| self.engine.compile(artifact))
    }

    /// Compiles, or recalls, a publisher's own build.
    ///
    /// # Errors
    /// `connector_load_failed`.
    pub fn local(&self, build: &LocalBuild) -> Result<Connector, Failure> {
        match self.engine.recall(build.content(), build.manifest()) {
            Some(connector) => Ok(connector),
            None => self.compiling(|| self.engine.compile_local(build)),
        }
    }

    fn compiling(&self, compile: impl FnOnce() -> Result<Connector, Failure>) -> Result<Connector, Failure> {
        (self.events)(Event::Begin { step: "compiling the connector".to_owned(), total: 0 });
        let compiled = compile();
        let outcome = match compiled.as_ref().map(Connector::origin) {
            Ok(Origin::Cached | Origin::Stored) => "done, and kept for the next run",
            Ok(Origin::Compiled | Origin::Unstored(_)) => "done",
            Err(_) => "failed",
        };
        (self.events)(Event::End { outcome: outcome.to_owned() });
        if let Ok(Origin::Unstored(fault)) = compiled.as_ref().map(Connector::origin) {
            (self.events)(Event::Note(format!("warning: {fault}")));
        }
        compiled
    }

    /// Runs one op to its end.
    pub fn invoke(
        &self,
        connector: &Connector,
        op: &str,
        args: &Arguments,
        network: Arc<Network>,
        options: &RunOptions,
    ) -> Done {
        let invocation = Invocation {
            args: Args::from(args),
            limits: options.limits,
            profile: options.profile,
            listener: options.log.clone(),
            stop: options.stop,
            ..Invocation::new(op, network)
        };
        self.runtime.block_on(invoke(connector, invocation))
    }
}

/// Compiles connectors that were just installed, so that their first run need not. One that cannot be compiled here is noted
/// and stays installed: that is decided when it is loaded. artifacts.md §2, sandbox.md §15.
pub fn compile_ahead<'v>(
    artifacts: impl Iterator<Item = &'v Verified>,
    home: Option<&Path>,
    event: &dyn Fn(Event),
    stop: &'static AtomicBool,
) {
    let note = |reference: &str, failure: Failure| {
        event(Event::Note(format!("warning: {reference} cannot be run here: {}", failure.message)));
    };
    let mut artifacts = artifacts.peekable();
    if artifacts.peek().is_none() {
        return;
    }
    match Session::start(home, Box::new(event), stop) {
        Err(failure) => note("a connector", failure),
        Ok(session) => {
            for artifact in artifacts {
                if let Err(failure) = session.compile(artifact) {
                    note(&artifact.reference().to_string(), failure);
                }
            }
        }
    }
}

/// The proxies the environment names, as Go's client reads it. In a CGI process `HTTP_PROXY` is a header of the request.
pub fn proxies(environment: &Environment) -> Proxies {
    let either = |upper: &str, lower: &str| {
        let value = environment.var(upper).or_else(|| environment.var(lower));
        value.and_then(|value| value.to_str()).map(str::to_owned)
    };
    let is_cgi = environment.var("REQUEST_METHOD").is_some();
    Proxies {
        http: if is_cgi { None } else { either("HTTP_PROXY", "http_proxy") },
        https: either("HTTPS_PROXY", "https_proxy"),
        except: either("NO_PROXY", "no_proxy").unwrap_or_default(),
    }
}
