//! `aileron-pub.toml`: what a publisher settles once for a repository. Optional; flags win over it.
//!
//! It is read from the commit that is released, so everyone who may push may change it: it can choose, never grant. The variable
//! it names for the client secret is published in the connector's archive, which is why only variables that say so by their
//! name can be named. Which languages there are is for the caller to know.

use crate::artifact::rules;
use crate::problem::{Parsed, Source, Spanned, Waiver};
use crate::text::printable;
use crate::text::toml::{self, Stage, Table};

/// Where the file is, relative to the repository.
pub const FILE: &str = "aileron-pub.toml";

/// How the variable of a client secret must end.
const SECRET_VARIABLE: &str = "CLIENT_SECRET";

/// The file, with byte ranges for what a caller may still refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherConfig {
    /// The file it was read from; all ranges point into it.
    pub source: Source,
    /// What the connector is written in, as `init --language` names it.
    pub language: Option<Spanned<String>>,
    /// Who signs a release.
    pub signing: Option<Signing>,
    /// The variable that holds the OAuth client secret at release.
    pub client_secret_env: Option<String>,
    /// Rules that are waived for every release, each with its reason.
    pub allow: Vec<Allowed>,
}

/// Who signs a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// CI proposes, a person signs on a machine of their own.
    Approve,
    /// The run that publishes has the key.
    Ci,
}

impl Signing {
    /// Every way, as the file spells it.
    pub const ALL: [Signing; 2] = [Signing::Approve, Signing::Ci];

    /// As the file and `init --signing` spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Signing::Approve => "approve",
            Signing::Ci => "ci",
        }
    }
}

/// A rule that is waived, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The rule.
    pub waiver: Waiver,
    /// Not blank.
    pub reason: String,
}

impl PublisherConfig {
    /// Reads the file and reports all that is wrong with it, in file order.
    pub fn parse(source: Source) -> Parsed<PublisherConfig> {
        toml::read(&source, toml::after_mark(&source)..source.text.len(), Stage::Source, |root| {
            let language = root.string("language");
            let signing = root.string("signing").map(|text| signing(root, &text));
            let variable = root.string("client_secret_env").map(|text| secret_variable(root, &text));
            let allow = allow(root);
            root.finish();
            Some(PublisherConfig {
                source: root.source().clone(),
                language,
                signing: signing.map_or(Some(None), |signing| signing.map(Some))?,
                client_secret_env: variable.map_or(Some(None), |variable| variable.map(Some))?,
                allow: allow?,
            })
        })
    }
}

fn signing(root: &Table<'_>, text: &Spanned<String>) -> Option<Signing> {
    let found = Signing::ALL.into_iter().find(|signing| signing.as_str() == text.value);
    if found.is_none() {
        let message = format!("`signing` is \"{}\": write \"approve\" or \"ci\"", printable(&text.value));
        root.report(rules::CONFIG, text.at.clone(), message);
    }
    found
}

fn secret_variable(root: &Table<'_>, text: &Spanned<String>) -> Option<String> {
    let name = &text.value;
    let is_spelled = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_');
    if is_name && name.bytes().all(is_spelled) && name.ends_with(SECRET_VARIABLE) {
        return Some(name.clone());
    }
    // Not quoted: it may be the secret itself, put here by mistake.
    let message = format!(
        "`client_secret_env` names the variable whose value is published with the connector: upper case, ending with {SECRET_VARIABLE}, as in SLACK_OAUTH_CLIENT_SECRET"
    );
    root.report(rules::CONFIG, text.at.clone(), message);
    None
}

