//! Versions in their order, tags and paths there and back.

use std::cmp::Ordering;

use aileron_verifier::layout::{ARCHIVE, CompleteVersions};
use aileron_verifier::name::fqn::Scheme;
use aileron_verifier::name::version::Tag;

use super::*;

/// Versions that are close to each other, so that many compare equal or differ in one part.
fn close() -> impl Strategy<Value = Version> {
    let number = select(vec!["0", "1", "2", "10", "9", "18446744073709551616", "18446744073709551617"]);
    let identifier =
        select(vec!["", "-0", "-1", "-10", "-a", "-A", "-a.1", "-a.b", "-1.a", "-rc.1", "-rc.10", "-rc.9"]);
    let build = select(vec!["", "+1", "+2", "+a.b"]);
    let parts = (number.clone(), number.clone(), number, identifier, build);
    parts.prop_map(|(major, minor, patch, pre, build)| {
        format!("{major}.{minor}.{patch}{pre}{build}").parse().expect("SemVer")
    })
}

/// One version of anything, as people write it.
fn reference() -> impl Strategy<Value = Ref> {
    (name(), SEMVER).prop_map(|(name, version)| format!("{name}@{version}").parse().expect("a Ref"))
}

proptest! {
    #![proptest_config(config(512))]

    #[test] // artifacts.md §1; semver.org, 11
    fn precedence_is_an_order_that_build_metadata_has_no_part_in(a in close(), b in close(), c in close()) {
        prop_assert_eq!(a.precedence(&a), Ordering::Equal);
        prop_assert_eq!(a.precedence(&b), b.precedence(&a).reverse());
        if a.precedence(&b).is_le() && b.precedence(&c).is_le() {
            prop_assert!(a.precedence(&c).is_le(), "{} ≤ {} ≤ {}", a, b, c);
        }
        let core = |version: &Version| version.as_str().split('+').next().expect("a first part").to_owned();
        let without: Version = core(&a).parse().expect("SemVer");
        prop_assert_eq!(a.precedence(&without), Ordering::Equal);
        prop_assert_eq!(a.precedence(&b).is_eq(), core(&a) == core(&b), "{} and {}", a, b);
    }

    #[test] // semver.org, 9 and 11: a pre-release is lower than what it leads to
    fn a_prerelease_is_lower_than_its_release_and_higher_than_the_one_before(version in close()) {
        let core = version.as_str().split(['-', '+']).next().expect("a first part");
        let release: Version = core.parse().expect("SemVer");
        let expected = if version.is_prerelease() { Ordering::Less } else { Ordering::Equal };
        prop_assert_eq!(version.precedence(&release), expected);
        let before: Version = "0.0.0-0".parse().expect("SemVer");
        prop_assert!(before.precedence(&version).is_le());
    }

    #[test] // artifacts.md §1
    fn a_tag_is_read_back_for_its_name_and_for_no_other(reference in reference(), other in name()) {
        let tag = reference.tag();
        prop_assert_eq!(reference.name.version_at(tag.as_str()), Some(reference.version.clone()));
        prop_assert!(!tag.as_segment().contains('/'));
        prop_assert_eq!(tag.as_segment().replace("%2F", "/"), tag.as_str());
        let other: Fqn = other.parse().expect("a name");
        if other.subpath() != reference.name.subpath() {
            prop_assert_eq!(other.version_at(tag.as_str()), None);
        }
        prop_assert_eq!(Tag::read(reference.name.subpath(), &format!("{tag}/")), None);
    }

    #[test] // artifacts.md §1: a mirror's path and address name one artifact
    fn a_mirrors_path_is_read_back_wherever_the_mirror_begins(
        reference in reference(),
        above in vec("[a-z]{1,5}", 0..3),
    ) {
        let path = reference.mirror_path();
        let parts: Vec<&str> = above.iter().map(String::as_str).chain(path.split('/')).collect();
        let read = Ref::at_mirror_path(reference.name.scheme(), &parts);
        // A name that holds the words of the layout is read at the first place they stand, or not at all; never as another
        // artifact whose own path is this one.
        if let Some(read) = &read {
            prop_assert!(parts.join("/").ends_with(&read.mirror_path()), "{} as {}", path, read);
        }
        let is_plain = !path.trim_end_matches(ARCHIVE).contains("releases/releases") && path.matches("releases/download/").count() == 1;
        if is_plain {
            prop_assert_eq!(read, Some(reference.clone()));
        }
        prop_assert_eq!(Ref::at_mirror_path(Scheme::Github, &parts[..parts.len() - 1]), None);
        let below = reference.url_below("https://mirror.example/base/");
        let start = format!("https://mirror.example/base/{}/releases/download/", reference.name.repository_path());
        let rest = below.strip_prefix(&start).expect("below the mirror's base");
        prop_assert_eq!(rest.matches('/').count(), 1, "the tag is one segment: {}", below);
    }

    #[test] // artifacts.md §12
    fn a_list_of_versions_is_in_order_whatever_order_they_came_in(mut versions in vec(close(), 0..12), name in name()) {
        let name: Fqn = name.parse().expect("a name");
        let listed = |versions: &[Version]| {
            let mut list = CompleteVersions::none(name.repository());
            for version in versions {
                list.add(version);
            }
            list
        };
        let list = listed(&versions);
        prop_assert!(list.versions.is_sorted_by(|one, next| one.precedence(next).is_le()));
        prop_assert!(versions.iter().all(|version| list.versions.contains(version)));
        prop_assert_eq!(&CompleteVersions::read(&list.to_bytes()).expect("it reads"), &list);
        versions.reverse();
        prop_assert_eq!(listed(&versions).to_bytes(), list.to_bytes());
    }

    #[test]
    fn no_bytes_break_the_reader_of_a_list(bytes in vec(any::<u8>(), 0..200), at in any::<Index>(), by: u8) {
        let _ = CompleteVersions::read(&bytes);
        let mut list = CompleteVersions::none("github://acme/tea".parse().expect("a name"));
        list.add(&"1.0.0".parse().expect("SemVer"));
        let mut changed = list.to_bytes();
        let at = at.index(changed.len());
        changed[at] ^= by;
        if let Ok(read) = CompleteVersions::read(&changed) {
            prop_assert!(read.versions.len() <= 1);
        }
    }
}
