//! Names of entries: which namespace one belongs to, and the three parts of a binding's. vault.md §2.2, §8.1.

use std::fmt;

/// Where an entry belongs, by its name alone. The order of the rules is vault.md §2.2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// Of the hosted control plane; hidden unless asked for.
    ControlPlane,
    /// `secret/<name>`.
    Secret,
    /// `agents/<name>/<purpose>`.
    Agent,
    /// `user/<service>`.
    User,
    /// `<kind>/<service>/<identity>`.
    Binding,
    /// Everything else; listed and kept.
    Other,
}

impl Namespace {
    /// The namespace of this name.
    pub fn of(name: &str) -> Namespace {
        match name.split_once('/').map(|(first, _)| first) {
            Some("connected-accounts" | "llm-config") => Namespace::ControlPlane,
            Some("secret") => Namespace::Secret,
            Some("agents") => Namespace::Agent,
            Some("user") => Namespace::User,
            _ if BindingName::parts(name).is_some() => Namespace::Binding,
            _ => Namespace::Other,
        }
    }

    /// One word, as listings print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Namespace::ControlPlane => "control-plane",
            Namespace::Secret => "secret",
            Namespace::Agent => "agent",
            Namespace::User => "user",
            Namespace::Binding => "binding",
            Namespace::Other => "other",
        }
    }
}

/// Name of a binding, which is also its entry's: `<kind>/<service>/<identity>`. vault.md §8.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingName {
    /// The first part: which kind of credential.
    pub kind: String,
    /// The second part.
    pub service: String,
    /// The third part.
    pub identity: String,
}

impl BindingName {
    /// The whole text, or nothing.
    pub fn parse(text: &str) -> Option<BindingName> {
        let [kind, service, identity] = BindingName::parts(text)?.map(str::to_owned);
        Some(BindingName { kind, service, identity })
    }

    /// Kind, service and identity, where the whole text is a name.
    pub fn parts(text: &str) -> Option<[&str; 3]> {
        let mut parts = text.split('/');
        let (kind, service, identity) = (parts.next()?, parts.next()?, parts.next()?);
        let is_kind = is_word(kind, |first| first.is_ascii_lowercase(), "_-");
        let is_part = |part| is_word(part, |first| first.is_ascii_lowercase() || first.is_ascii_digit(), "._-");
        let is_name = parts.next().is_none() && is_kind && is_part(service) && is_part(identity);
        is_name.then_some([kind, service, identity])
    }
}

impl fmt::Display for BindingName {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}/{}", self.kind, self.service, self.identity)
    }
}

/// Whether a path may be given to `vault put`: `user/<service>` or `agents/<name>/<purpose>`. vault.md §2.2, §6.3.
pub fn is_storable(path: &str) -> bool {
    let is_plain = |part| is_word(part, |first| first.is_ascii_lowercase() || first.is_ascii_digit(), "_-");
    match *path.split('/').collect::<Vec<_>>() {
        ["user", service] => is_plain(service),
        ["agents", name, purpose] => is_word(name, |first| first.is_ascii_alphanumeric(), "._-") && is_plain(purpose),
        _ => false,
    }
}

/// Whether a name may be given to `secret set`: one part without white space and control characters.
pub fn is_secret_name(name: &str) -> bool {
    is_word(name, |first| first.is_ascii_alphanumeric(), "._-") && name.len() <= 200
}

/// A first character of one class, then letters, digits and `marks`. Letters are lower-case unless the first may be upper.
fn is_word(text: &str, is_first: impl Fn(char) -> bool, marks: &str) -> bool {
    let mut chars = text.chars();
    let any_case = is_first('A');
    let is_rest = |char: char| {
        char.is_ascii_lowercase()
            || char.is_ascii_digit()
            || marks.contains(char)
            || any_case && char.is_ascii_uppercase()
    };
    chars.next().is_some_and(is_first) && chars.all(is_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §2.2: the order of the rules counts
    fn every_name_has_one_namespace() {
        for (name, expected) in [
            ("connected-accounts/a/b", Namespace::ControlPlane),
            ("llm-config/x", Namespace::ControlPlane),
            ("secret/slack", Namespace::Secret),
            ("secret/a/b", Namespace::Secret),
            ("agents/claude/oauth", Namespace::Agent),
            ("user/github", Namespace::User),
            ("oauth2/slack/work", Namespace::Binding),
            ("connectors/slack/default", Namespace::Binding),
            ("slack_bot_token", Namespace::Other),
            ("Oauth2/slack/work", Namespace::Other),
            ("", Namespace::Other),
            ("secret", Namespace::Other),
        ] {
            assert_eq!(Namespace::of(name), expected, "{name}");
        }
    }

    #[test] // vault.md §6.3
    fn put_takes_two_namespaces() {
        for name in ["user/github", "user/0-a_b", "agents/claude/oauth", "agents/My.agent/api_key"] {
            assert!(is_storable(name), "{name}");
        }
        for name in [
            "user/",
            "user/A",
            "user/-a",
            "user/a/b",
            "user",
            "agents/a",
            "agents/a/B",
            "agents//b",
            "agents/a/b/c",
            "secret/a",
            "oauth2/slack/work",
            "user/a\n",
            "user/.a",
            "",
        ] {
            assert!(!is_storable(name), "{name}");
        }
    }
}
