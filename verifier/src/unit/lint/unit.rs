//! Findings of one unit: `CL100` to `CL121`, but for `CL120`, which is about the text around it.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Problem, Rule, Source};
use crate::text::quote::Quoted;
use crate::unit::decode::{RawSealing, RawUnit, Slot, State, Texts};
use crate::unit::document::Scheme;
use crate::unit::key::is_credential_ref;
use crate::unit::validate::placeholder;
use crate::unit::{host, rules};

/// What there is to say about a unit that was decoded, valid or not.
pub(super) fn findings(source: &Source, raw: &RawUnit) -> Vec<Problem> {
    let mut lint = Lint { source, problems: Vec::new() };
    lint.strings(raw);
    lint.derived(raw);
    lint.acquisition(raw);
    lint.nulls(raw);
    for entry in &raw.sealing {
        lint.entry(entry);
    }
    lint.entries(&raw.sealing);
    if raw.sealing.is_empty() {
        let key = &raw.key;
        if !key.text.is_empty() && !is_credential_ref(&key.text) {
            let message =
                format!("key {} is neither user/<service> nor <kind>/<service>/<identity>", Quoted(&key.text));
            lint.say(rules::CL101, key, message);
        }
        lint.problems.push(source.problem(
            rules::CL121,
            raw.sealing_at.clone(),
            "no sealing entries: nothing uses the credential",
        ));
    }
    lint.problems
}

struct Lint<'s> {
    source: &'s Source,
    problems: Vec<Problem>,
}

