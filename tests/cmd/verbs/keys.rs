//! Keys, with the real openssl on the other side.

use std::fs;

use serde_json::{Value, json};

use crate::house::{House, has, mode};

fn new_repository() -> Option<House> {
    let house = has("openssl", "version").then(House::empty)?;
    house.ok("aileron-pub init tea --owner acme --language wat --yes");
    Some(house)
}

#[test]
fn the_public_key_is_byte_for_byte_what_openssl_writes() {
    let Some(house) = new_repository() else { return };
    house.ok("aileron-pub -C tea keys generate --out publisher.key");
    house.ok("openssl pkey -in publisher.key -pubout -out openssl.pub");
    assert_eq!(house.read("tea/keys/publisher.pub"), house.read("openssl.pub"));
    assert_eq!(mode(&house.path("publisher.key")), 0o600);
    house.ok("openssl pkey -in publisher.key -out openssl.key");
    assert_eq!(house.read("publisher.key"), house.read("openssl.key"));
    let readme = house.read("tea/keys/README.md");
    let fingerprint = house.ok("aileron-pub -C tea keys show --json").json()["fingerprint"].clone();
    assert!(readme.contains(fingerprint.as_str().unwrap()), "{readme}");
}

#[test]
fn an_encrypted_key_file_opens_with_its_passphrase_here_and_in_openssl() {
    let Some(house) = new_repository() else { return };
    house.ok("AILERON_KEY_PASSPHRASE=hunter2 aileron-pub -C tea keys generate --out sealed.key --encrypt");
    house.commit();
    assert!(house.read("sealed.key").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(mode(&house.path("sealed.key")), 0o600);
    house.ok("openssl pkey -in sealed.key -passin pass:hunter2 -pubout -out openssl.pub");
    assert_eq!(house.read("tea/keys/publisher.pub"), house.read("openssl.pub"));
    house.ok("AILERON_KEY_PASSPHRASE=hunter2 aileron-pub -C tea pack v0.1.0 --key sealed.key --out archives");
    for (passphrase, code, class) in [("", 2, "usage_error"), ("AILERON_KEY_PASSPHRASE=barley", 1, "validation_error")]
    {
        let ran = house.run(&format!("{passphrase} aileron-pub -C tea pack v0.1.0 --key sealed.key --out no --quiet"));
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("{class}: key file sealed.key: the p")), "{}", ran.stderr);
        assert!(!house.path("no").exists());
    }
    let absent = house.run("aileron-pub -C tea pack v0.1.0 --key sealed.key --out no --quiet");
    assert!(absent.stderr.contains("next: set AILERON_KEY_PASSPHRASE"), "{}", absent.stderr);
}

#[test]
fn a_printed_secret_is_base64_of_a_key_that_openssl_reads_and_a_release_takes() {
    let Some(house) = new_repository() else { return };
    let made = house.ok("aileron-pub -C tea keys generate --print-secret --json");
    let made = made.json();
    house.commit();
    let secret = made["secret"].as_str().unwrap();
    house.write("secret.b64", format!("{secret}\n"));
    house.ok("openssl base64 -d -A -in secret.b64 -out secret.key");
    house.ok("openssl pkey -in secret.key -pubout -out openssl.pub");
    assert_eq!(house.read("tea/keys/publisher.pub"), house.read("openssl.pub"));
    let released =
        house.ok(&format!("AILERON_SIGNING_KEY={secret} aileron-pub -C tea release v0.1.0 --to dir:registry --json"));
    assert_eq!(released.json()["key"], made["fingerprint"]);
    let leaks = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
        (path.starts_with("tea") && bytes.windows(40).any(|window| window == &secret.as_bytes()[60..100]))
            .then_some(path)
    };
    assert_eq!(house.files().into_iter().find_map(leaks), None);
}

#[test]
fn a_key_made_by_openssl_signs_a_release_that_openssl_verifies() {
    let Some(house) = new_repository() else { return };
    house.ok("openssl genpkey -algorithm ed25519 -out openssl.key");
    fs::create_dir(house.path("tea/keys")).unwrap();
    house.ok("openssl pkey -in openssl.key -pubout -out tea/keys/publisher.pub");
    house.commit();
    house.ok("aileron-pub -C tea release v0.1.0 --key openssl.key --to dir:registry");
    house.ok("aileron verify registry --key tea/keys/publisher.pub");
    let action = "registry/acme/aileron-connector-tea/releases/download/actions/tea-ping/v0.1.0/aileron.tar.gz";
    if has("tar", "--version") {
        house.ok(&format!("tar -xzf {action}"));
        house.ok(
            "openssl pkeyutl -verify -rawin -pubin -inkey tea/keys/publisher.pub -in action.md -sigfile signature.sig",
        );
    }
}

#[test]
fn the_ring_entry_that_is_shown_is_a_keyring_that_verify_accepts() {
    let house = House::released();
    let shown = house.ok("aileron-pub -C tea keys show --json").json();
    house.write("keyring.json", serde_json::to_vec(&shown["ring_entry"]).unwrap());
    let judged = house.ok("aileron verify registry --keyring keyring.json --json").json();
    assert_eq!(judged["verified"], 3);
    house.write(
        "other.json",
        json!({"version": 2, "publishers": {"github://acme/other": [shown["base64"]]}}).to_string(),
    );
    let refused = house.run("aileron verify registry --keyring other.json --json");
    assert_eq!((refused.code, refused.json()["refused"].clone()), (3, Value::from(3)));
    // At home, the same file is found without being named.
    fs::create_dir_all(house.path("../home/.aileron")).unwrap();
    fs::copy(house.path("keyring.json"), house.path("../home/.aileron/keyring.json")).unwrap();
    house.ok("aileron verify registry");
}
