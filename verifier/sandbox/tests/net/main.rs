//! What one exchange may reach, with what, and what comes back: against servers on this machine. sandbox.md §4, §6, §7, 15a.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod addresses;
mod answers;
mod certificate;
mod credentials;
mod redirects;
mod requests;
mod server;
mod signing;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use aileron_sandbox::failure::Failure;
use aileron_sandbox::host::Response;
use aileron_sandbox::host::http::{Lookup, Network, Resolver, exchange};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::problem::Class;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;
use serde_json::{Value, json};

/// The name every manifest here has.
const FQN: &str = "github://acme/aileron-connector-x";

/// A network for a connector with these capabilities, in TOML.
fn network(capabilities: &str) -> Network {
    let text = format!("[connector]\nname = \"{FQN}\"\nversion = \"1.0.0\"\n{capabilities}");
    let source = Source::new("manifest.toml", text);
    let parsed = ConnectorManifest::parse(source, Stage::Artifact);
    assert_eq!(parsed.problems, []);
    Network::of(&parsed.document.unwrap())
}

/// `[capabilities.network]` for these hosts.
fn hosts(hosts: &[String]) -> String {
    format!("[capabilities.network]\nhosts = {hosts:?}\n")
}

/// A network that may dial 127.0.0.1 at these ports.
fn to_ports(ports: &[u16]) -> Network {
    network(&hosts(&ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>()))
}

/// One exchange on a runtime of its own.
fn run(network: &Network, envelope: &[u8]) -> Result<Response, (i32, Failure)> {
    runtime().block_on(exchange(network, envelope))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn ask(network: &Network, envelope: Value) -> Result<Response, (i32, Failure)> {
    run(network, envelope.to_string().as_bytes())
}

fn get(network: &Network, url: &str) -> Result<Response, (i32, Failure)> {
    ask(network, json!({ "url": url }))
}

/// The failure of an exchange that must return -1. Only what a vault could not renew is another boundary's.
fn refused(result: Result<Response, (i32, Failure)>) -> Failure {
    let (code, failure) = result.unwrap_err();
    let boundary = if failure.class == Class::BindingFailed { "runtime" } else { "sandbox" };
    assert_eq!((code, failure.boundary, failure.retriable), (-1, boundary, false), "{failure}");
    failure
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// A resolver that knows these names, gives the next answer at each lookup, and remembers what it was asked.
#[derive(Clone, Default)]
struct Names {
    answers: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    /// One answer for ever.
    fn with(self, name: &str, address: &str) -> Names {
        self.turning(name, &[&[address]])
    }

    /// The first lookup gets the first answer; the last one stays.
    fn turning(self, name: &str, answers: &[&[&str]]) -> Names {
        let parsed = answers.iter().rev().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect());
        self.answers.lock().unwrap().insert(name.to_owned(), parsed.collect());
        self
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolver for Names {
    fn lookup(&self, host: &str) -> Lookup {
        self.asked.lock().unwrap().push(host.to_owned());
        let answer = self.answers.lock().unwrap().get_mut(host).map(|answers| match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop().unwrap_or_default(),
        });
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such host")) })
    }
}
