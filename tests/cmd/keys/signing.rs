//! Our keys and signatures against the openssl on this machine, both ways round.

use std::path::Path;
use std::process::{Command, Output};

use aileron_cli::publisher::sign::{KeyError, SigningKey};
use aileron_cli::secret::Secret;
use aileron_testkit::Requirement;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::signature::{Signature, accepts};

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").current_dir(folder).args(arguments).output().expect("openssl runs")
}

/// As [`openssl`], for calls that must succeed.
fn openssl_ok(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = openssl(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder to work in with a key that openssl made.
fn bench() -> Option<tempfile::TempDir> {
    let folder = Requirement::Openssl.is_met().then(tempfile::tempdir)?.expect("a folder");
    openssl_ok(folder.path(), &["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]);
    Some(folder)
}

fn read(folder: &Path, file: &str) -> SigningKey {
    read_with(folder, file, None).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read_with(folder: &Path, file: &str, passphrase: Option<&str>) -> Result<SigningKey, KeyError> {
    let text = std::fs::read(folder.join(file)).expect("reads");
    let passphrase = passphrase.map(|word| Secret::from(word.to_owned()));
    SigningKey::read(text.into(), || passphrase.ok_or(KeyError::PassphraseMissing))
}

#[test] // openssl 3.0 writes PKCS#8 v1, and reads nothing newer
fn a_key_openssl_made_is_read_and_written_back_unchanged() {
    let Some(bench) = bench() else { return };
    let key = read(bench.path(), "key.pem");
    assert_eq!(key.to_pem().expose(), std::fs::read(bench.path().join("key.pem")).expect("reads"));
    let public = openssl_ok(bench.path(), &["pkey", "-in", "key.pem", "-pubout"]);
    assert_eq!(key.public().to_pem().into_bytes(), public);
    assert_eq!(PublicKey::from_pem(&public), Ok(key.public()));
}

#[test]
fn openssl_reads_what_we_write() {
    let Some(bench) = bench() else { return };
    let key = SigningKey::generate().unwrap_or_else(|error| panic!("{error}"));
    let word = Secret::from("open sesame".to_owned());
    std::fs::write(bench.path().join("plain.pem"), key.to_pem().expose()).expect("writes");
    let sealed = key.to_encrypted_pem(&word).unwrap_or_else(|error| panic!("{error}"));
    std::fs::write(bench.path().join("sealed.pem"), sealed.expose()).expect("writes");
    let public = key.public().to_pem().into_bytes();
    assert_eq!(openssl_ok(bench.path(), &["pkey", "-in", "plain.pem", "-pubout"]), public);
    let open = |word: &str| openssl(bench.path(), &["pkey", "-in", "sealed.pem", "-passin", word, "-pubout"]);
    assert_eq!(open("pass:open sesame").stdout, public);
    assert!(!open("pass:open barley").status.success());
    assert_eq!(
        read_with(bench.path(), "sealed.pem", Some("open sesame")).map(|key| key.public()).ok(),
        Some(key.public())
    );
}

#[test]
fn every_way_openssl_encrypts_by_itself_is_read() {
    let Some(bench) = bench() else { return };
    let wanted = read(bench.path(), "key.pem").public();
    for how in [&["-v2", "aes-256-cbc"][..], &["-v2", "aes-128-cbc"], &["-scrypt"], &[]] {
        let seal =
            [&["pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:sesame", "-out", "sealed.pem"], how].concat();
        openssl_ok(bench.path(), &seal);
        let opened = read_with(bench.path(), "sealed.pem", Some("sesame")).map(|key| key.public());
        assert_eq!(opened.map_err(|error| error.to_string()), Ok(wanted), "{how:?}");
        assert!(matches!(read_with(bench.path(), "sealed.pem", Some("barley")), Err(KeyError::WrongPassphrase)));
        assert!(matches!(read_with(bench.path(), "sealed.pem", None), Err(KeyError::PassphraseMissing)));
    }
    for old in [["-v2", "des3"], ["-v1", "PBE-SHA1-3DES"]] {
        let seal =
            [&["pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:sesame", "-out", "old.pem"], &old[..]].concat();
        openssl_ok(bench.path(), &seal);
        let opened = read_with(bench.path(), "old.pem", Some("sesame")).map(|key| key.public());
        assert!(matches!(opened, Err(KeyError::Encryption)), "{old:?}: {opened:?}");
    }
}

#[test]
fn keys_of_other_kinds_are_called_by_their_name() {
    let Some(bench) = bench() else { return };
    for (arguments, kind) in [
        (&["genpkey", "-algorithm", "x25519", "-out", "other.pem"][..], "an X25519"),
        (&["genpkey", "-algorithm", "ed448", "-out", "other.pem"], "an Ed448"),
        (&["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "other.pem"], "an RSA"),
        (
            &["genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "other.pem"],
            "an elliptic-curve (EC)",
        ),
        (&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "other.pem"], "an elliptic-curve (EC)"),
    ] {
        openssl_ok(bench.path(), arguments);
        let said = read_with(bench.path(), "other.pem", None).err().map(|error| error.to_string());
        assert_eq!(said, Some(format!("this is {kind} private key; signing needs an ed25519 one")));
    }
}

#[test]
fn signatures_verify_both_ways() {
    let Some(bench) = bench() else { return };
    let key = read(bench.path(), "key.pem");
    std::fs::write(bench.path().join("payload"), b"wasm and manifest").expect("writes");
    let theirs = ["pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "payload", "-out", "theirs.sig"];
    openssl_ok(bench.path(), &theirs);
    let theirs = std::fs::read(bench.path().join("theirs.sig")).expect("reads");
    let ours = key.sign(&[b"wasm", b" and ", b"manifest"]);
    assert_eq!(theirs, ours, "PureEdDSA is deterministic");
    let theirs = Signature::from_slice(&theirs).expect("64 bytes");
    assert!(accepts(&key.public(), &[b"wasm and", b" manifest"], &theirs));
    std::fs::write(bench.path().join("ours.sig"), ours).expect("writes");
    std::fs::write(bench.path().join("key.pub"), key.public().to_pem()).expect("writes");
    let verify =
        ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pub", "-in", "payload", "-sigfile", "ours.sig"];
    openssl_ok(bench.path(), &verify);
}

#[test]
fn the_line_that_is_printed_for_another_form_makes_pem_of_it() {
    let Some(bench) = bench() else { return };
    if !Requirement::Xxd.is_met() {
        return;
    }
    let key = read(bench.path(), "key.pem");
    let wanted = key.public();
    let der = openssl_ok(bench.path(), &["pkey", "-in", "key.pem", "-outform", "DER"]);
    let seed = &der[16..];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes();
    let base64 = |bytes: &[u8]| {
        std::fs::write(bench.path().join("bytes"), bytes).expect("writes");
        openssl_ok(bench.path(), &["base64", "-in", "bytes"])
    };
    let pair = [seed, wanted.as_bytes()].concat();
    for (form, bytes) in [
        ("DER", der.clone()),
        ("DER and a line break", [&der[..], b"\n"].concat()),
        ("DER in hex", hex(&der)),
        ("the body of PEM", base64(&der)),
        ("raw", seed.to_vec()),
        ("raw, with the public key", pair.clone()),
        ("raw in hex", hex(seed)),
        ("raw in hex, with the public key", hex(&pair)),
        ("raw in base64", base64(seed)),
        ("raw in base64, with the public key", base64(&pair)),
    ] {
        std::fs::write(bench.path().join("KEY"), bytes).expect("writes");
        let said = read_with(bench.path(), "KEY", None).err().map(|error| error.to_string()).unwrap_or_default();
        let (_, line) = said.split_once("write it as PEM: ").unwrap_or_else(|| panic!("{form}: {said}"));
        let _ = std::fs::remove_file(bench.path().join("KEY.pem"));
        let made = Command::new("sh").current_dir(bench.path()).args(["-c", line]).output().expect("sh runs");
        assert!(made.status.success(), "{form}: {line}: {}", String::from_utf8_lossy(&made.stderr));
        assert_eq!(read(bench.path(), "KEY.pem").public(), wanted, "{form}: {line}");
    }
    let sealed =
        ["pkcs8", "-topk8", "-in", "key.pem", "-outform", "DER", "-v2", "aes-256-cbc", "-passout", "pass:word"];
    let sealed = openssl_ok(bench.path(), &sealed);
    std::fs::write(bench.path().join("KEY"), sealed).expect("writes");
    let said = read_with(bench.path(), "KEY", None).err().map(|error| error.to_string()).unwrap_or_default();
    let (_, line) = said.split_once("write it as PEM: ").unwrap_or_else(|| panic!("{said}"));
    let words: Vec<&str> = line.split(' ').skip(1).chain(["-passin", "pass:word", "-passout", "pass:word"]).collect();
    openssl_ok(bench.path(), &words);
    let read = read_with(bench.path(), "KEY.pem", Some("word")).map(|key| key.public());
    assert_eq!(read.ok(), Some(wanted), "{line}");
}
