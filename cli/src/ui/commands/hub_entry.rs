//! `hub entry`: the repository's files for a pull request to the Hub's catalog.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::verb::verbs;
use super::{Answer, Context, Verb};
use crate::event::counted;
use crate::publisher::catalog::{self, CatalogError, Settings};
use crate::publisher::project::Reading;
use crate::sys::git;
use crate::ui::args::examples;
use crate::ui::report::{Failure, Outcome, shown};

/// Where most repositories keep their newest commit.
const USUAL_BRANCH: &str = "main";

verbs! {
    /// Get listed in the Hub's catalog.
    #[command(after_help = examples!("aileron-pub hub entry --out ../aileron-hub"))]
    PublisherHub {
        Entry(Entry),
    }
}

/// Write the entries of the connector, every action and the suite, checked against the catalog's schema.
///
/// The files are for a pull request to the catalog; nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub hub entry --out ../aileron-hub",
    "aileron-pub hub entry --category mail --check-key"
))]
pub(crate) struct Entry {
    /// A work tree of the catalog [default: dist/hub in the repository].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What the connector is for, in one line of at most 200 characters [default: from suite.toml].
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The branch keys/publisher.pub is served from [default: origin's, else main].
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Glob of the connector's release tags.
    #[arg(long, value_name = "GLOB", default_value = "v*")]
    release_pattern: String,
    /// A word to group the actions and the suite by.
    #[arg(long, value_name = "WORD")]
    category: Option<String>,
    /// Fetch the key from where the entry points to, and compare.
    #[arg(long)]
    check_key: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Verb for Entry {
    fn run(self, context: &Context) -> Answer {
        let project = context.project(Reading::WorkTree)?;
        let committed = catalog::committed_key(&project)?;
        let branch = self.branch.or_else(|| git::default_branch(&project.root, context.spawner()));
        let settings = Settings {
            description: self.description,
            branch: branch.unwrap_or_else(|| USUAL_BRANCH.to_owned()),
            release_pattern: self.release_pattern,
            category: self.category,
        };
        let entries = catalog::entries(&project, &settings).map_err(of_many)?;
        let key_url = &entries.connector.key_url;
        if self.check_key {
            catalog::served_key(key_url, committed)?;
        }
        let files = entries.files()?;
        let out = match self.out {
            Some(out) => out,
            None => context.dist("hub")?,
        };
        let done = catalog::write(&out, &files, self.dry_run)?;
        let verb = if self.dry_run { "would write" } else { "wrote" };
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
        text.push_str(&format!("key {}\n  {key_url}{}\n", committed.fingerprint(), checked(self.check_key)));
        let fields = json!({
            "out": shown(&out),
            "written": done.written,
            "unchanged": done.unchanged,
            "stale": done.stale,
            "fingerprint": committed.fingerprint(),
            "key_url": key_url,
            "key_checked": self.check_key,
        });
        Ok(Outcome::new(text, fields))
    }
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
