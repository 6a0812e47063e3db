//! What differs from run to run, taken out of a transcript.

use std::path::Path;

/// Why there is no keychain is the system's to say.
const KEYCHAIN: &str = "there is no keychain on this machine: ";

/// Text in which `temp` is `[TEMP]`, our version `[VERSION]`, a digest `[HASH]`, and so on.
pub(super) fn redacted(text: &str, temp: &Path) -> String {
    let text = without_addresses(text).replace(&temp.display().to_string(), "[TEMP]");
    let text = text.replace(&format!("-pub {}", env!("CARGO_PKG_VERSION")), "-pub [VERSION]");
    let text = text.replace(&format!("aileron {}", env!("CARGO_PKG_VERSION")), "aileron [VERSION]");
    let line = |line: &str| match line.split_once(KEYCHAIN) {
        Some((before, _)) => format!("{before}{KEYCHAIN}[REASON]\n"),
        None => without_size(line),
    };
    let text: String = text.split_inclusive('\n').map(line).collect();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_base64) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(named(&out, word, after).unwrap_or(word));
        rest = after;
    }
    out + rest
}

/// What a word of base64's characters stands for, by its length and what is around it.
fn named(before: &str, word: &str, after: &str) -> Option<&'static str> {
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match word.len() {
        64 if hex => Some("[HASH]"),
        12 if hex && before.ends_with("sha256:") => Some("[HASH]"),
        40 if hex => Some("[COMMIT]"),
        22 if before.ends_with("sha256:") => Some("[FINGERPRINT]"),
        120.. if after.starts_with(['\n', '=']) => Some("[BASE64]"),
        _ => None,
    }
}

/// A line without the sizes of archives: they vary by a few bytes with the key, because signatures do not compress.
fn without_size(line: &str) -> String {
    for after in [" bytes", "  verified", "  packed", " | verified"] {
        if let Some((before, rest)) = line.split_once(after) {
            let kept = before.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
            if kept.len() < before.trim_end().len() {
                return format!("{kept}[SIZE]{after}{}", without_size(rest));
            }
        }
    }
    line.to_owned()
}

/// Text in which the last part of a store's path, 64 hex digits, is `[HASH]`.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("/sha256/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(if digits == 64 { "/sha256/[HASH]" } else { "/sha256/" });
        out.push_str(if digits == 64 { &part[64..] } else { part });
    }
    out
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}
