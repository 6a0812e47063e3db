//! `mcp`: the installed actions as tools, for an agent's host that starts this program.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::invoke::Limits;
use aileron_verifier::artifact::action::Action;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::Keyring;
use clap::Args;
use serde_json::{Map, Value, json};

use super::action::approval_text;
use super::credentials::{Unattended, select};
use super::forwarding::{ForwardedRun, forward, launched, run_request};
use super::serving::{ActionService, HeldKey, RunOrder, action_of, arguments_of};
use super::unlocking::{Wording, unlock};
use super::{Answer, Context, Verb};
use crate::runtime::arguments::Arguments;
use crate::runtime::launch::client::Remote;
use crate::runtime::mcp::{self, AskUser, Called, ListedTool, NotListed, PAGE, Page, Tools};
use crate::runtime::runner::{ApprovalRequest, Approver, Decision};
use crate::runtime::tool;
use crate::sys::disk;
use crate::ui::args::{PassphraseFlags, RunFlags, examples};
use crate::ui::report::door;
use crate::ui::report::{Exit, Failure, Outcome};

/// Serve the installed actions as tools to an agent, over standard input and output (Model Context Protocol).
///
/// An agent's host starts it; `aileron mcp --config` prints what to put into the host's settings. A credential comes from
/// the vault of a running `aileron launch`, else the vault's passphrase is asked for on the terminal when it is first
/// needed. An action that wants a person's approval is asked about through the host, where it can ask.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron mcp --config", "aileron mcp --passphrase-file passphrase.txt"))]
pub(crate) struct Mcp {
    /// Print the entry for a host's settings instead.
    #[arg(long)]
    config: bool,
    /// The binding to use, where several are for a connector. Repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Credential")]
    binding: Vec<String>,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

impl Verb for Mcp {
    fn run(self, context: &Context) -> Answer {
        if self.config {
            return Ok(config(context));
        }
        if context.output.json || self.passphrase.takes_standard_input() {
            return Err(Failure::usage("standard input and output are the agent's: leave out --json and `-`"));
        }
        let service = ActionService::open(context, false)?;
        let Mcp { binding, passphrase, .. } = self;
        let agent = AgentTools { service, key: HeldKey::new(None), binding, passphrase, names: Mutex::default() };
        mcp::serve(Arc::new(agent), door::protocol, context.stop)?;
        Ok(Outcome::default())
    }
}

/// What a host's settings take.
fn config(context: &Context) -> Outcome {
    let entry = json!({"aileron": {"command": program(context), "args": ["mcp"]}});
    let text = format!("{:#}\n", json!({"mcpServers": entry}));
    Outcome { fields: Map::from_iter([("mcpServers".to_owned(), entry)]), ..Outcome::document(text) }
}

/// This program: its name where that finds it, else where it is.
fn program(context: &Context) -> String {
    let Ok(here) = std::env::current_exe().and_then(|here| disk::canonical(&here).map_err(io::Error::other)) else {
        return "aileron".to_owned();
    };
    let found = context.environment.find("aileron").and_then(|found| disk::canonical(&found).ok());
    if found.as_deref() == Some(Path::new(&here)) { "aileron".to_owned() } else { here.display().to_string() }
}

/// The installed actions as tools.
struct AgentTools {
    service: ActionService,
    key: HeldKey,
    binding: Vec<String>,
    passphrase: PassphraseFlags,
    /// Actions by the names of their tools, as they were listed last.
    names: Mutex<BTreeMap<String, String>>,
}

impl Tools for AgentTools {
    fn list(&self, after: Option<&str>) -> Result<Page, NotListed> {
        let not_listed = |failure: Failure| NotListed { class: failure.class, message: failure.message };
        let names = self.names().map_err(not_listed)?;
        let ring = self.service.ring().map_err(not_listed)?;
        let rest = names.iter().filter(|(tool, _)| after.is_none_or(|after| tool.as_str() > after));
        let page: Vec<_> = rest.take(PAGE + 1).collect();
        let next = (page.len() > PAGE).then(|| page[PAGE - 1].0.clone());
        let tools = page.into_iter().take(PAGE).filter_map(|(tool, action)| self.listed(tool, action, &ring));
        Ok(Page { tools: tools.collect(), next })
    }

