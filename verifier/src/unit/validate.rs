//! What a decoded unit has to keep, in the order in which a reader says it: the first failure is the answer.
//! cli-unit.md §§3 to 7.

use std::ops::Range;

use super::decode::{RawAcquisition, RawSealing, RawUnit, Slot, Texts};
use super::document::{Acquisition, Mechanism, Presence, Scheme, Sealing, Sentinel, Unit};
use super::key::{Key, KeyError, is_credential_ref};
use super::projection::BindingEntry;
use super::tree::Fault;
use super::{host, rules};
use crate::problem::Rule;
use crate::text::quote::Quoted;

type Checked<T> = Result<T, Fault>;

fn fault<T>(rule: &'static Rule, at: &Range<usize>, text: impl Into<String>) -> Checked<T> {
    Err(Fault { rule, at: at.clone(), text: text.into() })
}

/// Puts a text in front of a failure's own.
fn within<T>(checked: Checked<T>, prefix: impl FnOnce() -> String) -> Checked<T> {
    checked.map_err(|Fault { rule, at, text }| Fault { rule, at, text: prefix() + &text })
}

/// Validates a unit. The text has no `cli: unit …` in front yet.
///
/// # Errors
/// The first failure in the order of cli-unit.md §7.
pub(super) fn unit(raw: &RawUnit) -> Checked<Unit> {
    if raw.name.text.is_empty() {
        return fault(rules::CU010, &raw.name.at, "missing required field: name");
    }
    let key = key(&raw.key)?;
    not_derived(&raw.store_at, "store_at", rules::CU013, &key)?;
    not_derived(&raw.credential_ref, "credential_ref", rules::CU014, &key)?;
    not_derived(&raw.kind, "kind", rules::CU015, &key)?;
    if raw.acquisition.mode.text == "direct-token" {
        let text = "acquisition.mode \"direct-token\" is not yet implemented in this umbrella";
        return fault(rules::CU017, &raw.acquisition.mode.at, text);
    }
    if let Some(at) = &raw.state {
        return fault(rules::CU018, at, "state is reserved and not yet implemented in this umbrella");
    }
    let acquisition = within(acquisition(&raw.acquisition), || "acquisition: ".to_owned())?;
    for (index, entry) in raw.sealing.iter().enumerate() {
        let redeclared = not_derived(&entry.credential_ref, "credential_ref", rules::CU016, &key);
        within(redeclared, || of_entry(index, entry))?;
    }
    let mut sealing = Vec::with_capacity(raw.sealing.len());
    for (index, entry) in raw.sealing.iter().enumerate() {
        let (scheme, emit_mechanism) =
            within(checked_entry(entry, key.as_str(), &raw.key.at), || of_entry(index, entry))?;
        sealing.push(sealing_of(entry, scheme, emit_mechanism));
    }
    let presence = raw.presence.as_ref().map(|builtin| Presence { builtin: builtin.text.clone() });
    Ok(Unit { name: raw.name.text.clone(), key, presence, acquisition, sealing })
}

fn of_entry(index: usize, entry: &RawSealing) -> String {
    format!("sealing[{index}] ({}): ", Quoted(&entry.host.text))
}

fn key(slot: &Slot) -> Checked<Key> {
    Key::new(&slot.text).or_else(|error| {
        let rule = match error {
            KeyError::Missing => rules::CU011,
            KeyError::Malformed(_) => rules::CU012,
        };
        fault(rule, &slot.at, error.to_string())
    })
}

fn not_derived(slot: &Slot, field: &str, rule: &'static Rule, key: &Key) -> Checked<()> {
    if slot.text.is_empty() {
        return Ok(());
    }
    let (key, value) = (Quoted(key.as_str()), Quoted(&slot.text));
    fault(rule, &slot.at, format!("{field} must not be declared: it is derived from key {key} (got {field} {value})"))
}

/// cli-unit.md §5.
pub(super) fn acquisition(raw: &RawAcquisition) -> Checked<Acquisition> {
    if raw.container_name.text.is_empty() {
        return fault(rules::CU020, &raw.container_name.at, "missing required field: container_name");
    }
    let login_cmd = command(&raw.login_cmd, "login_cmd", rules::CU021, rules::CU022)?;
    let token_cmd = command(&raw.token_cmd, "token_cmd", rules::CU023, rules::CU024)?;
    Ok(Acquisition {
        mode: raw.mode.text.clone(),
        container_name: raw.container_name.text.clone(),
        login_cmd,
        token_cmd,
        browser_shim: raw.browser_shim.text.clone(),
        config_dir: raw.config_dir.text.clone(),
        image: raw.image.text.clone(),
    })
}

