//! `action run`.

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::verify::Payload;
use clap::Args;

use super::approval::Prompt;
use crate::runtime::arguments;
use crate::runtime::runner::{Approval, Installed};
use crate::store::StoreError;
use crate::ui::args::{BindingFlags, RunFlags, examples};
use crate::ui::commands::credentials::{Chosen, choose};
use crate::ui::commands::forwarding::{ForwardedRun, forward, launched, run_request};
use crate::ui::commands::installing::home;
use crate::ui::commands::running::{render_action, runner};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Failure;

/// Run an installed action: its steps in order, after your approval where it asks for one.
///
/// Standard output holds {"action":…,"output":…,"steps":…} or {"error":{…}}; logs and the preview go to standard error. Where
/// `aileron launch` runs, an action that needs the vault runs there, and the passphrase is not asked for.
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
        let manifests = installed.manifests([&**action]);
        let credentials = match choose(&self.run, &self.binding, &manifests, context)? {
            Chosen::Ready(credentials) => credentials,
            Chosen::Bound(bindings) => {
                // Looked for where the passphrase would be asked for.
                if bindings.must_ask(&self.binding, context)
                    && let Some(remote) = launched(context)?
                {
                    bindings.note(context);
                    let request = run_request(&self.run, &arguments, bindings.names());
                    return forward(
                        &remote,
                        &ForwardedRun { name: &self.name, request, approve: self.approve },
                        context,
                    );
                }
                bindings.unlock(&self.binding, context)?
            }
        };
        let runner = runner(&self.run, credentials.as_ref(), context)?;
        let mut prompt = Prompt { json: context.output.json };
        let approval = if self.approve { Approval::Given } else { Approval::Ask(&mut prompt) };
        render_action(runner.run_action(action, &arguments, installed, approval))
    }
}

fn usage(action: &Action) -> String {
    let inputs = action.inputs.iter().map(|input| {
        let pair = format!("--arg {}={}", input.name.value, input.kind.value.to_uppercase());
        if input.required { pair } else { format!("[{pair}]") }
    });
    format!("aileron action run {} {}", action.name.value, inputs.collect::<Vec<_>>().join(" "))
}
