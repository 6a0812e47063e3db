//! `launch`: the vault is opened once, and lent to a program or to other terminals; its key never leaves this process.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aileron_sandbox::host::clock::Profile;
use aileron_sandbox::invoke::Limits;
use aileron_verifier::problem::Class;
use clap::Args;
use http::StatusCode;
use serde_json::{Value, json};

use super::seal;
use super::sealing::{Sealed, sealed_hosts};
use super::serving::{ActionService, HeldKey, RunOrder, action_of, arguments_of, locked};
use super::unlocking::{Wording, confirms_on_terminal, create, is_to_be_made, say, unlock, vault};
use super::{Answer, Context, OnInterrupt, Verb};
use crate::runtime::launch::announcement::Announcement;
use crate::runtime::launch::document::{self, VaultState};
use crate::runtime::launch::gate::Call;
use crate::runtime::launch::request::RunRequest;
use crate::runtime::launch::server::{self, GivenUp, Server, Service};
use crate::runtime::launch::token::Token;
use crate::runtime::runner::{ApprovalRequest, Approver, Decision};
use crate::runtime::seal::dial::Network;
use crate::sys::clock::{Clock as _, Machine};
use crate::sys::interrupt;
use crate::sys::lock::LockPolicy;
use crate::sys::process::foreground::Foreground;
use crate::ui::args::{PassphraseFlags, duration, examples};
use crate::ui::commands::action::Prompt;
use crate::ui::report::{Exit, Failure, Outcome};
use crate::vault::custodian::Custodian;

/// How long another terminal that looks whether somebody serves may hold the lock.
const MOMENT: Duration = Duration::from_secs(1);

/// Open the vault once and let a program, or your other terminals, run actions with it.
///
/// PROGRAM runs in this terminal with AILERON_API_URL and AILERON_TOKEN set; `aileron action run` in it uses the vault
/// without asking for the passphrase. It never gets the passphrase or a credential, and its exit code is the exit code here.
/// Without PROGRAM, `aileron action run` in your other terminals does the same, until Ctrl-C. Actions that want a person's
/// approval are asked about here when there is no PROGRAM, and refused otherwise.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron launch claude", "aileron launch -- sh -c 'aileron action run list-items'", "aileron launch"))]
pub(crate) struct Launch {
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
    /// Put credentials into PROGRAM's requests to the hosts of this unit, as `aileron seal` does.
    #[arg(long = "seal", value_name = "NAME", requires = "program")]
    seal: Vec<String>,
    /// The program to run, and everything after it its arguments.
    #[arg(value_name = "PROGRAM", trailing_var_arg = true)]
    program: Vec<OsString>,
}

impl Verb for Launch {
    fn on_interrupt(&self) -> OnInterrupt {
        // While questions are asked. Once the vault is open, an interrupt ends it in order.
        OnInterrupt::Exit
    }

    fn run(self, context: &Context) -> Answer {
        let program = self.program(context)?;
        let vault = vault(context)?;
        let announcement = match (&program, vault.path().parent()) {
            (None, Some(home)) => {
                let waiting = LockPolicy { wait: MOMENT, ..context.waiting(None) };
                Some(Announcement::reserve(home, waiting)?)
            }
            _ => None,
        };
        let hosts = if self.seal.is_empty() { None } else { Some(sealed_hosts(&self.seal, context)?) };
        let Some(custodian) = self.unlocked(context)?.map(Arc::new) else {
            return Ok(Outcome::new("No vault was made; nothing was started.\n", json!({"address": null})));
        };
        let start = |hosts| Sealed::start(hosts, vault, Arc::clone(&custodian), Network::default(), None, context);
        let sealed = hosts.map(start).transpose()?;
        let stop = interrupt::listen();
        let server = Server::bind()?;
        let (shown, url, token) = (server.shown(), server.url(), Token::new()?);
        let program = program.map(|program| program.env("AILERON_API_URL", &url).env("AILERON_TOKEN", token.text()));
        let program = program.map(|program| match &sealed {
            Some(sealed) => sealed.equip(program),
            None => program,
        });
        if let Some(announcement) = &announcement {
            announcement.publish(&url, &token)?;
        }
        let launched = Launched::new(custodian, program.is_none(), context)?;
        let serving = server.serve(token, Arc::new(launched))?;
        listening(&shown, context);
        let ended = match program {
            Some(program) => program.run().map(Some).map_err(Failure::from),
            None => {
                wait(stop);
                Ok(None)
            }
        };
        drop(announcement);
        if let Some(sealed) = sealed {
            sealed.end(context);
        }
        // What is under way comes to its end first: a request of it may be renewing a token.
        stop.store(true, Ordering::SeqCst);
        serving.end();
        let told = if self.program.is_empty() { "Stopped; the vault is locked again.\n" } else { "" };
        Ok(Outcome { exit_code: ended?, ..Outcome::new(told, json!({"address": shown})) })
    }
}

impl Launch {
    /// The program, before anybody types a passphrase for it.
    fn program(&self, context: &Context) -> Result<Option<Foreground>, Failure> {
        if self.program.is_empty() {
            return Ok(None);
        }
        if context.output.json {
            return Err(Failure::usage("--json: standard output is PROGRAM's").next("leave out --json, or PROGRAM"));
        }
        seal::program(&self.program, context).map(Some)
    }

    /// The key; `None` where there is no vault and the user wants none.
    fn unlocked(&self, context: &Context) -> Result<Option<Custodian>, Failure> {
        let vault = vault(context)?;
        if !is_to_be_made(&vault)? {
            return unlock(&vault, &self.passphrase, Wording::Launch, context).map(Some);
        }
        let is_given = self.passphrase.is_given(&context.environment);
        match is_given || confirms_on_terminal("No vault detected. Create one now? [Y/n] ", context)? {
            true => create(&vault, &self.passphrase, Wording::Launch, context).map(Some),
            false => Ok(None),
        }
    }
}

