//! Documents that are signed and broken.

use super::*;

#[test] // artifacts.md §6: a document that cannot be read, or breaks a rule, with whatever signature
fn a_signature_does_not_make_a_document_sound() {
    let toy = Toy::default();
    let ring = toy.ring();
    let mut matrix = Matrix::default();
    let manifest = manifest_text("github://acme/echo", "1.2.3");
    for (why, text, class) in [
        ("not UTF-8", b"[connector]\n# \xff\n".to_vec(), Class::ParseError),
        ("empty", vec![], Class::ValidationError),
        ("not TOML", b"[connector\n".to_vec(), Class::ParseError),
        ("an unknown key", format!("{manifest}[connector.origin]\n").into_bytes(), Class::ParseError),
        ("a port of 0", manifest.replace(":443", ":0").into_bytes(), Class::ValidationError),
        ("a wildcard", manifest.replace("api.", "*.").into_bytes(), Class::ValidationError),
        ("a local name", manifest.replace("github://", "local://").into_bytes(), Class::ValidationError),
        ("a version with v", manifest.replace("\"1.2.3\"", "\"v1.2.3\"").into_bytes(), Class::ValidationError),
        ("two byte-order marks", format!("\u{feff}\u{feff}{manifest}").into_bytes(), Class::ParseError),
    ] {
        let files = toy.sign_connector(module(), text);
        matrix.refuse(why, &pack(&files), &Wanted::of(toy.reference()), &ring, class);
    }
    let text = |hash: &str| action_text("github://acme/echo", "say", "1.2.3", hash);
    let hash = toy.content().to_string();
    for (why, text, class) in [
        ("a placeholder hash", text("sha256:bound-at-release").into_bytes(), Class::ValidationError),
        ("a hash in capitals", text(&hash.to_uppercase()).into_bytes(), Class::ValidationError),
        ("a hash that walks", text("sha256:../../x").into_bytes(), Class::ValidationError),
        ("a byte before the fence", [b"x", text(&hash).as_bytes()].concat(), Class::ParseError),
        ("not UTF-8 in the body", [text(&hash).as_bytes(), b"\xff"].concat(), Class::ParseError),
        ("a table in inputs", text(&hash).replace("\"${args.text}\"", "{}").into_bytes(), Class::ParseError),
        (
            "an undeclared input",
            text(&hash).replace("${args.text}", "${args.other}").into_bytes(),
            Class::ValidationError,
        ),
    ] {
        let files = toy.sign_action(text);
        matrix.refuse(why, &pack(&files), &Wanted::of(toy.action_reference("say")), &ring, class);
    }
    matrix.report("signed but unsound documents");
}
