//! Failures of running, and of finding what is installed: exit codes and evidence.

use super::{Exit, Failure};
use crate::consumer::install::consent::ConsentError;
use crate::consumer::install::installed::InstalledError;
use crate::runtime::runner::RunError;
use aileron_verifier::problem::Class;

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Load(failure) => (&failure).into(),
            RunError::Credential(error) => error.into(),
        }
    }
}

impl From<InstalledError> for Failure {
    fn from(error: InstalledError) -> Failure {
        let message = error.to_string();
        match error {
            InstalledError::Store(error) => error.into(),
            InstalledError::SeveralVersions { versions, .. } => {
                let listed = versions.iter().map(|reference| format!("  {reference}"));
                listed.fold(Failure::usage(message), Failure::evidence)
            }
        }
    }
}

impl From<ConsentError> for Failure {
    fn from(error: ConsentError) -> Failure {
        match error {
            ConsentError::Store(error) => error.into(),
            error @ ConsentError::Console(_) => Failure::new(Class::StoreUnwritable, Exit::Failure, error.to_string()),
        }
    }
}
