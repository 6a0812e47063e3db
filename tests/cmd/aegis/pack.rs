//! `aegis pack`: signing, re-signing, and what stands in its way.

use std::time::{Duration, SystemTime};

use aileron_testkit::home::TestHome;

use super::repository::{PAIR, staged};

const TRUST: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

#[test] // aegis-bundle.md §15, 9
fn signing_the_same_executable_again_under_the_same_version_is_warned_about() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    let rules = |line: &str| {
        let ran = home.ok(&format!("aileron-pub aegis pack dist {line} --json")).json();
        ran["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["rule"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let none = [""; 0];
    assert_eq!(rules("--out one.zip --sign --key-id k1 --key key"), none);
    // Another label and so another signature, in its place and beside it.
    assert_eq!(rules("--out two.zip --sign --key-id k2 --key key --against one.zip"), ["sign.same_version"]);
    assert_eq!(rules("--out one.zip --sign --key-id k2 --key key"), ["sign.same_version"]);
    // An unsigned one that hosts have keeps its place too; packing without a signature changes nothing there.
    assert_eq!(rules("--out bare.zip"), none);
    assert_eq!(rules("--out bare.zip --sign --key-id k1 --key key"), ["sign.same_version"]);
    assert_eq!(rules("--out one.zip"), none);
    // Another version, or another executable, is taken.
    staged(&home, "1.0.1");
    assert_eq!(rules("--out new.zip --sign --key-id k1 --key key --against two.zip"), none);
    staged(&home, "1.0.0");
    let mut library = std::fs::read(home.path("dist/bin/linux-amd64/extension")).unwrap();
    library.push(0);
    home.write("dist/bin/linux-amd64/extension", library);
    assert_eq!(rules("--out new.zip --sign --key-id k3 --key key --against two.zip"), none);
    // What is no bundle says nothing, and is replaced.
    home.write("other.zip", "something else");
    assert_eq!(rules("--out other.zip --sign --key-id k1 --key key"), none);
    let ran = home.ok("aileron-pub aegis pack dist --out one.zip --sign --key-id k9 --key key --against new.zip");
    assert!(ran.stdout.contains("a host that has it keeps the old signature"), "{ran}");
}

#[test] // pain: javanthropus/archive-zip#11, times that change the hash
fn times_and_modes_of_files_do_not_change_the_hash() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    home.ok("aileron-pub aegis pack dist --out one.zip");
    for (file, seconds) in [("dist/manifest.json", 1_000_000_000), ("dist/bin/linux-amd64/extension", 2_000_000_001)] {
        let file = std::fs::File::options().append(true).open(home.path(file)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }
    let line = "chmod 400 dist/manifest.json && chmod 777 dist/bin/linux-amd64/extension && TZ=Asia/Tokyo aileron-pub aegis pack dist --out two.zip";
    assert_eq!(home.finish(home.shell(line), line).code, 0);
    assert!(std::fs::read(home.path("one.zip")).unwrap() == std::fs::read(home.path("two.zip")).unwrap());
}

#[test] // pain: zip-rs/zip2#21, a link stored as a file; aegis-bundle.md §12.3, the signing tool's rows about links
fn a_link_is_neither_followed_nor_stored_as_a_file() {
    let home = TestHome::new();
    // To a file, which the host's tool stores as its content; to a directory, on which it stops; to nothing.
    for (link, to) in
        [("bin/linux-amd64/alias", "extension"), ("bin/linux-386", "linux-amd64"), ("bin/linux-amd64/gone", "nowhere")]
    {
        staged(&home, "1.0.0");
        std::os::unix::fs::symlink(to, home.path("dist").join(link)).unwrap();
        for line in ["aileron-pub aegis pack dist --out x.zip", "aileron-pub aegis check dist"] {
            let ran = home.run(line);
            assert_eq!(ran.code, 6, "{ran}");
            assert!(ran.stderr.contains(&format!("dist/{link} is a link; a bundle holds files only")), "{ran}");
        }
        assert!(!home.path("x.zip").exists());
        std::fs::remove_file(home.path("dist").join(link)).unwrap();
    }
}

#[test] // the issue: bad input
fn a_key_that_cannot_sign_is_named_and_nothing_is_written() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(PAIR.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    home.write("utf16", utf16);
    home.write("public.pem", aileron_testkit::home::PUBLIC_KEY);
    home.write("mixed", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8prLrhQbzK8LIuGpTTTQvHNh5SbQv+EsiXlLyTIpZt1w==");
    for (flags, code, words) in [
        ("--key-id k1 --key utf16", 1, "key file utf16: the private key is UTF-16 text"),
        ("--key-id k1 --key public.pem", 1, "public.pem"),
        ("--key-id k1 --key mixed", 1, "belongs to another key"),
        ("--key-id k1 --key nowhere", 1, "nowhere"),
        ("--key-id k1", 2, "there is no signing key"),
        ("--key-id -- --key key", 2, "key"),
        ("--key-id .. --key key", 2, "key id \"..\" is not usable"),
        ("--key-id k1 --key key --valid-for 0s", 2, "the lifetime must be positive"),
        ("--key-id k1 --key key --valid-for 30d", 2, "30d"),
    ] {
        let line = format!("aileron-pub aegis pack dist --out x.zip --sign {flags}");
        let ran = home.run(&line);
        assert_eq!(ran.code, code, "{line}\n{ran}");
        assert!(ran.stderr.contains(words), "{line}\n{ran}");
        assert!(!home.path("x.zip").exists(), "{line}");
    }
    let ran = home.run("aileron-pub aegis pack dist --out x.zip --sign --key-id .. --key key --json").json();
    assert_eq!(ran["error"]["details"]["rule"], "sign.key_id", "{ran}");
    let ran = home.run("aileron-pub aegis pack dist --out x.zip --sign --key-id k --key utf16 --json").json();
    assert_eq!(ran["error"]["details"]["rule"], "sign.key", "{ran}");
    // In the work tree a key would be committed.
    home.write("repo/x", "");
    super::repository::commit(&home, "repo");
    let ran = home.run("aileron-pub aegis keys generate --out repo/key");
    assert!(ran.code != 0 && ran.stderr.contains("repo"), "{ran}");
    assert!(!home.path("repo/key").exists());
}

#[test] // aegis-bundle.md §7.2
fn a_seed_alone_signs_nothing_until_it_is_said_to_be_one_and_written_in_64_bytes() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    home.write("seed", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    // As long as a public key: a key made of that would be everybody's.
    for file in ["seed", "public"] {
        home.write("public", TRUST);
        let ran = home.run(&format!("aileron-pub aegis pack dist --out x.zip --sign --key-id k1 --key {file}"));
        assert!(ran.code == 1 && ran.stderr.contains("32 alone are a seed or a public key"), "{ran}");
        assert!(ran.stderr.contains("aegis keys generate --from-seed FILE --out NEW"), "{ran}");
    }
    home.ok("aileron-pub aegis keys generate --from-seed seed --out pair");
    assert_eq!(home.read("pair"), PAIR);
    let ran = home.run("aileron-pub aegis keys generate --from-seed pair --out other");
    assert!(ran.code == 1 && ran.stderr.contains("this is no seed"), "{ran}");
    assert!(!home.path("other").exists());
    home.ok("aileron-pub aegis pack dist --out seed.zip --sign --key-id k1 --key pair");
    home.ok(&format!("aileron-pub aegis verify seed.zip --trust {TRUST}"));
}

#[test] // the issue: clock before signed_at. aegis-bundle.md §8.2: there is no not-before
fn a_host_whose_clock_is_behind_takes_what_was_signed_later() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    home.ok("aileron-pub aegis pack dist --out one.zip --sign --key-id k1 --key key");
    let told = home.ok(&format!("aileron-pub aegis verify one.zip --trust {TRUST} --now 2001-01-01T00:00:00Z --json"));
    assert_eq!(told.json()["signature"]["class"], "verified");
}

#[test] // the issue: read-only output, full disk
fn a_place_that_takes_no_bundle_is_named_and_what_was_there_stays() {
    let home = TestHome::new();
    staged(&home, "1.0.0");
    let noise: Vec<u8> = (0..400_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let library = [std::fs::read(home.path("dist/bin/linux-amd64/extension")).unwrap(), noise].concat();
    home.write("dist/bin/linux-amd64/extension", library);
    home.write("there.zip", "what was there");
    let full = "trap '' XFSZ; ulimit -f 64; aileron-pub aegis pack dist --out there.zip";
    for (line, words) in [
        (full, "there.zip"),
        ("aileron-pub aegis pack dist --out /proc/x.zip", "/proc"),
        ("aileron-pub aegis pack dist --out nowhere/x.zip", "nowhere"),
        ("aileron-pub aegis pack dist --out dist", "dist"),
    ] {
        let before = home.files();
        let ran = home.finish(home.shell(line), line);
        assert_eq!(ran.code, 1, "{line}\n{ran}");
        assert!(ran.stderr.contains(words), "{line}\n{ran}");
        assert!(home.files() == before, "{line}");
    }
}
