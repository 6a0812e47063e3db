//! Command lines as keyring.md §6 has them: Go's flag syntax, usage texts word for word, exit 1 for everything that is wrong.

use std::collections::BTreeMap;

use aileron_verifier::problem::Class;

use crate::ui::args::Output;
use crate::ui::report::{Exit, Failure};

/// A text that is printed as it stands; exit 1, as every refusal of `keyring` and `hub`.
pub(super) fn usage(text: &str) -> Failure {
    let message = text.lines().next().unwrap_or_default();
    Failure { pinned: Some(text.to_owned()), ..Failure::new(Class::UsageError, Exit::Failure, message) }
}

/// `error: <message>`, exit 1.
pub(super) fn error(class: Class, message: impl Into<String>) -> Failure {
    let message = message.into();
    Failure { pinned: Some(format!("error: {message}")), ..Failure::new(class, Exit::Failure, message) }
}

/// Takes `--json` and `--quiet` out of the words, anywhere among them, in addition to what clap found.
pub(super) fn take_output_flags(words: &mut Vec<String>, output: Output) -> Output {
    let is_quiet = |word: &String| word == "--quiet" || word == "-q";
    let taken: Vec<String> = words.extract_if(.., |word| word == "--json" || is_quiet(word)).collect();
    Output {
        json: output.json || taken.iter().any(|word| word == "--json"),
        quiet: output.quiet || taken.iter().any(is_quiet),
    }
}

/// Where flags may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Before the first argument that is none, as Go parses them.
    First,
    /// Anywhere.
    Any,
}

/// Flags as Go parses them: one or two dashes, a value after `=` or as the next argument, `--` ends them.
pub(super) struct Flags {
    given: BTreeMap<&'static str, String>,
    /// What is no flag.
    pub(super) positional: Vec<String>,
}

impl Flags {
    /// `known` are the flags' names and whether they take a value; `help` is what a wrong one is answered with.
    pub(super) fn parse(
        args: &[String],
        known: &[(&'static str, bool)],
        help: &str,
        order: Order,
    ) -> Result<Flags, Failure> {
        let mut flags = Flags { given: BTreeMap::new(), positional: Vec::new() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let name = match arg.strip_prefix('-') {
                Some("-") => break,
                Some(name) if !name.is_empty() => name.strip_prefix('-').unwrap_or(name),
                _ => {
                    flags.positional.push(arg.clone());
                    if order == Order::First {
                        break;
                    }
                    continue;
                }
            };
            let (name, value) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value.to_owned())));
            if name == "h" || name == "help" {
                return Err(usage(help));
            }
            let Some((known, takes_value)) = known.iter().find(|(known, _)| *known == name) else {
                return Err(usage(&format!("flag provided but not defined: -{name}\n{help}")));
            };
            let value = match (takes_value, value) {
                (true, None) => {
                    rest.next().cloned().ok_or_else(|| usage(&format!("flag needs an argument: -{name}\n{help}")))?
                }
                (_, value) => value.unwrap_or_default(),
            };
            flags.given.insert(known, value);
        }
        flags.positional.extend(rest.cloned());
        Ok(flags)
    }

    /// The value of a flag that takes one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// Whether a flag without a value is set; `-flag=false` is not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(|value| value != "false")
    }
}