fn command(texts: &Texts, field: &str, missing: &'static Rule, empty: &'static Rule) -> Checked<Vec<String>> {
    if texts.items.is_empty() {
        return fault(missing, &texts.at, format!("missing required field: {field} (non-empty list)"));
    }
    match texts.items.iter().enumerate().find(|(_, item)| item.text.is_empty()) {
        Some((index, item)) => fault(empty, &item.at, format!("{field}[{index}] is an empty string")),
        None => Ok(texts.items.iter().map(|item| item.text.clone()).collect()),
    }
}

/// An entry of a binding document, whose credential reference is its own.
pub(super) fn binding(raw: &RawSealing) -> Checked<BindingEntry> {
    let (scheme, emit_mechanism) = checked_entry(raw, &raw.credential_ref.text, &raw.credential_ref.at)?;
    let sealing = sealing_of(raw, scheme, emit_mechanism);
    Ok(BindingEntry {
        host: sealing.host,
        kind: raw.kind.text.clone(),
        identity_label: raw.identity_label.text.clone(),
        credential_ref: raw.credential_ref.text.clone(),
        scheme,
        emit_mechanism,
        sentinel: sealing.sentinel,
        username: sealing.username,
        header: sealing.header,
        template: sealing.template,
        query_param: sealing.query_param,
        access_key_id: raw.access_key_id.text.clone(),
        allowed_hosts: raw.allowed_hosts.items.iter().map(|item| item.text.clone()).collect(),
        effect: raw.effect.text.clone(),
    })
}

fn sealing_of(raw: &RawSealing, scheme: Scheme, emit_mechanism: Option<Mechanism>) -> Sealing {
    let sentinel =
        |raw: &super::decode::RawSentinel| Sentinel { value: raw.value.text.clone(), env: raw.env.text.clone() };
    Sealing {
        host: raw.host.text.clone(),
        scheme,
        emit_mechanism,
        sentinel: raw.sentinel.as_ref().map(sentinel),
        username: raw.username.text.clone(),
        header: raw.header.text.clone(),
        template: raw.template.text.clone(),
        query_param: raw.query_param.text.clone(),
    }
}

/// cli-unit.md §6, one entry.
fn checked_entry(
    raw: &RawSealing,
    reference: &str,
    reference_at: &Range<usize>,
) -> Checked<(Scheme, Option<Mechanism>)> {
    placeholders(raw, reference, reference_at)?;
    let by_identity = !raw.kind.text.is_empty() && !raw.identity_label.text.is_empty();
    if raw.host.text.is_empty() && !by_identity {
        let text = "missing required field: host (or a complete credential identity: kind + identity_label)";
        return fault(rules::CU031, &raw.host.at, text);
    }
    if raw.scheme.text.is_empty() {
        return fault(rules::CU032, &raw.scheme.at, "missing required field: scheme");
    }
    let Some(scheme) = Scheme::from_text(&raw.scheme.text) else {
        let known = Scheme::ALL.map(Scheme::as_str).join(" ");
        let text = format!("unknown scheme {} (want one of [{known}])", Quoted(&raw.scheme.text));
        return fault(rules::CU033, &raw.scheme.at, text);
    };
    let mechanism = mechanism(raw)?;
    parameters(raw, scheme)?;
    within(host_and_reference(raw, reference, reference_at, by_identity), || "adapt descriptor entry: ".to_owned())?;
    Ok((scheme, mechanism))
}

/// The first `<…>` of a text. cli-unit.md §6.1.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    text.match_indices('<').find_map(|(start, _)| {
        let rest = &text[start + 1..];
        let end = rest.find('>')?;
        (end > 0).then(|| &text[start..start + 1 + end + 1])
    })
}

