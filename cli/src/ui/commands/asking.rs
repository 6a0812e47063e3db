//! Questions about what no flag says, on a terminal only. An answer that cannot be used is asked for again; none at all ends
//! it before anything is written.

use inquire::error::InquireError;
use inquire::validator::Validation;

use crate::ui::report::Failure;

/// One line with something in it that `judge` has nothing against.
pub(super) fn line(
    question: &str,
    default: Option<&str>,
    judge: impl Fn(&str) -> Result<(), String> + Clone + 'static,
) -> Result<String, Failure> {
    let mut text = inquire::Text::new(question);
    if let Some(default) = default {
        text = text.with_default(default);
    }
    let judge = move |answer: &str| {
        Ok(match answer.trim() {
            "" => Validation::Invalid("an answer is needed; Ctrl-C stops".into()),
            answer => match judge(answer) {
                Ok(()) => Validation::Valid,
                Err(why) => Validation::Invalid(why.into()),
            },
        })
    };
    let answer = text.with_validator(judge).prompt();
    answer.map(|answer| answer.trim().to_owned()).map_err(none)
}

/// The index of what was chosen.
pub(super) fn choice(question: &str, choices: Vec<String>) -> Result<usize, Failure> {
    let answer = inquire::Select::new(question, choices).raw_prompt();
    answer.map(|answer| answer.index).map_err(none)
}

/// Ctrl-C, Escape, or the end of the input.
fn none(error: InquireError) -> Failure {
    match error {
        InquireError::OperationInterrupted => Failure::usage("no answer given: interrupted; nothing was written"),
        _ => Failure::usage("no answer given; nothing was written"),
    }
}
