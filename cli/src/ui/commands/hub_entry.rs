//! `hub entry`: the repository's files for a pull request to the Hub's catalog.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Answer, Context, dist};
use crate::event::counted;
use crate::publisher::catalog::{self, CatalogError, Settings};
use crate::publisher::project::{Project, Reading};
use crate::sys::git;
use crate::ui::args::HubEntry;
use crate::ui::report::{Failure, Outcome, shown};

/// Where most repositories keep their newest commit.
const USUAL_BRANCH: &str = "main";

pub(super) fn run(args: HubEntry, repository: PathBuf, context: &Context) -> Answer {
    let project =
        Project::load(&repository, Reading::WorkTree, context.spawner()).map_err(|error| Failure::from(&error))?;
    let committed = catalog::committed_key(&project)?;
    let branch = args.branch.or_else(|| git::default_branch(&project.root, context.spawner()));
    let settings = Settings {
        description: args.description,
        branch: branch.unwrap_or_else(|| USUAL_BRANCH.to_owned()),
        release_pattern: args.release_pattern,
        category: args.category,
    };
    let entries = catalog::entries(&project, &settings).map_err(of_many)?;
    let key_url = &entries.connector.key_url;
    if args.check_key {
        catalog::served_key(key_url, committed)?;
    }
    let files = entries.files()?;
    let out = match args.out {
        Some(out) => out,
        None => dist("hub", &repository, context)?,
    };
    let done = catalog::write(&out, &files, args.dry_run)?;
    let verb = if args.dry_run { "would write" } else { "wrote" };
    let mut text: String = done.written.iter().map(|file| format!("  {}\n", below(&out, file))).collect();
    let count = |files: &[String]| match files.len() {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    text.push_str(&format!("{verb} {}, {} unchanged\n", count(&done.written), done.unchanged.len()));
    for file in &done.stale {
        text.push_str(&format!(
            "  no longer in this repository: {} (delete it to withdraw the entry)\n",
            below(&out, file)
        ));
    }
    text.push_str(&format!("key {}\n  {key_url}{}\n", committed.fingerprint(), checked(args.check_key)));
    let fields = json!({
        "out": shown(&out),
        "written": done.written,
        "unchanged": done.unchanged,
        "stale": done.stale,
        "fingerprint": committed.fingerprint(),
        "key_url": key_url,
        "key_checked": args.check_key,
    });
    Ok(Outcome::new(text, fields))
}

fn checked(online: bool) -> &'static str {
    if online { " serves it" } else { " must serve it (--check-key looks)" }
}

fn below(out: &Path, file: &str) -> String {
    shown(&out.join(file))
}

/// The first error in full, the others as evidence.
fn of_many(errors: Vec<CatalogError>) -> Failure {
    let more: Vec<String> = errors.iter().skip(1).map(|error| format!("  {error}")).collect();
    let total = errors.len();
    let Some(first) = errors.into_iter().next() else { return Failure::usage("nothing is wrong") };
    const SHOWN: usize = 10;
    let failure = Failure::from(first);
    let failure = more.iter().take(SHOWN).fold(failure, |failure, line| failure.evidence(line));
    match total.checked_sub(SHOWN + 1) {
        Some(rest) if rest > 0 => failure.evidence(format!("  and {}", counted(rest, "more problem"))),
        _ => failure,
    }
}
