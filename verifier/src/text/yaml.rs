//! YAML of the Hub's catalog, both ways through one library. keyring.md §9.4 and §9.5.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads one document. Unknown fields are the caller's types' business.
///
/// # Errors
/// One line: what is wrong, and where.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}

/// Writes one document: one `key: value` per line, plain where that is safe, lists as blocks, LF, a final newline.
///
/// # Errors
/// What the library says about a value that has no form in YAML.
pub fn write(document: &impl Serialize) -> Result<String, String> {
    let options = serde_saphyr::ser_options! { compact_list_indent: false, prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(document, options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::catalog::{CatalogConnector, CatalogSuite};
    use proptest::prelude::*;

    #[test] // keyring.md §9.5 and §13, H23
    fn an_entry_is_written_as_the_catalog_keeps_it() {
        let suite = CatalogSuite {
            fqn: "github://a/b/suite".into(),
            description: "Mail: read # and send".into(),
            publisher_github: "123".into(),
            member_actions: vec!["github://a/b/actions/x".into(), "github://a/b/actions/y".into()],
            ..CatalogSuite::default()
        };
        let expected = "fqn: github://a/b/suite\ndescription: \"Mail: read # and send\"\npublisher_github: \"123\"\nmember_actions:\n  - github://a/b/actions/x\n  - github://a/b/actions/y\n";
        assert_eq!(write(&suite).expect("writes"), expected);
        let connector = CatalogConnector { release_pattern: "*".into(), ..CatalogConnector::default() };
        let text = write(&connector).expect("writes");
        assert!(text.ends_with("release_pattern: \"*\"\n"), "{text}");
        assert_eq!(read::<CatalogConnector>(text.as_bytes()), Ok(connector));
    }

    #[test] // keyring.md §9.4
    fn reading_is_lenient_about_fields_and_strict_about_yaml() {
        let text = b"---\nfqn: github://a/b\nunknown: {a: [1]}\ndescription: >\n  two\n  lines\nkey_url:\n";
        let read_back = read::<CatalogConnector>(text).expect("reads");
        assert_eq!((read_back.fqn.as_str(), read_back.description.as_str()), ("github://a/b", "two lines\n"));
        assert_eq!(read_back.key_url, "");
        for (text, at) in [("fqn: [", "line 1"), ("fqn: a\ndescription: [1]\n", "line 2"), ("a: &a [*a, *b]", "line 1")]
        {
            let error = read::<CatalogConnector>(text.as_bytes()).expect_err(text);
            assert!(error.contains(at) && !error.contains('\n'), "{error}");
        }
        let laughs: String = std::iter::once("a0: &a0 [x, x]\n".to_owned())
            .chain((1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)))
            .collect();
        read::<CatalogConnector>(laughs.as_bytes()).expect_err("too much of it");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(description in "\\PC*", pattern in any::<String>()) {
            let entry = CatalogConnector { description, release_pattern: pattern, ..CatalogConnector::default() };
            let text = write(&entry).expect("writes");
            prop_assert_eq!(read::<CatalogConnector>(text.as_bytes()), Ok(entry), "{}", text);
        }
    }
}
