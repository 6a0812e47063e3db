use super::*;
use crate::problem::Class;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

const KR: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const K0: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const K1: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn key(text: &str) -> PublicKey {
    PublicKey::from_base64(text).expect(text)
}

fn ring(grants: &[(&str, &str)]) -> Keyring {
    let mut ring = Keyring::new();
    for (authority, text) in grants {
        assert!(ring.grant(Authority::new(*authority), key(text)));
    }
    ring
}

fn parse(text: &str) -> Result<Keyring, String> {
    Keyring::parse(text.as_bytes(), "k.json").map_err(|error| {
        assert_eq!(error.class(), Class::ValidationError);
        error.to_string()
    })
}

#[test] // keyring.md §1.6 and §1.2
fn a_saved_ring_has_exactly_these_bytes() {
    let digest =
        |ring: &Keyring| -> String { Sha256::digest(ring.render()).iter().map(|byte| format!("{byte:02x}")).collect() };
    let both = ring(&[("github://acme", KR), ("github://zeta/widget", K0), ("github://zeta/widget", K1)]);
    for (ring, length, sha256) in [
        (Keyring::new(), 39, "dd931bac6f21bb0850019cc0160ed216386b4a9320061fb863d48bdb49153e21"),
        (
            ring(&[("github://acme/connector", KR)]),
            134,
            "78791834f21c3113e32fd3b32855fc06fffb5ec38c6cff3b06d854f45fb28632",
        ),
        (both, 286, "c241c1ce90145d4d1678314932e3b4fe10ab1cf622fa0878cbc65a33137c9123"),
    ] {
        assert_eq!(ring.render().len(), length);
        assert_eq!(digest(&ring), sha256);
    }
}