/// None where one of them cannot be used.
fn allow(root: &Table<'_>) -> Option<Vec<Allowed>> {
    if !root.has("allow") {
        return Some(Vec::new());
    }
    let mut allowed: Vec<Allowed> = Vec::new();
    let mut all = true;
    for table in root.tables("allow")?.value {
        let rule = table.required("rule");
        let reason = table.required("reason");
        table.finish();
        let (Some(rule), Some(reason)) = (rule, reason) else {
            all = false;
            continue;
        };
        let waiver: Option<Spanned<Waiver>> = table.parsed(rules::CONFIG, rule, str::parse);
        if reason.value.trim().is_empty() {
            table.report(rules::CONFIG, reason.at, format!("`{}` is blank", table.path_to("reason")));
            all = false;
        }
        match waiver {
            Some(Spanned { value: waiver, at }) if allowed.iter().any(|other| other.waiver == waiver) => {
                table.report(rules::CONFIG, at, format!("\"{}\" is allowed twice", waiver.rule()));
                all = false;
            }
            Some(Spanned { value: waiver, .. }) => allowed.push(Allowed { waiver, reason: reason.value }),
            None => all = false,
        }
    }
    all.then_some(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::problem::Rule;
    use crate::text;

    fn parsed(text: &str) -> Parsed<PublisherConfig> {
        PublisherConfig::parse(Source::read(FILE, text.into()).expect("UTF-8"))
    }

    #[test]
    fn everything_in_it_is_optional() {
        for text in ["", "# nothing yet\n", "\u{feff}"] {
            let config = parsed(text).document.expect("a document");
            assert_eq!((config.language, config.signing, config.client_secret_env), (None, None, None), "{text:?}");
            assert!(config.allow.is_empty(), "{text:?}");
        }
    }

    const GOOD: &str = "language = \"go\"\nsigning = \"approve\"\nclient_secret_env = \"SLACK_OAUTH_CLIENT_SECRET\"\n\n\
        [[allow]]\nrule = \"input-type\"\nreason = \"names of GraphQL types\"\n\n\
        [[allow]]\nrule = \"input-name\"\nreason = \"as the service spells them\"\n";

    #[test]
    fn it_is_read_whole() {
        let config = parsed(GOOD).document.expect("a document");
        assert_eq!(config.language.expect("a language").value, "go");
        assert_eq!(config.signing, Some(Signing::Approve));
        assert_eq!(config.client_secret_env.as_deref(), Some("SLACK_OAUTH_CLIENT_SECRET"));
        let allowed: Vec<_> = config.allow.iter().map(|one| (one.waiver.rule().id(), one.reason.as_str())).collect();
        assert_eq!(allowed, [("input-type", "names of GraphQL types"), ("input-name", "as the service spells them")]);
    }

    #[test]
    fn it_has_a_closed_schema() {
        for (old, new, rule, at) in [
            ("language", "langauge", text::rules::UNKNOWN_KEY, "langauge"),
            ("\"go\"", "1", text::rules::WRONG_TYPE, "1"),
            ("\"approve\"", "\"maybe\"", rules::CONFIG, "\"maybe\""),
            ("\"approve\"", "\"CI\"", rules::CONFIG, "\"CI\""),
            ("\"approve\"", "\"\"", rules::CONFIG, "\"\""),
            ("SLACK_OAUTH_CLIENT_SECRET", "AILERON_SIGNING_KEY", rules::CONFIG, "\"AILERON_SIGNING_KEY\""),
            ("SLACK_OAUTH_CLIENT_SECRET", "GITHUB_TOKEN", rules::CONFIG, "\"GITHUB_TOKEN\""),
            ("SLACK_OAUTH_CLIENT_SECRET", "slack_CLIENT_SECRET", rules::CONFIG, "\"slack_CLIENT_SECRET\""),
            ("SLACK_OAUTH_CLIENT_SECRET", "A=CLIENT_SECRET", rules::CONFIG, "\"A=CLIENT_SECRET\""),
            ("SLACK_OAUTH_CLIENT_SECRET", "", rules::CONFIG, "\"\""),
            ("[[allow]]\nrule = \"input-type\"\n", "[[allow]]\n", text::rules::REQUIRED, ""),
            ("reason = \"names of GraphQL types\"\n", "", text::rules::REQUIRED, ""),
            ("\"names of GraphQL types\"", "\" \"", rules::CONFIG, "\" \""),
            ("\"input-type\"", "\"input-name\"", rules::CONFIG, "\"input-name\""),
            ("\"input-type\"", "\"publisher-key\"", rules::CONFIG, "\"publisher-key\""),
            ("\"input-type\"", "\"typo\"", rules::CONFIG, "\"typo\""),
            ("reason = \"as", "because = \"x\"\nreason = \"as", text::rules::UNKNOWN_KEY, "because"),
        ] {
            let text = GOOD.replacen(old, new, 1);
            let parsed = parsed(&text);
            let found: Vec<(&'static Rule, &str)> =
                parsed.problems.iter().map(|problem| (problem.rule, &text[problem.at.clone()])).collect();
            assert_eq!(found, [(rule, at)], "{text}");
            assert!(parsed.document.is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(text in "(language|signing|client_secret_env|\\[\\[allow\\]\\]|rule|reason|[ =\"\n\\[\\]a-z])*") {
            let parsed = parsed(&text);
            prop_assert_eq!(parsed.document.is_some(), parsed.problems.is_empty());
        }
    }
}
