//! Where GitHub is: github.com, or an Enterprise server that stands in for it.

use aileron_verifier::name::fqn::Fqn;

use crate::sys::environment::Environment;

const API: &str = "https://api.github.com";
const SERVER: &str = "https://github.com";
const RAW: &str = "https://raw.githubusercontent.com";

/// The bases of GitHub's addresses, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where the API is. The only place a token is sent to.
    pub api: String,
    /// The web site: where releases are downloaded.
    pub server: String,
    /// Where files of a repository are read.
    pub raw: String,
}

impl Default for Addresses {
    /// github.com's.
    fn default() -> Addresses {
        Addresses { api: API.to_owned(), server: SERVER.to_owned(), raw: RAW.to_owned() }
    }
}

impl Addresses {
    /// `GITHUB_API_URL` and `GITHUB_SERVER_URL`, as a workflow sets them; else github.com's.
    pub fn of(environment: &Environment) -> Addresses {
        let usual = Addresses::default();
        let base = |name: &str, usual: String| match environment.var(name).and_then(|value| value.to_str()) {
            Some(base) => bare(base),
            None => usual,
        };
        Addresses { api: base("GITHUB_API_URL", usual.api), server: base("GITHUB_SERVER_URL", usual.server), ..usual }
    }

    /// The same with another API, where one is named.
    pub fn with_api(self, api: Option<&str>) -> Addresses {
        Addresses { api: api.map_or(self.api, bare), ..self }
    }

    /// Whether the API is github.com's, with its limits.
    pub fn is_public(&self) -> bool {
        self.api == API
    }

    /// Whether raw files are served beside the API, for everybody. An Enterprise server has no host of its own for them.
    pub fn has_raw(&self) -> bool {
        self.server == SERVER || self.raw != RAW
    }

    /// A repository in the API.
    pub fn repository(&self, name: &Fqn) -> String {
        format!("{}/repos/{}/{}", self.api, name.owner(), name.repo())
    }

    /// A repository's page.
    pub fn page(&self, name: &Fqn) -> String {
        format!("{}/{}/{}", self.server, name.owner(), name.repo())
    }
}

fn bare(base: &str) -> String {
    base.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enterprise_server_is_named_by_the_environment_and_a_flag() {
        let environment: Environment =
            [("GITHUB_API_URL".into(), "https://ghe.example/api/v3/".into()), ("GITHUB_SERVER_URL".into(), " ".into())]
                .into_iter()
                .collect();
        let found = Addresses::of(&environment);
        assert_eq!((found.api.as_str(), found.server.as_str()), ("https://ghe.example/api/v3", SERVER));
        assert!(!found.is_public() && found.has_raw());
        assert_eq!(found.with_api(Some("https://api.github.com/")), Addresses::default());
        assert_eq!(Addresses::of(&Environment::default()), Addresses::default());
        let elsewhere = Addresses { server: "https://ghe.example".to_owned(), ..Addresses::default() };
        assert!(!elsewhere.has_raw());
    }
}