fn listening(address: &str, context: &Context) {
    say(context, &format!("✓ Listening on {address}\n"));
}

/// Until Ctrl-C, or a signal like it.
fn wait(stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        Machine.sleep_until(Machine.now() + Duration::from_secs(3600), stop);
    }
}

/// What is behind the addresses.
struct Launched {
    service: ActionService,
    key: HeldKey,
    /// Whether somebody sits at this terminal who can be asked; one question at a time.
    terminal: Option<Mutex<()>>,
}

impl Launched {
    fn new(custodian: Arc<Custodian>, is_alone: bool, context: &Context) -> Result<Launched, Failure> {
        let asks = is_alone && std::io::IsTerminal::is_terminal(&std::io::stdin());
        let service = ActionService::open(context, !is_alone)?;
        Ok(Launched { service, key: HeldKey::new(Some(custodian)), terminal: asks.then(Mutex::default) })
    }

    fn status(&self) -> Result<Value, Failure> {
        Ok(document::status(match self.service.vault.read()? {
            None => VaultState::Missing,
            Some(found) if self.key.of(&found, || Err(locked())).is_ok() => VaultState::Unlocked,
            Some(_) => VaultState::Locked,
        }))
    }

    fn bindings(&self, connector: Option<&str>, kind: Option<&str>) -> Result<Value, Failure> {
        let found = self.service.vault.read()?.unwrap_or_default();
        Ok(document::bindings(&found, connector, kind))
    }

    fn actions(&self) -> Result<Value, Failure> {
        let ring = self.service.ring()?;
        let verified = |name: String| self.service.verified(&name, &ring).ok();
        let shown = |verified| action_of(&verified).ok().map(document::action);
        let items: Vec<Value> = self.service.actions()?.into_iter().filter_map(verified).filter_map(shown).collect();
        Ok(json!({"items": items}))
    }

    fn run(&self, name: &str, body: &[u8], given_up: &GivenUp) -> Answer {
        let request = RunRequest::read(body).map_err(|error| Failure::usage(format!("the body: {error}")))?;
        let ring = self.service.ring()?;
        let verified = self.service.verified(name, &ring)?;
        let action = action_of(&verified)?;
        let arguments = arguments_of(action, request.args.as_deref().map(serde_json::value::RawValue::get))?;
        let timeout = request.timeout.as_deref().map(duration).transpose();
        let timeout = timeout.map_err(|why| Failure::usage(format!("timeout: {why}")))?;
        let order = RunOrder {
            action,
            arguments: &arguments,
            bindings: request.binding.as_slice(),
            limits: Limits::new(u64::from(request.memory.unwrap_or_default()) << 20, timeout.unwrap_or_default()),
            profile: if request.deterministic { Profile::Deterministic } else { Profile::Real },
        };
        let unlock = |found: &_| self.key.of(found, || Err(locked()));
        let mut prompt = self.terminal.as_ref().map(|terminal| AtThisTerminal {
            terminal,
            given_up,
            json: self.service.context.output.json,
        });
        let approver = prompt.as_mut().map(|prompt| prompt as &mut dyn Approver);
        self.service.run(&order, &ring, unlock, approver)
    }
}

impl Service for Launched {
    fn answer(&self, call: Call, body: &[u8], given_up: &GivenUp) -> server::Answer {
        let document = match call {
            Call::VaultStatus => self.status(),
            Call::Bindings { connector, kind } => self.bindings(connector.as_deref(), kind.as_deref()),
            Call::Actions => self.actions(),
            Call::Run { name } => return self.run(&name, body, given_up).map_or_else(|why| refusal(&why), ran),
        };
        match document {
            Ok(document) => server::Answer { status: StatusCode::OK, body: document.to_string() },
            Err(failure) => refusal(&failure),
        }
    }
}

/// The document of a run, as `action run` prints it.
fn ran(outcome: Outcome) -> server::Answer {
    let is_denied = outcome.failure.is_some_and(|failure| failure.class == Class::ApprovalDenied);
    let status = if is_denied { StatusCode::FORBIDDEN } else { StatusCode::OK };
    server::Answer { status, body: outcome.text.trim_end().to_owned() }
}

/// Why there was no run. vault.md §9.
fn refusal(failure: &Failure) -> server::Answer {
    let status = match (failure.class, failure.exit) {
        (Class::VaultLocked, _) => StatusCode::LOCKED,
        (Class::VaultUnavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Exit::Usage) => StatusCode::BAD_REQUEST,
        (_, Exit::NotFound) => StatusCode::NOT_FOUND,
        (_, Exit::Refused) => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut error = json!({"code": failure.class.as_str()});
    if let (Value::Object(error), Value::Object(all)) = (&mut error, failure.json()) {
        error.extend(all);
    }
    server::Answer { status, body: json!({"error": error}).to_string() }
}

/// Asks the person who started this process.
struct AtThisTerminal<'a> {
    terminal: &'a Mutex<()>,
    given_up: &'a GivenUp,
    json: bool,
}

impl Approver for AtThisTerminal<'_> {
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> std::io::Result<Decision> {
        self.given_up.while_asking(|| {
            let _one_at_a_time = self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
            if self.given_up.is_set() {
                return Ok(Decision::Denied);
            }
            let decision = Prompt { json: self.json }.decide(request)?;
            // A yes that comes after the one who asked has gone runs nothing.
            Ok(if self.given_up.is_set() { Decision::Denied } else { decision })
        })
    }
}