impl Lint<'_> {
    fn say(&mut self, rule: &'static Rule, slot: &Slot, message: String) {
        self.problems.push(self.source.problem(rule, slot.at.clone(), message));
    }

    /// Says something about a member that has a text, unless the text is as it should be.
    fn unless(&mut self, fits: impl Fn(&str) -> bool, rule: &'static Rule, (name, slot): (&str, &Slot), what: &str) {
        if !slot.text.is_empty() && !fits(&slot.text) {
            self.say(rule, slot, format!("{name} {} {what}", Quoted(&slot.text)));
        }
    }

    /// Rules of every text: `CL103`, `CL118`, `CL119`.
    fn strings(&mut self, raw: &RawUnit) {
        let acquisition = &raw.acquisition;
        let mut open = vec![("name", &raw.name), ("key", &raw.key), ("mode", &acquisition.mode)];
        open.push(("container_name", &acquisition.container_name));
        open.extend(acquisition.login_cmd.items.iter().map(|item| ("login_cmd", item)));
        open.extend(acquisition.token_cmd.items.iter().map(|item| ("token_cmd", item)));
        open.push(("browser_shim", &acquisition.browser_shim));
        open.push(("config_dir", &acquisition.config_dir));
        open.push(("image", &acquisition.image));
        for (name, slot) in &open {
            if let Some(found) = placeholder(&slot.text) {
                let message = format!("{name} contains the template placeholder {}", Quoted(found));
                self.say(rules::CL118, slot, message);
            }
        }
        open.extend(raw.presence.iter().map(|builtin| ("presence.builtin", builtin)));
        for entry in &raw.sealing {
            open.extend(texts_of(entry));
        }
        for (name, slot) in open {
            if slot.state == State::Typed {
                let message = format!("{name} is a number, boolean or timestamp; readers take its source text");
                self.say(rules::CL103, slot, message);
            }
            if slot.text.contains("${") {
                self.say(rules::CL119, slot, format!("{name} {} has a variable in it", Quoted(&slot.text)));
            }
        }
    }

    /// `CL102`.
    fn derived(&mut self, raw: &RawUnit) {
        let unit = [("store_at", &raw.store_at), ("credential_ref", &raw.credential_ref), ("kind", &raw.kind)];
        let entries = raw.sealing.iter().map(|entry| ("credential_ref", &entry.credential_ref));
        for (name, slot) in unit.into_iter().chain(entries) {
            if slot.is_blank() {
                self.say(rules::CL102, slot, format!("{name} is declared, and empty: it follows from the key"));
            }
        }
    }

    /// `CL100`, `CL114` to `CL117`.
    fn acquisition(&mut self, raw: &RawUnit) {
        let acquisition = &raw.acquisition;
        let mode = &acquisition.mode;
        match mode.text.as_str() {
            "device-flow" | "direct-token" => {}
            "" => self.say(rules::CL100, mode, "acquisition.mode is missing".to_owned()),
            text => self.say(rules::CL100, mode, format!("acquisition.mode {} is not device-flow", Quoted(text))),
        }
        let is_assignment = |text: &str| {
            text.split_once('=')
                .is_some_and(|(name, value)| is_variable(name) && !value.is_empty() && !value.starts_with('\n'))
        };
        let config_dir = ("config_dir", &acquisition.config_dir);
        self.unless(is_assignment, rules::CL114, config_dir, "is not NAME=value");
        let is_container = |text: &str| {
            text.len() > 1
                && text.starts_with(|first: char| first.is_ascii_alphanumeric())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        let container = ("container_name", &acquisition.container_name);
        self.unless(is_container, rules::CL115, container, "is not a container name");
        let is_name = |text: &str| {
            let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            text.bytes().next().is_some_and(lower) && text.bytes().all(|byte| lower(byte) || b"._-".contains(&byte))
        };
        self.unless(is_name, rules::CL116, ("name", &raw.name), "has characters that names of tools do not have");
        if let Some(builtin) = &raw.presence {
            self.unless(|text| text == "base", rules::CL117, ("presence.builtin", builtin), "is not \"base\"");
        }
    }

    /// `CL104`.
    fn nulls(&mut self, raw: &RawUnit) {
        let Texts { nulls: login, .. } = &raw.acquisition.login_cmd;
        let Texts { nulls: token, .. } = &raw.acquisition.token_cmd;
        for (name, nulls) in [("login_cmd", login), ("token_cmd", token), ("sealing", &raw.sealing_nulls)] {
            for at in nulls {
                let message = format!("{name} has a null item, which readers drop");
                self.problems.push(self.source.problem(rules::CL104, at.clone(), message));
            }
        }
    }

    /// `CL106` to `CL110`, `CL112`, `CL113`.
    fn entry(&mut self, entry: &RawSealing) {
        self.unless(is_host, rules::CL106, ("host", &entry.host), "is not a lower-case host name: nothing matches it");
        let scheme = Scheme::from_text(&entry.scheme.text);
        let parameters = [
            ("username", &entry.username, Scheme::Basic),
            ("header", &entry.header, Scheme::HeaderTemplate),
            ("template", &entry.template, Scheme::HeaderTemplate),
            ("query_param", &entry.query_param, Scheme::QueryParam),
        ];
        for (name, slot, of) in parameters {
            if scheme.is_some_and(|scheme| scheme != of) && !slot.text.is_empty() {
                self.say(rules::CL107, slot, format!("{name} has no meaning for scheme {}", entry.scheme.text));
            }
        }
        if scheme == Some(Scheme::HeaderTemplate) {
            let has_slot = |text: &str| text.contains("{token}");
            self.unless(has_slot, rules::CL108, ("template", &entry.template), "has no {token}");
        }
        self.unless(is_token, rules::CL112, ("header", &entry.header), "is not an HTTP header name");
        let is_parameter =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
        let parameter = ("query_param", &entry.query_param);
        self.unless(is_parameter, rules::CL113, parameter, "has characters that have to be escaped");
        if let Some(sentinel) = &entry.sentinel {
            self.unless(is_variable, rules::CL109, ("sentinel.env", &sentinel.env), "is not a variable name");
            if !sentinel.value.text.is_empty() && !sentinel.value.text.contains("AILERONSENTINEL") {
                // The value is not repeated here: it may be a token.
                let message = "sentinel.value does not contain AILERONSENTINEL: it might be a real secret".to_owned();
                self.say(rules::CL110, &sentinel.value, message);
            }
        }
    }

    /// `CL105`, `CL111`.
    fn entries(&mut self, entries: &[RawSealing]) {
        let mut hosts = BTreeSet::new();
        let mut planted: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in entries {
            let normal = host::normal(&entry.host.text);
            if !normal.is_empty() && !hosts.insert(normal) {
                let message = format!("host {} has an entry already", Quoted(&entry.host.text));
                self.say(rules::CL105, &entry.host, message);
            }
            let Some(sentinel) = entry.sentinel.as_ref().filter(|sentinel| !sentinel.env.text.is_empty()) else {
                continue;
            };
            let value = planted.entry(&sentinel.env.text).or_insert(&sentinel.value.text);
            if *value != sentinel.value.text {
                let message = format!("variable {} has another sentinel already", Quoted(&sentinel.env.text));
                self.say(rules::CL111, &sentinel.value, message);
            }
        }
    }
}

fn texts_of(entry: &RawSealing) -> Vec<(&'static str, &Slot)> {
    let mut texts = vec![
        ("host", &entry.host),
        ("scheme", &entry.scheme),
        ("emit_mechanism", &entry.emit_mechanism),
        ("username", &entry.username),
        ("header", &entry.header),
        ("template", &entry.template),
        ("query_param", &entry.query_param),
    ];
    if let Some(sentinel) = &entry.sentinel {
        texts.extend([("sentinel.value", &sentinel.value), ("sentinel.env", &sentinel.env)]);
    }
    texts
}

/// `^[A-Za-z_][A-Za-z0-9_]*$`
fn is_variable(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// RFC 9110, `token`.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `^(\*\.)?LABEL(\.LABEL)*$`
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| inner(byte) || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.strip_prefix("*.").unwrap_or(text).split('.').all(is_label)
}