fn placeholders(raw: &RawSealing, reference: &str, reference_at: &Range<usize>) -> Checked<()> {
    let mut fields = vec![
        ("host", raw.host.text.as_str(), &raw.host.at),
        ("credential_ref", reference, reference_at),
        ("scheme", &raw.scheme.text, &raw.scheme.at),
        ("emit_mechanism", &raw.emit_mechanism.text, &raw.emit_mechanism.at),
        ("username", &raw.username.text, &raw.username.at),
        ("header", &raw.header.text, &raw.header.at),
        ("template", &raw.template.text, &raw.template.at),
        ("query_param", &raw.query_param.text, &raw.query_param.at),
    ];
    if let Some(sentinel) = &raw.sentinel {
        fields.push(("sentinel.value", &sentinel.value.text, &sentinel.value.at));
        fields.push(("sentinel.env", &sentinel.env.text, &sentinel.env.at));
    }
    for (field, text, at) in fields {
        if let Some(found) = placeholder(text) {
            let found = Quoted(found);
            let text = format!(
                "field {field} contains an un-substituted template placeholder {found}; replace it with a real value"
            );
            return fault(rules::CU030, at, text);
        }
    }
    Ok(())
}

/// cli-unit.md §6.3 and §6.4.
fn mechanism(raw: &RawSealing) -> Checked<Option<Mechanism>> {
    let slot = &raw.emit_mechanism;
    let mechanism = match slot.text.as_str() {
        "" => None,
        text => match Mechanism::from_text(text) {
            Some(mechanism) => Some(mechanism),
            None => {
                let text =
                    format!("unknown emit_mechanism {} (want one of \"inject\" or \"sentinel-swap\")", Quoted(text));
                return fault(rules::CU034, &slot.at, text);
            }
        },
    };
    let requires = |what: &str| format!("emit_mechanism \"sentinel-swap\" requires a {what}");
    match (mechanism, &raw.sentinel) {
        (Some(Mechanism::SentinelSwap), None) => fault(rules::CU035, &slot.at, requires("sentinel block")),
        (Some(Mechanism::SentinelSwap), Some(sentinel)) if sentinel.value.text.is_empty() => {
            fault(rules::CU036, &sentinel.value.at, requires("non-empty sentinel.value"))
        }
        (Some(Mechanism::SentinelSwap), Some(sentinel)) if sentinel.env.text.is_empty() => {
            fault(rules::CU037, &sentinel.env.at, requires("non-empty sentinel.env"))
        }
        (None | Some(Mechanism::Inject), Some(sentinel)) => {
            let text = "emit_mechanism \"inject\" must not declare a sentinel block (sentinel applies only to \
                        \"sentinel-swap\")";
            fault(rules::CU038, &sentinel.at, text)
        }
        (mechanism, _) => Ok(mechanism),
    }
}

/// cli-unit.md §6.5.
fn parameters(raw: &RawSealing, scheme: Scheme) -> Checked<()> {
    let (slot, rule, text) = match scheme {
        Scheme::Bearer => return Ok(()),
        Scheme::Basic => (&raw.username, rules::CU039, "basic scheme requires a username"),
        Scheme::HeaderTemplate if raw.header.text.is_empty() => {
            (&raw.header, rules::CU040, "header-template scheme requires a header name")
        }
        Scheme::HeaderTemplate => (&raw.template, rules::CU041, "header-template scheme requires a template"),
        Scheme::QueryParam => (&raw.query_param, rules::CU042, "query-param scheme requires a query_param name"),
        Scheme::Sigv4Resign => (&raw.access_key_id, rules::CU043, "sigv4-resign scheme requires an access_key_id"),
    };
    match slot.text.is_empty() {
        // What is missing is said at the scheme that wants it.
        true => fault(rule, &raw.scheme.at, text),
        false => Ok(()),
    }
}

/// cli-unit.md §6.6.
fn host_and_reference(
    raw: &RawSealing,
    reference: &str,
    reference_at: &Range<usize>,
    by_identity: bool,
) -> Checked<()> {
    if let Err(error) = host::check(&raw.host.text) {
        let rule = match error {
            host::HostError::Wildcard(_) => rules::CU044,
            host::HostError::Stray(_) => rules::CU045,
        };
        return fault(rule, &raw.host.at, error.to_string());
    }
    if !is_credential_ref(reference) {
        let text = format!(
            "host binding: invalid credential ref {}: must match <kind>/<service>/<identity> or user/<service>",
            Quoted(reference)
        );
        return fault(rules::CU046, reference_at, text);
    }
    if host::normal(&raw.host.text).is_empty() && !by_identity {
        let text = "host binding: a binding requires a host pattern or a complete credential identity (WithIdentity)";
        return fault(rules::CU047, &raw.host.at, text);
    }
    Ok(())
}
