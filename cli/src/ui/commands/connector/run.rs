//! `connector run`.

use clap::Args;

use crate::consumer::install::installed::{InstalledError, one};
use crate::runtime::arguments;
use crate::runtime::runner::Installed;
use crate::ui::args::{BindingFlags, RunFlags, examples};
use crate::ui::commands::credentials::{Chosen, choose};
use crate::ui::commands::installing::{home, installed_name};
use crate::ui::commands::running::{render_not_run, render_result, runner, with_text_hint};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Failure;

/// Run one operation of an installed connector.
///
/// Standard output holds {"output":…} or {"error":{…}}; logs go to standard error.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron connector run github://acme/aileron-connector-x@0.1.0 get_item --arg id=7 --credential-env TOKEN"
))]
pub(crate) struct Run {
    /// The connector, as a Ref, or as a name where one version is installed.
    #[arg(value_name = "REF")]
    connector: String,
    /// The operation.
    #[arg(value_name = "OP")]
    op: String,
    /// What goes into it.
    #[command(flatten)]
    run: RunFlags,
    /// Which credential.
    #[command(flatten)]
    binding: BindingFlags,
}

impl Verb for Run {
    fn run(self, context: &Context) -> Answer {
        let arguments = arguments::untyped(self.run.object()?.as_deref(), &self.run.arg)?;
        let home = home(context, None)?;
        let pinned = one(&home.store, &installed_name(&self.connector)?).map_err(|error| match error {
            InstalledError::SeveralVersions { .. } => Failure::from(error).next("name the version to run"),
            error => error.into(),
        })?;
        let ring = home.ring.load()?;
        let installed = Installed { store: &home.store, ring: &ring };
        let opened = installed.store.open(&pinned, installed.ring)?;
        let credentials = match choose(&self.run, &self.binding, std::slice::from_ref(&opened.manifest), context)? {
            Chosen::Ready(credentials) => credentials,
            Chosen::Bound(bindings) => bindings.unlock(&self.binding, context)?,
        };
        let runner = runner(&self.run, credentials.as_ref(), context)?;
        let connector = match runner.load(opened, installed) {
            Ok(connector) => connector,
            Err(error) => return render_not_run(error),
        };
        let network = match runner.network(&connector) {
            Ok(network) => network,
            Err(error) => return render_not_run(error),
        };
        let done = runner.run(&connector, &self.op, &arguments, network);
        Ok(with_text_hint(render_result(done.result.as_ref().map(Option::as_ref)), &self.run.arg))
    }
}
