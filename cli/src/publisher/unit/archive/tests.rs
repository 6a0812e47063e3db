use std::io::Write as _;

use aileron_verifier::name::digest::BlobDigest;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn file(path: &str, bytes: &[u8], is_executable: bool) -> FeatureFile {
    FeatureFile { path: path.to_owned(), bytes: bytes.to_vec(), is_executable }
}

fn feature() -> Vec<FeatureFile> {
    vec![
        file("devcontainer-feature.json", b"{\"id\":\"gh\"}", false),
        file("install.sh", b"#!/bin/sh\n", true),
        file("lib/a", &[0; 513], false),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

/// One entry of any kind and name.
fn entry(name: &str, kind: u8, link: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    let ustar = header.as_ustar_mut().expect("ustar");
    ustar.name[..name.len()].copy_from_slice(name.as_bytes());
    ustar.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let mut entry = header.as_bytes().to_vec();
    entry.extend_from_slice(bytes);
    entry.resize(entry.len().next_multiple_of(BLOCK), 0);
    entry
}

fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 2 * BLOCK]].concat()
}

#[test] // cli-unit.md §12.3
fn an_archive_is_a_plain_tar_with_the_same_bytes_each_time() {
    let archive = write(&feature()).expect("packs");
    let mut shuffled = feature();
    shuffled.reverse();
    assert_eq!(write(&shuffled).expect("packs"), archive);
    let digest = BlobDigest::of(&[&archive]).to_string();
    assert_eq!(digest, GOLDEN, "archives that are published keep their digest");
    let mut reader = Archive::new(&archive[..]);
    let told: Vec<String> = reader
        .entries()
        .expect("entries")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let (header, path) = (entry.header(), String::from_utf8_lossy(&entry.path_bytes()).into_owned());
            let number = |found: io::Result<u64>| found.expect("a number");
            let owner = (number(header.uid()), number(header.gid()), number(header.mtime()));
            assert_eq!(owner, (0, 0, 0), "{path}");
            format!("{path} {:o}", header.mode().expect("a mode"))
        })
        .collect();
    assert_eq!(told, ["./ 755", "./devcontainer-feature.json 644", "./install.sh 755", "./lib/ 755", "./lib/a 644"]);
}

const GOLDEN: &str = "sha256:977f15047508ea34db611bd517f708f05aa1ac2f2928fe6798bb48c97e623033";

#[test] // cli-unit.md §12.3
fn plain_and_compressed_archives_are_read_by_their_bytes() {
    let archive = write(&feature()).expect("packs");
    assert_eq!(read(&archive).expect("reads"), feature());
    assert_eq!(read(&gzip(&archive)).expect("reads"), feature());
    // Names as other packers write them.
    for name in ["install.sh", "./install.sh", "././install.sh", ".//install.sh"] {
        let read = read(&tar_of(&[entry(name, b'0', "", b"x")])).expect(name);
        assert_eq!(read, [file("install.sh", b"x", false)], "{name}");
    }
}

#[test]
fn what_could_be_unpacked_elsewhere_is_refused() {
    let two = |one: &str, other: &str| tar_of(&[entry(one, b'0', "", b"x"), entry(other, b'0', "", b"y")]);
    for (archive, why) in [
        (tar_of(&[entry("../x", b'0', "", b"")]), "leads out"),
        (tar_of(&[entry("a/../../x", b'0', "", b"")]), "leads out"),
        (tar_of(&[entry("/etc/passwd", b'0', "", b"")]), "begins at the root"),
        (tar_of(&[entry("a\\b", b'0', "", b"")]), "backslash"),
        (tar_of(&[entry("a\nb", b'0', "", b"")]), "control character"),
        (tar_of(&[entry("C:x", b'0', "", b"")]), "colon"),
        (tar_of(&[entry("a", b'2', "/etc/passwd", b"")]), "link"),
        (tar_of(&[entry("a", b'1', "b", b"")]), "link"),
        (tar_of(&[entry("a", b'3', "", b"")]), "neither a file"),
        (tar_of(&[entry("a", b'6', "", b"")]), "neither a file"),
        (tar_of(&[entry("../a", b'5', "", b"")]), "leads out"),
        (tar_of(&[entry(".", b'0', "", b"x")]), "no name"),
        (two("a", "./a"), "twice"),
        (two("a", "a/b"), "a part of its path is a file"),
        (b"not a tar".to_vec(), "cannot be read"),
        (Vec::new(), "cannot be read"),
        (vec![0; 1024], "cannot be read"),
        (GZIP.to_vec(), "cannot be read"),
        (write(&feature()).expect("packs")[..700].to_vec(), "cannot be read"),
    ] {
        let error = read(&archive).expect_err(why).to_string();
        assert!(error.contains(why), "{why}: {error}");
        assert!(read(&gzip(&archive)).is_err(), "{why}, compressed");
    }
}

#[test]
fn a_bomb_is_given_up_on() {
    let zeros = vec![0; 1 << 20];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..128 {
        encoder.write_all(&zeros).expect("compresses");
    }
    let bomb = encoder.finish().expect("compresses");
    assert!(matches!(read(&bomb), Err(ArchiveError::TooLarge(_))), "{} bytes", bomb.len());
    let mut header = Header::new_ustar();
    header.as_old_mut().name[0] = b'a';
    header.set_size(1 << 40);
    header.set_cksum();
    assert!(read(&tar_of(&[header.as_bytes().to_vec()])).is_err());
    let many: Vec<Vec<u8>> = (0..=MOST_FILES).map(|n| entry(&n.to_string(), b'0', "", b"")).collect();
    assert!(matches!(read(&tar_of(&many)), Err(ArchiveError::TooLarge(_))));
}

#[test]
fn a_long_path_is_split_where_a_tar_can_and_refused_where_it_cannot() {
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    assert_eq!(read(&write(&[file(&long, b"x", false)]).expect("packs")).expect("reads")[0].path, long);
    assert!(write(&[file(&"f".repeat(101), b"x", false)]).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(files in prop::collection::btree_map("[a-z]{1,8}(/[a-z.]{1,4}x)?", (prop::collection::vec(any::<u8>(), 0..1500), any::<bool>()), 1..8)) {
        let files: Vec<FeatureFile> = files.into_iter().map(|(path, (bytes, run))| file(&path, &bytes, run)).collect();
        let clash = |path: &str| files.iter().any(|other| path.starts_with(&format!("{}/", other.path)));
        prop_assume!(!files.iter().any(|file| clash(&file.path)));
        prop_assert_eq!(read(&write(&files).expect("packs")).expect("reads"), files);
    }

    #[test]
    fn whatever_bytes_come_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000), at in 0usize..3000) {
        let _ = read(&bytes);
        let mut archive = write(&feature()).expect("packs");
        let at = at % archive.len();
        for (place, byte) in archive[at..].iter_mut().zip(bytes) {
            *place = byte;
        }
        let _ = read(&archive);
    }
}
