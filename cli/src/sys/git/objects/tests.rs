#![cfg(unix)]

use std::fs;

use super::*;
use crate::sys::git::scratch::Repository;

/// A repository of one commit.
fn repository() -> Repository {
    let repository = Repository::new();
    repository.write("file", "text\n");
    repository.git(&["add", "file"]);
    repository.git(&["commit", "--quiet", "-m", "one"]);
    repository
}

impl Repository {
    fn peeled(&self, names: &[&str]) -> BTreeMap<String, String> {
        peeled(&self.root(), names, self.spawner()).expect("git answers")
    }
}

#[test]
fn tags_are_found_by_their_whole_name_and_peel_to_what_they_name_in_the_end() {
    let repository = repository();
    let [commit, tree, blob] = ["HEAD", "HEAD^{tree}", "HEAD:file"].map(|name| repository.git(&["rev-parse", name]));
    for (name, arguments) in [
        ("v1.0.0", vec!["v1.0.0"]),
        ("actions/a/v1.0.0", vec!["-a", "-m", "an annotated one", "actions/a/v1.0.0"]),
        ("actions/b/v1.0.0", vec!["-a", "-m", "a tag of a tag", "actions/b/v1.0.0", "actions/a/v1.0.0"]),
        ("actions/tree/v1.0.0", vec!["actions/tree/v1.0.0", "HEAD^{tree}"]),
        ("actions/blob/v1.0.0", vec!["actions/blob/v1.0.0", "HEAD:file"]),
        ("actions/a/v1.0.0-rc.1", vec!["actions/a/v1.0.0-rc.1"]),
        ("other/v1.0.0", vec!["other/v1.0.0"]),
    ] {
        repository.git(&[&["tag"], &*arguments].concat());
        assert_eq!(repository.git(&["tag", "--list", name]), name);
    }
    let expected = |rows: &[(&str, &String)]| -> BTreeMap<String, String> {
        rows.iter().map(|(name, object)| ((*name).to_owned(), (*object).clone())).collect()
    };
    let names = ["v1.0.0", "actions/a/v1.0.0", "actions/b/v1.0.0", "actions/none/v1.0.0", "v1.0", "v1.0.0-rc.1"];
    let commits = [("v1.0.0", &commit), ("actions/a/v1.0.0", &commit), ("actions/b/v1.0.0", &commit)];
    assert_eq!(repository.peeled(&names), expected(&commits));
    // What is no commit has the name of the object itself: it is another one than the release's commit, and is shown.
    let others = [("actions/tree/v1.0.0", &tree), ("actions/blob/v1.0.0", &blob)];
    assert_eq!(repository.peeled(&["actions/tree/v1.0.0", "actions/blob/v1.0.0"]), expected(&others));
    assert_eq!(repository.peeled(&["actions", "actions/a", "v1", "refs/tags/v1.0.0"]), BTreeMap::new());
    assert_eq!(repository.peeled(&[]), BTreeMap::new());
    // Packed or not, the answer is the same.
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(repository.peeled(&names), expected(&commits));
}

#[test]
fn a_tag_whose_object_is_gone_is_not_taken_for_absent() {
    let repository = repository();
    repository.git(&["tag", "-a", "-m", "x", "v1.0.0"]);
    let object = repository.git(&["rev-parse", "v1.0.0"]);
    fs::remove_file(repository.root().join(".git/objects").join(&object[..2]).join(&object[2..])).expect("removes");
    let found = peeled(&repository.root(), &["v1.0.0"], repository.spawner());
    // git names the object, or refuses: either way the release does not go on as if there were no tag.
    assert!(found.is_err() || found.is_ok_and(|tags| tags.get("v1.0.0") == Some(&object)));
}

#[test]
fn objects_come_in_the_order_they_are_asked_for_and_too_long_ones_without_their_bytes() {
    let repository = repository();
    let files: Vec<String> = (0..100).map(|number| format!("text of {number}\n").repeat(number)).collect();
    let write = |(number, text): (usize, &String)| {
        let path = &repository.root().join(format!("f{number}"));
        fs::write(path, text).expect("writes");
        repository.git(&["hash-object", "-w", "--", &format!("f{number}")])
    };
    let names: Vec<String> = files.iter().enumerate().map(write).collect();
    let wanted: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 500)).collect();
    let mut found = Vec::new();
    let take = |number, object| {
        assert_eq!(number, found.len());
        found.push(object);
        Ok::<_, GitError>(())
    };
    objects(&repository.root(), &wanted, repository.spawner(), take).expect("git answers");
    let expected = files.iter().map(|text| match text.len() as u64 {
        size @ 501.. => FoundObject::TooLong(size),
        _ => FoundObject::Bytes(text.clone().into_bytes()),
    });
    assert!(found.into_iter().eq(expected));
    let absent = "0".repeat(40);
    let mut found = Vec::new();
    let wanted = [(names[3].as_str(), 500), (absent.as_str(), 500)];
    objects(&repository.root(), &wanted, repository.spawner(), |_, object| {
        found.push(object);
        Ok::<_, GitError>(())
    })
    .expect("git answers");
    assert_eq!(found, [FoundObject::Bytes(files[3].clone().into_bytes()), FoundObject::Missing]);
}
