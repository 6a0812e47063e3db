//! What a unit would do, as lines to say yes or no to, and which of them are new.

use std::collections::BTreeSet;

use aileron_verifier::unit::{BindingEntry, Mechanism, Scheme, Unit};
use serde::Serialize;

/// One thing a unit would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReachLine {
    /// What kind of thing: `key`, `host`, `login`, `token`, `container`, `image`, `variable`, `environment`.
    pub kind: &'static str,
    /// The thing; untrusted text.
    pub text: String,
    /// Whether the unit that was accepted before did not do it.
    pub new: bool,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// What the unit would do.
    pub lines: Vec<ReachLine>,
    /// What the one accepted before did, and this one does not.
    pub gone: Vec<ReachLine>,
}

impl Reach {
    /// Of a unit that is seen for the first time: nothing is marked as new.
    pub fn of(unit: &Unit) -> Reach {
        Reach { lines: lines(unit), gone: Vec::new() }
    }

    /// Of a unit that takes the place of another.
    pub fn compared(unit: &Unit, before: &Unit) -> Reach {
        let (mut now, then) = (lines(unit), lines(before));
        let has = |lines: &[ReachLine], line: &ReachLine| {
            lines.iter().any(|other| (other.kind, &other.text) == (line.kind, &line.text))
        };
        for line in &mut now {
            line.new = !has(&then, line);
        }
        let gone = then.into_iter().filter(|line| !has(&now, line)).collect();
        Reach { lines: now, gone }
    }

    /// Whether it does something that the one before did not.
    pub fn is_growth(&self) -> bool {
        self.lines.iter().any(|line| line.new)
    }
}

/// What other accepted units have to do with this one: hosts both seal, and credentials both use.
pub fn overlaps<'u>(unit: &Unit, accepted: impl IntoIterator<Item = &'u Unit>) -> Vec<String> {
    let normal = |host: &str| aileron_verifier::unit::host::normal(host);
    let hosts: BTreeSet<String> = unit.sealing.iter().map(|entry| normal(&entry.host)).collect();
    let mut notes = Vec::new();
    for other in accepted.into_iter().filter(|other| other.name != unit.name) {
        if other.key == unit.key {
            notes.push(format!("uses the credential {} of unit {}", unit.key, other.name));
        }
        for host in other.sealing.iter().map(|entry| normal(&entry.host)).filter(|host| hosts.contains(host)) {
            notes.push(format!("takes host {host} from unit {}", other.name));
        }
    }
    notes
}

/// How an entry's credential gets into a request: `Authorization: Bearer …, in place of $GH_TOKEN`.
pub fn described(entry: &BindingEntry) -> String {
    let form = match entry.scheme {
        Scheme::Bearer => "Authorization: Bearer <credential>".to_owned(),
        Scheme::Basic => format!("Authorization: Basic {}:<credential>", entry.username),
        Scheme::HeaderTemplate => format!("{}: {}", entry.header, entry.template.replace("{token}", "<credential>")),
        Scheme::QueryParam => format!("?{}=<credential>", entry.query_param),
        Scheme::Sigv4Resign => "a signature of AWS, which is not made here".to_owned(),
    };
    match (entry.mechanism(), &entry.sentinel) {
        (Mechanism::SentinelSwap, Some(sentinel)) => format!("{form}, where the tool sends ${}", sentinel.env),
        _ => format!("{form}, in every request"),
    }
}

fn lines(unit: &Unit) -> Vec<ReachLine> {
    let capture = unit.capture();
    let mut lines = Vec::new();
    let mut line = |kind, text: String| lines.push(ReachLine { kind, text, new: false });
    line("key", unit.key.as_str().to_owned());
    for entry in unit.entries() {
        line("host", format!("{}: {}", entry.host, described(&entry)));
        if let Some(sentinel) = &entry.sentinel {
            line("variable", format!("{}={}", sentinel.env, sentinel.value));
        }
    }
    line("login", words(&capture.login_cmd));
    line("token", words(&capture.token_cmd));
    line("container", capture.container_name.clone());
    line("image", if capture.image.is_empty() { "the one you name".to_owned() } else { capture.image.clone() });
    if !capture.browser_shim.is_empty() {
        line("environment", format!("BROWSER={}", capture.browser_shim));
    }
    if !capture.config_dir.is_empty() {
        line("environment", capture.config_dir);
    }
    lines
}

/// A command as a person reads it; arguments with blanks or quotes stand in quotes, so that two commands never look alike.
pub fn words(command: &[String]) -> String {
    let is_bare = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte))
    };
    let shown: Vec<String> = command
        .iter()
        .map(|word| if is_bare(word) { word.clone() } else { aileron_verifier::text::quote::Quoted(word).to_string() })
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Source;
    use aileron_verifier::unit::unit_from_yaml;

    use super::*;

    fn unit(sealing: &str, login: &str) -> Unit {
        let text = format!(
            "name: gh\nkey: user/github\nacquisition: {{container_name: c, login_cmd: {login}, token_cmd: [gh]}}\n\
             sealing: {sealing}\n"
        );
        unit_from_yaml(&Source::new("unit.yaml", text)).expect("a unit")
    }

    #[test]
    fn what_grows_is_marked_and_what_goes_is_named() {
        let before = unit("[{host: a.example, scheme: bearer}, {host: b.example, scheme: bearer}]", "[gh, login]");
        let after =
            unit("[{host: a.example, scheme: basic, username: u}, {host: b.example, scheme: bearer}]", "[gh, sh]");
        let reach = Reach::compared(&after, &before);
        let new: Vec<&str> = reach.lines.iter().filter(|line| line.new).map(|line| line.text.as_str()).collect();
        assert_eq!(new, ["a.example: Authorization: Basic u:<credential>, in every request", "gh sh"]);
        let gone: Vec<&str> = reach.gone.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(gone, ["a.example: Authorization: Bearer <credential>, in every request", "gh login"]);
        assert!(reach.is_growth());
        assert!(!Reach::compared(&before, &before).is_growth());
        assert!(!Reach::of(&after).is_growth(), "nothing is new about what was never seen");
    }

    #[test]
    fn two_commands_never_look_alike() {
        let command = |words: &[&str]| super::words(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(command(&["gh", "auth", "login"]), "gh auth login");
        assert_eq!(command(&["gh", "auth login"]), "gh \"auth login\"");
        assert_eq!(command(&["sh", "-c", "x; y", ""]), "sh -c \"x; y\" \"\"");
    }
}
