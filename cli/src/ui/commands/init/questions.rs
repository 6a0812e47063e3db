//! The questions of `init`.

use aileron_verifier::artifact::config::Signing;

use super::{Said, signing_summary, usual_operations};
use crate::publisher::build::TOOLCHAINS;
use crate::publisher::scaffold::{Credential, Operation};
use crate::ui::commands::asking::{choice, line};
use crate::ui::report::Failure;

/// Asks for all that is not said yet.
pub(super) fn ask(mut said: Said) -> Result<Said, Failure> {
    if said.owner.is_none() {
        said.owner = Some(line("GitHub owner (user or organisation):", None, any)?);
    }
    if said.toolchain.is_none() {
        let choices = TOOLCHAINS.iter().map(|toolchain| toolchain.choice().to_owned()).collect();
        said.toolchain = TOOLCHAINS.get(choice("Language:", choices)?).copied();
    }
    if said.credential.is_none() {
        let kinds = said.preset.map_or(&Credential::ALL[..], |preset| preset.credentials);
        let choices = kinds.iter().map(|kind| format!("{} ({})", kind.as_str(), kind.summary())).collect();
        said.credential = kinds.get(choice("Credential:", choices)?).copied();
    }
    let credential = said.credential.unwrap_or(Credential::None);
    if credential == Credential::Oauth2 && said.client_id.is_none() {
        said.client_id = Some(line("Client id of your OAuth app:", None, any)?);
    }
    if said.operations.is_empty() {
        let usual = usual_operations(said.preset, credential);
        let usual: Vec<String> = usual.iter().map(ToString::to_string).collect();
        let question = "Operations (NAME, or NAME:gated to ask the user first):";
        let answer = line(question, Some(&usual.join(" ")), |answer| operations(answer).map(drop))?;
        said.operations = operations(&answer).map_err(Failure::usage)?;
    }
    if said.signing.is_none() {
        let choices = Signing::ALL.iter().map(|who| format!("{} ({})", who.as_str(), signing_summary(*who))).collect();
        said.signing = Signing::ALL.get(choice("Who signs releases:", choices)?).copied();
    }
    Ok(said)
}

/// What is judged with all the rest.
fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// Words that are operations, each once.
fn operations(answer: &str) -> Result<Vec<Operation>, String> {
    let words = answer.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    let operations: Vec<Operation> =
        words.map(|word| word.parse().map_err(|error| format!("{word}: {error}"))).collect::<Result<_, _>>()?;
    let twice =
        operations.iter().enumerate().find(|(at, one)| operations[..*at].iter().any(|other| other.name == one.name));
    match twice {
        Some((_, twice)) => Err(format!("{} is there twice", twice.name)),
        None => Ok(operations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_operations_is_read_whole_or_not_at_all() {
        let read = |line: &str| operations(line).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            read(" get_item, send:gated  ping"),
            Ok(vec!["get_item".into(), "send:gated".into(), "ping".into()])
        );
        assert!(read("get_item Send").unwrap_err().starts_with("Send: write NAME"));
        assert_eq!(read("ping ping:gated").unwrap_err(), "ping is there twice");
    }
}
