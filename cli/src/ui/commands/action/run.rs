//! `action run`.

use std::io;

use aileron_sandbox::failure::Failure as SandboxFailure;
use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::verify::Payload;
use aileron_verifier::text::Json;
use clap::Args;
use serde_json::json;

use super::approval::approval;
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::runtime::arguments;
use crate::runtime::public::error_object;
use crate::runtime::runner::{ActionError, Approval, ApprovalRequest, Approver, Decision, Installed};
use crate::store::StoreError;
use crate::ui::args::{BindingFlags, RunFlags, examples};
use crate::ui::commands::credentials::credentials;
use crate::ui::commands::installing::home;
use crate::ui::commands::running::{render_failure, runner};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::console::Terminal;
use crate::ui::report::door::{self, Stream};
use crate::ui::report::sheet::width;
use crate::ui::report::{Failure, Outcome};

/// Run an installed action: its steps in order, after your approval where it asks for one.
///
/// Standard output holds {"action":…,"output":…,"steps":…} or {"error":{…}}; logs and the preview go to standard error.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron action run get-item --arg id=7 --credential-env TOKEN",
    "aileron action run comment-on-item --args '{\"id\":\"7\",\"text\":\"hi\"}' --approve"
))]
pub(crate) struct Run {
    /// The action's short name.
    name: String,
    /// Do not ask: run it even where it wants a person's approval.
    #[arg(long)]
    approve: bool,
    /// What goes into it.
    #[command(flatten)]
    run: RunFlags,
    /// Which credential.
    #[command(flatten)]
    binding: BindingFlags,
}

impl Verb for Run {
    fn run(self, context: &Context) -> Answer {
        let home = home(context, None)?;
        let ring = home.ring.load()?;
        let verified = home.store.verify_action(&self.name, &ring)?;
        let Payload::Action(action) = verified.payload() else {
            return Err(StoreError::NotAnAction(verified.reference().clone()).into());
        };
        if action.needs_approval() && !self.approve && self.run.args.as_deref() == Some("-") {
            let message = "--args - takes standard input, so the approval cannot be asked for there";
            return Err(Failure::usage(message).next("pass --args @FILE, or --approve to run it without asking"));
        }
        let object = self.run.object()?;
        let arguments = arguments::typed(&action.inputs, object.as_deref(), &self.run.arg)
            .map_err(|error| Failure::from(error).next(usage(action)))?;
        let installed = Installed { store: &home.store, ring: &ring };
        let credentials = credentials(&self.run, &self.binding, &installed.manifests([&**action]), context)?;
        let runner = runner(&self.run, credentials.as_ref(), context)?;
        let mut prompt = Prompt { json: context.output.json };
        let approval = if self.approve { Approval::Given } else { Approval::Ask(&mut prompt) };
        match runner.run_action(action, &arguments, installed, approval) {
            Ok(result) => {
                let outcome = Outcome::document(format!("{}\n", Json::object(result.fields())));
                let fields = result.fields().into_iter();
                Ok(fields.fold(outcome, |outcome, (name, value)| outcome.with_exact(name, value.clone())))
            }
            Err(ActionError::Stopped(stopped)) => Ok(render_failure(&stopped.failure.with("step", stopped.step))),
            Err(error @ ActionError::Denied(_)) => Ok(render_denied(error)),
            Err(error @ ActionError::NotAsked(_)) => Err(error.into()),
        }
    }
}

fn usage(action: &Action) -> String {
    let inputs = action.inputs.iter().map(|input| {
        let pair = format!("--arg {}={}", input.name.value, input.kind.value.to_uppercase());
        if input.required { pair } else { format!("[{pair}]") }
    });
    format!("aileron action run {} {}", action.name.value, inputs.collect::<Vec<_>>().join(" "))
}

/// Asks on the terminal. Only a plain yes is one; the end of input is a no. sandbox.md 15a.
struct Prompt {
    json: bool,
}

impl Approver for Prompt {
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> io::Result<Decision> {
        let text = approval(request.action, request.arguments, request.preview, width());
        // The result is on standard output, one document: what is asked goes beside it.
        let mut console = Terminal { json: self.json };
        let approved = if self.json {
            console.say(&text)?;
            consents(&mut console, "Run it? [y/N]: ")?
        } else {
            door::write_text(Stream::Err, &format!("{text}Run it? [y/N]: "))?;
            consents(&mut console, "")?
        };
        Ok(if approved { Decision::Approved } else { Decision::Denied })
    }
}

fn render_denied(error: ActionError) -> Outcome {
    let failure = SandboxFailure { boundary: "user", ..SandboxFailure::new(error.class(), error.to_string()) };
    Outcome::document(format!("{}\n", json!({"error": error_object(&failure)}))).with_failure(Some(error.into()))
}