#[test] // keyring.md §1.4
fn what_a_ring_refuses_and_how_it_says_so() {
    for (text, message) in [
        ("{not json", "keyring \"k.json\": invalid JSON: key must be a string at line 1 column 2"),
        (
            "{\n\"version\": \"1\"}",
            "keyring \"k.json\": invalid JSON: invalid type: string \"1\", expected i64 at line 2 column 14",
        ),
        (
            "{\"version\":9223372036854775808}",
            "keyring \"k.json\": invalid JSON: invalid value: integer `9223372036854775808`, expected i64 at line 1 column 30",
        ),
        ("{}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
        ("null", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
        ("{\"version\":-1}", "keyring \"k.json\": unsupported version -1 (expected 1 or 2)"),
        ("{\"version\":1,\"version\":null}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
        ("{\"VERSION\":1}", "keyring \"k.json\": unsupported version 0 (expected 1 or 2)"),
        (
            "{\"version\":1,\"owners\":{\"a\":[],\"b\":null}}",
            "keyring \"k.json\": owner-level grants require version 2 (found 2 owners under version 1)",
        ),
        ("{\"version\":2,\"owners\":{\"\":[\"x\"]}}", "keyring \"k.json\": empty authority key"),
        (
            "{\"version\":2,\"owners\":{\"b\":[\"\"]},\"publishers\":{\"z\\\"\":[\"!\"]}}",
            "keyring \"k.json\": authority \"z\\\"\" key[0]: not valid base64",
        ),
        (
            "{\"version\":2,\"publishers\":{\"b\":[\"!\"],\"a\":[null]}}",
            "keyring \"k.json\": authority \"a\" key[0]: decoded length 0, want 32",
        ),
    ] {
        assert_eq!(parse(text), Err(message.into()), "{text}");
    }
    for text in
        ["{\"x\":\"\\ud800\",\"version\":1}", "{\"x\":{\"\\ud800\":1},\"version\":1}", "[]", "1", "{\"version\":1}x"]
    {
        assert!(parse(text).is_err_and(|message| message.contains("invalid JSON")), "{text}");
    }
    let latin = Keyring::parse(b"{\n\"\xff\":1}", "k.json").expect_err("not UTF-8");
    assert_eq!(latin.to_string(), "keyring \"k.json\": invalid JSON: invalid UTF-8 at line 2");
}

#[test] // keyring.md §1.4, its table
fn repeated_members_merge_and_unknown_ones_are_ignored() {
    let text = format!(
        r#"{{"version":9,"a/b":{{"c":[1,-1,1.5,true,null,"x"]}},"publishers":{{"a":["{K0}"],"b":["{K0}"]}},
            "publishers":{{"b":["{K1}"],"c":["{K1}","{K1}"]}},"version":1,"d":null}}"#
    );
    let read = parse(&text).expect("reads");
    assert_eq!(read.exact(&Authority::new("a")), [key(K0)]);
    assert_eq!(read.exact(&Authority::new("b")), [key(K1)]);
    assert_eq!(read.exact(&Authority::new("c")), [key(K1), key(K1)]);
    let cleared = parse(&format!(r#"{{"version":1,"publishers":{{"a":["{K0}"]}},"publishers":null}}"#));
    assert_eq!(cleared, Ok(Keyring::new()));
}

#[test] // keyring.md §13, V1 to V10, V14
fn trust_is_the_union_of_both_scopes_and_nothing_wider() {
    let names = |ring: &Keyring, authority: &str| ring.keys(&Authority::new(authority)).len();
    let both = ring(&[("github://acme", K0), ("github://acme/x", K1), ("not-a-name", KR), ("local://me", KR)]);
    for (authority, count) in [
        ("github://acme/x", 2),
        ("github://acme/y", 1),
        ("github://acme/x/actions/post", 1),
        ("github://acme", 1),
        ("github://acme/", 0),
        ("github://Acme/x", 0),
        ("GitHub://acme/x", 0),
        ("gitlab://acme/x", 0),
        ("github://acme/x@1.0.0", 0),
        ("local://me/tool", 1),
        ("not-a-name", 1),
        ("", 0),
    ] {
        assert_eq!(names(&both, authority), count, "{authority}");
    }
    let everyone = Keyring::of_keys([key(KR)]);
    assert_eq!((names(&everyone, "github://who/ever"), names(&everyone, "")), (1, 0));
    assert!(!everyone.is_empty());
    assert_eq!(everyone.render(), Keyring::new().render());
}

#[test] // keyring.md §13, V13 and the texts of §2.5
fn a_refusal_names_the_authority_and_the_keys_that_were_tried() {
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::STANDARD
        .decode("yDoGp4VgrR4oc7Ak5LOA+gXR0qiloeREJ48Y6LwhV3JcyNqFhzYbSIItpBO2SgBdX3gS4QAIHS6aYIP74GluAA==")
        .expect("base64");
    let slack = Authority::new("github://acme/slack");
    let ask = |ring: &Keyring, signature: &[u8]| ring.verify(&slack, &[b"BIN", b"MAN"], signature);
    assert_eq!(ask(&ring(&[("github://acme", KR)]), &signature), Ok(key(KR).fingerprint()));
    let none = ask(&Keyring::new(), &signature).expect_err("no key");
    assert_eq!(none.to_string(), "no signing key registered for authority \"github://acme/slack\"");
    let wrong = ask(&ring(&[("github://acme", K1), ("github://acme/slack", K1)]), &signature).expect_err("wrong");
    assert_eq!(wrong, SignatureRefused::NoMatch { authority: slack.clone(), tried: vec![key(K1).fingerprint()] });
    assert_eq!(
        wrong.to_string(),
        "signature does not verify against any key registered for authority \"github://acme/slack\""
    );
    let short = ask(&ring(&[("github://acme", KR)]), &signature[..63]).expect_err("short");
    assert_eq!(short.to_string(), "signature is 63 bytes long, want 64");
    assert!([none, wrong, short].iter().all(|refused| refused.class() == Class::SignatureFailure));
}

#[test] // keyring.md §13, C20 and S7 to S9
fn grants_come_and_go() {
    let mut ring = ring(&[("b/two", KR), ("a/one", KR), ("a/one", K0)]);
    assert!(!ring.grant(Authority::new("a/one"), key(K0)));
    assert!(!ring.grant(Authority::new(""), key(K0)));
    assert_eq!(ring.authorities().map(Authority::as_str).collect::<Vec<_>>(), ["a/one", "b/two"]);
    assert_eq!(ring.weak(), [(Authority::new("a/one"), key(K0))]);
    assert_eq!(ring.revoke_key(&key(KR).fingerprint()), 2);
    assert_eq!(ring.revoke_key(&key(KR).fingerprint()), 0);
    assert_eq!(ring.authorities().map(Authority::as_str).collect::<Vec<_>>(), ["a/one"]);
    assert!(ring.revoke(&Authority::new("a/one")));
    assert!(!ring.revoke(&Authority::new("a/one")));
    assert!(ring.is_empty());
}

fn authorities() -> impl Strategy<Value = String> {
    prop_oneof![
        "(github|gitlab|hub|acme)://[a-z]{1,4}(/[A-Za-z._-]{1,4}){0,2}",
        "[ -~\u{0}-\u{1f}\u{2028}\u{2029}é<>&\"\\\\]{1,12}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty()),
    ]
}

proptest! {
    #[test]
    fn a_rendered_ring_reads_back_as_itself(
        grants in proptest::collection::vec((authorities(), any::<[u8; 32]>()), 0..12),
    ) {
        let mut ring = Keyring::new();
        for (authority, bytes) in grants {
            ring.grant(Authority::new(authority), PublicKey::from_bytes(bytes));
        }
        let text = ring.render();
        let read = Keyring::parse(text.as_bytes(), "k").expect("our own text");
        prop_assert_eq!(&read, &ring);
        prop_assert_eq!(read.render(), text);
    }

    #[test]
    fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Keyring::parse(&bytes, "k");
        let _ = PublicKey::from_text(&bytes);
    }
}

#[test] // keyring.md §1.4
fn a_ring_that_begins_with_a_byte_order_mark_is_refused_by_that_name() {
    let text = "{\"version\": 2, \"publishers\": {}}";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let utf32 = |bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|one| bytes(one.into())).collect::<Vec<u8>>();
    let rows: [(&[u8], Vec<u8>, &str); 10] = [
        (b"\xef\xbb\xbf", text.into(), "UTF-8"),
        (b"\xef\xbb\xbf", Vec::new(), "UTF-8"),
        (b"\xef\xbb\xbf", b"not json".to_vec(), "UTF-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf", text.into(), "UTF-8"),
        (b"\xff\xfe", utf16(u16::to_le_bytes), "UTF-16"),
        (b"\xfe\xff", utf16(u16::to_be_bytes), "UTF-16"),
        (b"\xff\xfe", Vec::new(), "UTF-16"),
        (b"\xfe\xff", text.into(), "UTF-16"),
        (b"\xff\xfe\0\0", utf32(u32::to_le_bytes), "UTF-32"),
        (b"\0\0\xfe\xff", utf32(u32::to_be_bytes), "UTF-32"),
    ];
    for (mark, rest, encoding) in rows {
        let refused = Keyring::parse(&[mark, &rest].concat(), "k.json").expect_err("a mark");
        let expected = format!(
            "keyring \"k.json\": invalid JSON: it begins with a {encoding} byte-order mark; save it as UTF-8 without one"
        );
        assert_eq!((refused.to_string(), refused.line()), (expected, Some(1)), "{mark:?}");
    }
    for text in [text, "\n {\"version\": 2}", "{\"version\": 2, \"publishers\": {\"a://\u{feff}\": []}}"] {
        Keyring::parse(text.as_bytes(), "k.json").expect("no mark at its beginning");
    }
}
