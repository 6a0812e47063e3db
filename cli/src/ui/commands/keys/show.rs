//! `keys show`.

use clap::Args;
use serde_json::json;

use super::connector;
use crate::publisher::catalog::CatalogError;
use crate::publisher::keys;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Show the public key in every form a consumer may need.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub keys show", "aileron-pub keys show --json"))]
pub(crate) struct Show {}

impl Verb for Show {
    fn run(self, context: &Context) -> Answer {
        let (project, name) = connector(context)?;
        let key = match &project.publisher_key {
            Some(Err(problem)) => return Err(CatalogError::Document(problem.clone(), None).into()),
            Some(Ok(source)) => Some(&*source.text),
            None => None,
        };
        let shown = keys::show(&project.root, key, &name)?;
        let text = format!(
            "{}fingerprint  {}\nraw base64   {}\ntrust        {}\nkeyring.json that trusts this repository only:\n{}",
            shown.pem, shown.fingerprint, shown.base64, shown.trust, shown.ring_entry,
        );
        let ring: serde_json::Value = serde_json::from_str(&shown.ring_entry).unwrap_or_default();
        Ok(Outcome::new(
            text,
            json!({
                "pem": shown.pem,
                "base64": shown.base64,
                "fingerprint": shown.fingerprint,
                "ring_entry": ring,
                "trust": shown.trust,
            }),
        ))
    }
}
