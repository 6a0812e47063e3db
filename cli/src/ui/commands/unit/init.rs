//! `unit init`: a new Feature with a unit in it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::packing::here;
use crate::publisher::unit::{MANIFEST, scaffold};
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Outcome, shown};

/// Make a new Feature: a folder with devcontainer-feature.json and install.sh.
///
/// What you have to fill in is marked <like this>. Nothing that is there is written over.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub unit init gh", "aileron-pub unit init aws-cli --dir src"))]
pub(crate) struct Init {
    /// The tool's name: the Feature's id and the folder's name.
    id: String,
    /// Directory to make the folder in [default: where -C says].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Verb for Init {
    fn run(self, context: &Context) -> Answer {
        let parent = self.dir.unwrap_or_else(|| here(Path::new(""), context));
        let files = scaffold::scaffold(&self.id, &parent)?;
        let dir = parent.join(&self.id);
        let files: Vec<String> = files.iter().map(|file| shown(&dir.join(file))).collect();
        let (dir, manifest) = (shown(&dir), shown(&dir.join(MANIFEST)));
        let list: String = files.iter().map(|file| format!("  {file}\n")).collect();
        let text = format!(
            "{list}made {dir}\nnext:\n  fill in what is marked <like this> in {manifest}\n  aileron-pub unit check {dir}\n  aileron-pub unit push {dir} ghcr.io/OWNER/{}\n",
            self.id
        );
        Ok(Outcome::new(text, json!({"id": self.id, "dir": dir, "files": files})))
    }
}
