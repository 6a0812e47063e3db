//! The two documents a unit renders to, in one canonical form. cli-unit.md §9.3.

use super::projection::{BindingEntry, CaptureDescriptor};

/// The capture document: ten members, all of them, in their order.
pub fn capture(descriptor: &CaptureDescriptor) -> String {
    let mut text = String::from("version: v1\n");
    let mut member = |name: &str, value: String| text.push_str(&format!("{name}: {value}\n"));
    member("name", scalar(&descriptor.name));
    member("image", scalar(&descriptor.image));
    member("container_name", scalar(&descriptor.container_name));
    member("login_cmd", flow(&descriptor.login_cmd));
    member("token_cmd", flow(&descriptor.token_cmd));
    member("browser_shim", scalar(&descriptor.browser_shim));
    member("config_dir", scalar(&descriptor.config_dir));
    member("store_at", scalar(&descriptor.store_at));
    member("kind", scalar(&descriptor.kind));
    text
}

/// The binding document. A unit that seals one host twice renders to one its strict reader refuses.
pub fn bindings(entries: &[BindingEntry]) -> String {
    if entries.is_empty() {
        return "version: v1\nbindings: []\n".to_owned();
    }
    let mut text = String::from("version: v1\nbindings:\n");
    for entry in entries {
        for (index, (name, value)) in members(entry).into_iter().enumerate() {
            let indent = if index == 0 { "  - " } else { "    " };
            text.push_str(&format!("{indent}{name}:{value}\n"));
        }
    }
    text
}

/// An entry's members that are not empty, each with what stands behind its colon.
fn members(entry: &BindingEntry) -> Vec<(&'static str, String)> {
    let text = |value: &str| (!value.is_empty()).then(|| format!(" {}", scalar(value)));
    let sentinel = entry
        .sentinel
        .as_ref()
        .map(|sentinel| format!("\n      value: {}\n      env: {}", scalar(&sentinel.value), scalar(&sentinel.env)));
    let hosts = (!entry.allowed_hosts.is_empty()).then(|| format!(" {}", flow(&entry.allowed_hosts)));
    let all = [
        ("host", text(&entry.host)),
        ("kind", text(&entry.kind)),
        ("identity_label", text(&entry.identity_label)),
        ("credential_ref", text(&entry.credential_ref)),
        ("scheme", text(entry.scheme.as_str())),
        ("emit_mechanism", entry.emit_mechanism.and_then(|mechanism| text(mechanism.as_str()))),
        ("sentinel", sentinel),
        ("username", text(&entry.username)),
        ("header", text(&entry.header)),
        ("template", text(&entry.template)),
        ("query_param", text(&entry.query_param)),
        ("access_key_id", text(&entry.access_key_id)),
        ("allowed_hosts", hosts),
        ("effect", text(&entry.effect)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn flow(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| scalar(item)).collect::<Vec<_>>().join(", "))
}

/// Plain where every YAML reader agrees on it, else in double quotes with JSON's escapes.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// `^(-{1,2})?[A-Za-z_/][A-Za-z0-9_./+-]*$`, and none of the words that other readers take for something else.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let bare = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or(text);
    bare.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '/'))
        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./+-".contains(&byte))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    // JSON leaves them as they are; a YAML reader does not take them back, or takes them for a line end.
    let is_refused = |char: char| {
        matches!(char, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !json.contains(is_refused) {
        return json;
    }
    json.chars().fold(String::new(), |mut text, char| {
        if is_refused(char) {
            text.push_str(&format!("\\u{:04x}", u32::from(char)))
        } else {
            text.push(char)
        }
        text
    })
}
