//! GitHub's token: where it is looked for, in one order for publisher and consumer. keyring.md §5.2.

use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

/// Variables that hold it. The first that is not blank counts.
pub const VARIABLES: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];
/// What the token of a workflow begins with. GitHub Docs, "About authentication to GitHub", "GitHub's token formats".
const OF_A_WORKFLOW: &[u8] = b"ghs_";

/// The token of the environment.
pub fn of_environment(environment: &Environment) -> Option<Secret> {
    VARIABLES.iter().find_map(|name| environment.secret(name))
}

/// What `gh` was given at its login to this server. A gh that is not there, or not logged in, is no error: it is one place
/// less to look at.
pub fn of_gh(server: &str, spawner: &Spawner<'_>) -> Option<Secret> {
    // As it is shown: a password in the address is no part of the host, and goes on no command line.
    let server = Address::of(server).to_string();
    let host = server.split("://").last()?.split(['/', ':']).next()?.to_owned();
    let gh = spawner.command("gh").args(["auth", "token", "--hostname", &host]).inherit(&["GH_CONFIG_DIR"]);
    let finished = gh.run().ok().filter(|finished| finished.status.success())?;
    Some(Secret::from(finished.stdout)).filter(|token| !token.is_blank())
}

/// Whether it is a workflow's own, which never may touch workflow files.
pub fn is_of_a_workflow(token: &Secret) -> bool {
    token.expose().trim_ascii_start().starts_with(OF_A_WORKFLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md §5.2
    fn the_first_variable_that_is_not_blank_counts() {
        for (gh, github, found) in
            [("one", "two", Some("one")), ("", "two", Some("two")), (" \n", "two", Some("two")), ("", "", None)]
        {
            let environment: Environment =
                [("GH_TOKEN".into(), gh.into()), ("GITHUB_TOKEN".into(), github.into())].into_iter().collect();
            let token = of_environment(&environment);
            assert_eq!(token.as_ref().map(Secret::expose), found.map(str::as_bytes), "{gh:?} {github:?}");
        }
    }
}
