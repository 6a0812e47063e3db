//! `hub`: what the catalog lists, and what the ring says about who publishes it. Texts and exit codes are keyring.md §10's
//! and §8.3's; with `--json` there is one document, as everywhere (artifacts.md §8).

mod render;

use aileron_verifier::artifact::catalog::Part;
use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use clap::Args;
use serde_json::json;

use self::render::{Canvas, decision_json, entry_block, entry_json, kind, panel, tables};
use super::go_flags::{Flags, Order, error, take_output_flags, usage};
use super::{Answer, Context, Verb};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::hub::{Catalog, CatalogSource};
use crate::consumer::trust::ring::RingFile;
use crate::ui::args::Output;
use crate::ui::report::{Failure, Outcome};

const USAGE: &str = "usage: aileron hub <list|search|show> [args...]";
const LIST_USAGE: &str = "usage: aileron hub list [connectors|actions|suites] [--json] [--catalog <dir|url>]";
const SEARCH_USAGE: &str =
    "usage: aileron hub search <query> [--type connectors|actions|suites] [--json] [--catalog <dir|url>]";
const SHOW_USAGE: &str = "usage: aileron hub show <fqn> [--type connectors|actions|suites] [--json] [--catalog <dir|url>] [--from <dir|url>]";

/// Look through a catalog of connectors, actions and suites, and at who publishes them.
#[derive(Debug, Args)]
#[command(after_help = "\
Verbs:
  list [connectors|actions|suites]   everything that is listed
  search <query>                     what a word occurs in
  show <fqn>                         one entry, its publisher's key, and whether you trust it
    --type connectors|actions|suites for search and show: only this part
    --from <dir|url>                 for show: fetch the key from a mirror
  --catalog <dir|url>                the catalog: a directory, or a git repository [default: hub.url in config.yaml]

Being listed vouches for nothing.

Exit codes: 0 done, 1 refused.")]
pub(crate) struct Hub {
    /// A verb, its argument and flags.
    #[arg(value_name = "VERB", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Verb for Hub {
    fn run(self, context: &Context) -> Answer {
        match self.args.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
            None => Err(usage(USAGE)),
            Some(("list", rest)) => list(rest, context),
            Some(("search", rest)) => search(rest, context),
            Some(("show", rest)) => show(rest, context),
            Some((other, _)) => Err(usage(&format!("unknown hub subcommand: {}\n{USAGE}", Quoted(other)))),
        }
    }

    fn take_output_flags(&mut self, output: Output) -> Output {
        take_output_flags(&mut self.args, output)
    }

    fn first_word(&self) -> Option<&str> {
        self.args.first().map(String::as_str)
    }
}

fn list(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("catalog", true)], LIST_USAGE, Order::Any)?;
    let part = match flags.positional.as_slice() {
        [] => None,
        [word] => {
            let unknown = || usage(&format!("unknown catalog: {}\n{LIST_USAGE}", Quoted(word)));
            Some(part(word).ok_or_else(unknown)?)
        }
        _ => return Err(usage(LIST_USAGE)),
    };
    let none = match part {
        None => "Hub catalog is empty.".to_owned(),
        Some(part) => format!("No {} published to the Hub.", part.as_str()),
    };
    Ok(tables(&catalog(&flags, context)?, part, &none))
}

fn search(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("type", true), ("catalog", true)], SEARCH_USAGE, Order::Any)?;
    let [query] = flags.positional.as_slice() else { return Err(usage(SEARCH_USAGE)) };
    if query.trim().is_empty() {
        return Err(error(Class::UsageError, "query cannot be empty"));
    }
    let part = wanted(&flags)?;
    let what = part.map_or("entries", Part::as_str);
    let none = format!("No Hub {what} match {}.", Quoted(query));
    Ok(tables(&catalog(&flags, context)?.matching(query), part, &none))
}

fn show(args: &[String], context: &Context) -> Answer {
    let known = [("type", true), ("catalog", true), ("from", true)];
    let flags = Flags::parse(args, &known, SHOW_USAGE, Order::Any)?;
    let [fqn] = flags.positional.as_slice() else { return Err(usage(SHOW_USAGE)) };
    if fqn.trim().is_empty() {
        return Err(error(Class::UsageError, "fqn cannot be empty"));
    }
    let part = wanted(&flags)?;
    let catalog = catalog(&flags, context)?;
    let absent = || {
        let message = match part {
            None => format!("no Hub entry for {fqn} in any catalog"),
            Some(part) => format!("no Hub {} entry for {fqn}", part.singular()),
        };
        error(Class::FetchFailed, message)
    };
    let found = catalog.find(fqn, part).ok_or_else(absent)?;
    // Only shown: a ring that cannot be read trusts no key here, and is refused where it counts.
    let ring = RingFile::at_home(&context.environment).and_then(|ring| ring.load().ok()).unwrap_or_default();
    let origin = Origin::choose(flags.value("from"), &context.environment);
    let decisions = catalog.decisions(&found, &ring, &origin);
    let mut canvas = Canvas::new(entry_block(&found));
    decisions.iter().for_each(|decision| panel(&mut canvas, decision));
    let fields = json!({
        "kind": kind(&found),
        "entry": entry_json(&found),
        "authorities": decisions.iter().map(decision_json).collect::<Vec<_>>(),
    });
    Ok(Outcome::new(canvas.text, fields).with_paints(canvas.paints))
}

fn part(word: &str) -> Option<Part> {
    Part::ALL.into_iter().find(|part| part.as_str() == word)
}

fn wanted(flags: &Flags) -> Result<Option<Part>, Failure> {
    let unknown = |word: &str| {
        usage(&format!("unknown --type value: {}\nvalid values: connectors, actions, suites", Quoted(word)))
    };
    flags.value("type").map(|word| part(word).ok_or_else(|| unknown(word))).transpose()
}

fn catalog(flags: &Flags, context: &Context) -> Result<Catalog, Failure> {
    let source = CatalogSource::choose(flags.value("catalog"), &context.environment);
    Ok(source.and_then(|source| source.read(context.spawner()))?)
}
