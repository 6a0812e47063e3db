//! What a verb is: arguments that clap parses, and one function that answers.
//!
//! A new verb is a file with a struct (its arguments and its help), `impl Verb` for it, and one row in a table of
//! [`verbs!`]: in `commands/mod.rs`, or in the `mod.rs` of its group. Its name on the command line and in `--json` is the
//! row's, as clap spells it.

use aileron_verifier::name::version::Version;

use super::context::Context;
use crate::ui::args::Output;
use crate::ui::report::{Failure, Outcome};

/// What a verb hands back.
pub(crate) type Answer = Result<Outcome, Failure>;

/// What Ctrl-C does while a verb runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// The verb ends at the next point where nothing is half done.
    #[default]
    Stop,
    /// The process ends at once: what the verb writes is whole at any time.
    Exit,
}

/// One verb, or a group of them.
pub(crate) trait Verb: Sized {
    /// Does what was asked.
    ///
    /// # Errors
    /// The verb did not do its work.
    fn run(self, context: &Context) -> Answer;

    /// The version the verb is about, where it is about one.
    fn version(&self) -> Option<&Version> {
        None
    }

    /// What Ctrl-C does while it runs.
    fn on_interrupt(&self) -> OnInterrupt {
        OnInterrupt::Stop
    }

    /// For a verb whose words clap does not parse: takes `--json` and `--quiet` out of them, in addition to what clap found.
    fn take_output_flags(&mut self, output: Output) -> Output {
        output
    }

    /// For a verb whose words clap does not parse: the first of them, which is part of the verb's name.
    fn first_word(&self) -> Option<&str> {
        None
    }
}

/// A table of verbs: an enum that clap parses, and that passes everything on to the verb that was typed. `on_interrupt` of a
/// group holds for all its verbs.
macro_rules! verbs {
    (@on_interrupt $self:ident, $name:ident [$($verb:ident)+]) => {
        match $self { $($name::$verb(verb) => verb.on_interrupt(),)+ }
    };
    (@on_interrupt $self:ident, $name:ident [$($verb:ident)+] $on_interrupt:ident) => {
        $crate::ui::commands::verb::OnInterrupt::$on_interrupt
    };
    ($(#[$about:meta])* $name:ident $(, on_interrupt: $on_interrupt:ident)? { $($(#[$row:meta])* $verb:ident($args:ty),)+ }) => {
        #[derive(Debug, clap::Subcommand)]
        $(#[$about])*
        pub(crate) enum $name {
            $($(#[$row])* $verb($args),)+
        }

        impl $crate::ui::commands::verb::Verb for $name {
            fn run(self, context: &$crate::ui::commands::context::Context) -> $crate::ui::commands::verb::Answer {
                match self { $($name::$verb(verb) => verb.run(context),)+ }
            }

            fn version(&self) -> Option<&aileron_verifier::name::version::Version> {
                match self { $($name::$verb(verb) => verb.version(),)+ }
            }

            fn on_interrupt(&self) -> $crate::ui::commands::verb::OnInterrupt {
                verbs!(@on_interrupt self, $name [$($verb)+] $($on_interrupt)?)
            }

            fn take_output_flags(&mut self, output: $crate::ui::args::Output) -> $crate::ui::args::Output {
                match self { $($name::$verb(verb) => verb.take_output_flags(output),)+ }
            }

            fn first_word(&self) -> Option<&str> {
                match self { $($name::$verb(verb) => verb.first_word(),)+ }
            }
        }
    };
}

pub(crate) use verbs;
