//! What an artifact may do, and what is new in it.
//!
//! People consent to capabilities, so they are compared as sets of lines a person can read. An artifact gains nothing by
//! reordering or renaming; anything that is in the new set and not in the old one is growth.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::artifact::manifest::ConnectorManifest;
use crate::artifact::module::Module;

/// What a connector may reach: the part of `cohort.json` under `capabilities`. artifacts.md §11.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// `host:port` pairs it may dial, sorted.
    pub hosts: Vec<String>,
    /// The credential the host injects for it, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialUse>,
    /// Host functions it may call, sorted: the declared list, or what the module imports where none is declared.
    pub imports: Vec<String>,
    /// Programs it may ask the host to start, sorted.
    pub spawn: Vec<String>,
}

/// Kind and purpose of the injected credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialUse {
    /// `api_key`, `oauth2` or `aws_sigv4`.
    pub kind: String,
    /// The publisher's words for what it is used for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<String>,
}

/// The difference of two capability sets, as lines for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What the newer one may do and the older may not.
    pub gained: Vec<String>,
    /// What the older one may do and the newer may not.
    pub lost: Vec<String>,
}

impl Capabilities {
    /// Reads them off a connector.
    pub fn of(manifest: &ConnectorManifest, module: &Module) -> Capabilities {
        let sorted = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>();
        Capabilities {
            hosts: sorted(manifest.hosts.iter().map(|host| host.value.clone()).collect()),
            credential: manifest.credential.as_ref().map(|credential| CredentialUse {
                kind: credential.kind.value.as_str().to_owned(),
                scope: credential.scope.clone(),
            }),
            imports: match &manifest.imports {
                Some(declared) => sorted(declared.iter().map(|import| import.value.clone()).collect()),
                None => module.host_functions().into_iter().map(str::to_owned).collect(),
            },
            spawn: sorted(
                manifest
                    .spawn
                    .iter()
                    .flat_map(|spawn| &spawn.programs)
                    .map(|program| program.path.value.clone())
                    .collect(),
            ),
        }
    }

    /// What changes for a user who moves from `older` to this one.
    pub fn since(&self, older: &Capabilities) -> Difference {
        let (new, old) = (self.lines(), older.lines());
        Difference { gained: new.difference(&old).cloned().collect(), lost: old.difference(&new).cloned().collect() }
    }

    fn lines(&self) -> BTreeSet<String> {
        let credential = self.credential.iter().map(|credential| match &credential.scope {
            Some(scope) => format!("credential {}: {scope}", credential.kind),
            None => format!("credential {}", credential.kind),
        });
        let hosts = self.hosts.iter().map(|host| format!("network {host}"));
        let imports = self.imports.iter().map(|import| format!("host function {import}"));
        let spawn = self.spawn.iter().map(|program| format!("start program {program}"));
        hosts.chain(credential).chain(imports).chain(spawn).collect()
    }
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §10: the difference to the installed version
    fn growth_is_what_the_newer_set_has_alone() {
        let set = |hosts: &[&str], scope: &str| Capabilities {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            credential: Some(CredentialUse { kind: "api_key".into(), scope: Some(scope.into()) }),
            ..Capabilities::default()
        };
        let difference = set(&["b:443", "c:443"], "write").since(&set(&["a:443", "b:443"], "read"));
        assert_eq!(difference.gained, ["credential api_key: write", "network c:443"]);
        assert_eq!(difference.lost, ["credential api_key: read", "network a:443"]);
        assert!(set(&["a:443"], "read").since(&set(&["a:443"], "read")).is_empty());
    }
}
