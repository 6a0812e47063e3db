//! Names of entries: cleaned as the host cleans them, refused, placed, and the names that look like secrets.

/// A name as the host compares it: one leading slash removed, then POSIX cleaning. aegis-bundle.md §2.3.
pub fn clean(name: &[u8]) -> Vec<u8> {
    let path = name.strip_prefix(b"/").unwrap_or(name);
    let is_absolute = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => drop(kept.pop()),
                _ if is_absolute => {}
                _ => kept.push(segment),
            },
            _ => kept.push(segment),
        }
    }
    let mut cleaned = if is_absolute { b"/".to_vec() } else { Vec::new() };
    cleaned.extend(kept.join(&b'/'));
    if cleaned.is_empty() { b".".to_vec() } else { cleaned }
}

/// Whether a host refuses a cleaned name. aegis-bundle.md §2.3.
pub fn is_unsafe(cleaned: &[u8]) -> bool {
    cleaned == b"." || cleaned.starts_with(b"..") || cleaned.starts_with(b"/")
}

/// The last segment.
pub fn base(cleaned: &[u8]) -> &[u8] {
    cleaned.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Whether a publisher may write an entry of this name. aegis-bundle.md §2.6, 1.
///
/// # Errors
/// What is wrong with it.
pub fn publishable(name: &[u8]) -> Result<(), &'static str> {
    let Ok(text) = std::str::from_utf8(name) else { return Err("the name is not UTF-8") };
    if text.is_empty() {
        Err("the name is empty")
    } else if text.ends_with('/') {
        Err("it is a directory; only files are packed")
    } else if text.chars().any(char::is_control) {
        Err("the name has a control character")
    } else if text.contains('\\') {
        Err("the name has a backslash")
    } else if text.split('/').any(|segment| segment.starts_with("..")) {
        Err("a part of the name starts with two dots")
    } else if clean(name) != name {
        Err("the path is not clean: write it without a leading slash, `.` or empty parts")
    } else {
        Ok(())
    }
}

/// Whether the host's signing tool takes a file of this name for a secret, and stops. aegis-bundle.md §12.3, 2.
pub fn is_secret_like(base: &str) -> bool {
    const NAMES: [&str; 10] = [
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        ".env",
        "credentials",
        "credentials.json",
        "secret",
        "secret.txt",
        "secrets.json",
    ];
    let base = base.to_lowercase();
    NAMES.contains(&base.as_str())
        || [".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx"].iter().any(|suffix| base.ends_with(suffix))
        || ["private", "priv-", "priv_"].iter().any(|prefix| base.starts_with(prefix))
}

/// A name as the host makes it a part of a path on its disk. aegis-bundle.md §3.5.
pub fn sanitized(text: &str) -> String {
    let text = text.trim().replace("..", "");
    let safe = |char: char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' };
    let text: String = text.chars().map(safe).collect();
    text.trim_matches(['.', '_']).to_owned()
}

/// The same for a version: one leading `v` goes first.
pub fn sanitized_version(text: &str) -> String {
    let text = text.trim();
    sanitized(text.strip_prefix('v').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §2.3
    fn a_name_is_cleaned_as_gos_path_clean_does() {
        for (name, cleaned, is_refused) in [
            ("manifest.json", "manifest.json", false),
            ("/manifest.json", "manifest.json", false),
            ("./bin//x/", "bin/x", false),
            ("bin/x/../y", "bin/y", false),
            ("bin/..", ".", true),
            ("", ".", true),
            ("/", ".", true),
            ("../x", "../x", true),
            ("a/../../x", "../x", true),
            ("..evil", "..evil", true),
            ("...", "...", true),
            ("//etc/x", "/etc/x", true),
            ("//../x", "/x", true),
            ("..\\x", "..\\x", true),
            ("bin/..x", "bin/..x", false),
            ("bin\\x", "bin\\x", false),
        ] {
            assert_eq!(clean(name.as_bytes()), cleaned.as_bytes(), "{name}");
            assert_eq!(is_unsafe(cleaned.as_bytes()), is_refused, "{name}");
        }
    }

    #[test] // aegis-bundle.md §2.6, 1
    fn a_publisher_writes_clean_names_only() {
        for name in ["manifest.json", "bin/linux-amd64/greeter", "bin/a.b_c-d", "bin/ünï"] {
            assert_eq!(publishable(name.as_bytes()), Ok(()), "{name}");
        }
        for name in ["", "/a", "a//b", "./a", "a/.", "..a", "a/..b", "a\\b", "a\n", "bin/", "a\u{85}"] {
            assert!(publishable(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(publishable(b"bin/\xff").is_err());
    }

    #[test] // aegis-bundle.md §12.3, 2: the names, in any case
    fn names_that_look_like_secrets_are_recognised() {
        for name in
            ["id_rsa", "ID_RSA", ".env", "x.pem", "Server.PEM", "privateer", "priv-tool", "priv_tool", "secrets.json"]
        {
            assert!(is_secret_like(name), "{name}");
        }
        for name in ["privkey", "secrets.txt", ".env.local", "id_ed25519.pub", "keyring", "my-private", "x.pem.txt"] {
            assert!(!is_secret_like(name), "{name}");
        }
    }

    #[test] // aegis-bundle.md §3.5
    fn ids_and_versions_become_one_segment_of_a_path() {
        for (text, segment) in [("a/b", "a_b"), ("a..b", "ab"), ("…", ""), (" _x_ ", "x"), ("ünï", "n"), ("v1", "v1")]
        {
            assert_eq!(sanitized(text), segment, "{text}");
        }
        assert_eq!(
            (sanitized_version("v1.0"), sanitized_version("vv1"), sanitized_version("v")),
            ("1.0".to_owned(), "v1".to_owned(), String::new())
        );
    }
}