    fn call(&self, name: &str, arguments: &Map<String, Value>, ask: Option<&AskUser<'_>>) -> Option<Called> {
        let action = match self.action(name) {
            Ok(action) => action?,
            Err(failure) => return Some(refused(&failure)),
        };
        Some(match self.run(&action, arguments, ask) {
            Ok(outcome) => Called { document: outcome.text.trim_end().to_owned(), is_error: outcome.failure.is_some() },
            Err(failure) => refused(&failure),
        })
    }
}

impl AgentTools {
    /// Actions by the names of their tools, as they are installed now.
    fn names(&self) -> Result<BTreeMap<String, String>, Failure> {
        let names = tool::names(self.service.actions()?);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&names);
        Ok(names)
    }

    /// The action of a tool. Every action's text is read only where the tool was not listed yet.
    fn action(&self, tool: &str) -> Result<Option<String>, Failure> {
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(tool).cloned();
        Ok(match known {
            Some(action) => Some(action),
            None => self.names()?.remove(tool),
        })
    }

    /// A tool, unless its action may not be run.
    fn listed(&self, tool: &str, action: &str, ring: &Keyring) -> Option<ListedTool> {
        let verified = self.service.verified(action, ring).ok()?;
        let action = action_of(&verified).ok()?;
        Some(ListedTool {
            name: tool.to_owned(),
            description: tool::description(action),
            schema: tool::schema(&action.inputs),
            is_idempotent: action.steps.iter().all(|step| step.idempotent == Some(true)),
        })
    }

    fn run(&self, name: &str, arguments: &Map<String, Value>, ask: Option<&AskUser<'_>>) -> Answer {
        let ring = self.service.ring()?;
        let verified = self.service.verified(name, &ring)?;
        let action = action_of(&verified)?;
        let object = Value::Object(arguments.clone()).to_string();
        let arguments = arguments_of(action, Some(&object))?;
        let (chosen, bindings) = self.bindings(action, &ring)?;
        if chosen && let Some(remote) = self.elsewhere()? {
            return self.forward(&remote, name, &arguments, bindings);
        }
        let (limits, profile) = (Limits::default(), Profile::Real);
        let order = RunOrder { action, arguments: &arguments, bindings: &bindings, limits, profile };
        let context = &self.service.context;
        let unlock = || unlock(&self.service.vault, &self.passphrase, Wording::OnTheWay, context).map_err(no_terminal);
        let mut approver = ask.map(|ask| ThroughTheHost { ask });
        let approver = approver.as_mut().map(|approver| approver as &mut dyn Approver);
        self.service.run(&order, &ring, |document| self.key.of(document, unlock), approver)
    }

    /// Whether the vault is needed, and which of the bindings that were named count for this action.
    fn bindings(&self, action: &Action, ring: &Keyring) -> Result<(bool, Vec<String>), Failure> {
        let document = self.service.vault.read()?.unwrap_or_default();
        let selection = select(&document, &self.service.manifests(action, ring), &self.binding, &mut Unattended)?;
        let is_needed = !selection.chosen.is_empty();
        let chosen: Vec<String> = selection.chosen.into_values().flatten().collect();
        Ok((is_needed, self.binding.iter().filter(|name| chosen.contains(name)).cloned().collect()))
    }

    /// An `aileron launch` that has the key, while it is not here and no passphrase was given.
    fn elsewhere(&self) -> Result<Option<Remote>, Failure> {
        let context = &self.service.context;
        let is_here = self.key.is_held() || self.passphrase.is_given(&context.environment);
        if is_here { Ok(None) } else { launched(context) }
    }

    fn forward(&self, remote: &Remote, name: &str, arguments: &Arguments, bindings: Vec<String>) -> Answer {
        let request = run_request(&RunFlags::default(), arguments, bindings);
        forward(remote, &ForwardedRun { name, request, approve: false }, &self.service.context)
    }
}

/// Why there was no run, in the form of a failed one.
fn refused(failure: &Failure) -> Called {
    let mut error = failure.json();
    if let Some(error) = error.as_object_mut() {
        error.retain(|_, value| !value.is_null());
    }
    Called { document: json!({"error": error}).to_string(), is_error: true }
}

/// A host often has no terminal to ask on.
fn no_terminal(failure: Failure) -> Failure {
    match (failure.class, failure.exit) {
        (Class::VaultLocked, Exit::Failure) => failure
            .next("aileron launch, in a terminal, opens the vault for this; or aileron mcp --passphrase-file FILE"),
        _ => failure,
    }
}

/// Asks the person who uses the host.
struct ThroughTheHost<'a> {
    ask: &'a AskUser<'a>,
}

impl Approver for ThroughTheHost<'_> {
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> io::Result<Decision> {
        Ok(if (self.ask)(&approval_text(request))? { Decision::Approved } else { Decision::Denied })
    }
}
