//! `init --adopt`: an existing repository takes over the release of this tool.

use std::path::PathBuf;

use aileron_verifier::artifact::config::Signing;
use serde_json::json;
use similar::TextDiff;

use crate::publisher::adopt::{self, AdoptedFile, Adoption};
use crate::publisher::build::Toolchain;
use crate::publisher::project::Reading;
use crate::ui::commands::{Answer, Context};
use crate::ui::report::Outcome;

/// Says what fits, shows what is written, and writes it.
pub(super) fn adopt(
    dir: PathBuf,
    language: Option<&'static dyn Toolchain>,
    signing: Signing,
    dry_run: bool,
    context: &Context,
) -> Answer {
    let context = context.within(dir);
    let project = context.project(Reading::WorkTree)?;
    let adoption = adopt::plan(project, language, signing, context.spawner())?;
    if !dry_run {
        adopt::write(&adoption)?;
    }
    let files: Vec<_> = adoption.files.iter().map(|file| json!({"path": file.path, "change": change(file)})).collect();
    let fields = json!({
        "name": adoption.name,
        "fits": adoption.fits,
        "notes": adoption.notes,
        "files": files,
        "dry_run": dry_run,
    });
    Ok(Outcome::new(text(&adoption, dry_run), fields))
}

fn change(file: &AdoptedFile) -> &'static str {
    if file.before.is_some() { "replaced" } else { "new" }
}

fn text(adoption: &Adoption, dry_run: bool) -> String {
    let mut text = String::new();
    adoption.fits.iter().for_each(|line| text.push_str(&format!("  fits  {line}\n")));
    adoption.notes.iter().for_each(|line| text.push_str(&format!("  note  {line}\n")));
    for file in &adoption.files {
        match dry_run {
            true => text.push_str(&difference(file)),
            false => text.push_str(&format!("  {:<8}  {}\n", change(file), file.path)),
        }
    }
    let name = &adoption.name;
    text.push_str(&match (adoption.files.is_empty(), dry_run) {
        (true, _) => format!("{name} was adopted before: there is nothing to write\n"),
        (false, true) => "nothing was written\n".to_owned(),
        (false, false) => format!(
            "adopted {name}\nnext:\n  aileron-pub check\n  git add -A && git commit -m \"release with aileron-pub\"\n  aileron-pub doctor\n"
        ),
    });
    text
}

/// As `diff -u` shows it.
fn difference(file: &AdoptedFile) -> String {
    let before = file.before.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(before, &file.after);
    let old = if file.before.is_some() { format!("a/{}", file.path) } else { "/dev/null".to_owned() };
    diff.unified_diff().context_radius(3).header(&old, &format!("b/{}", file.path)).to_string()
}
