//! `--json`: one document for every verb, whatever it comes to.

use aileron_testkit::home::TestHome;

use super::TEA;

#[test]
fn every_verb_answers_with_one_document() {
    let home = TestHome::released();
    home.ok(&format!("aileron keyring trust --from registry {TEA}"));
    for (line, code, field) in [
        ("aileron connector list --json", 0, "connectors"),
        ("aileron action list --json", 0, "actions"),
        ("aileron verify --installed --json", 0, "artifacts"),
        ("aileron connector install TEA --from registry --json --dry-run", 0, "plan"),
        ("aileron connector install TEA --from registry --json", 0, "outcome"),
        ("aileron connector install TEA --from registry --json --yes", 0, "installed"),
        ("aileron connector install TEA --from registry --json", 0, "outcome"),
        ("aileron connector install TEA@0.9.0 --from registry --json", 4, "error"),
        ("aileron action add-suite TEA@0.1.0 --from registry --json --yes", 0, "installed"),
        ("aileron action upgrade --from registry --json", 0, "outcome"),
        ("aileron connector upgrade --from registry --json", 0, "outcome"),
        ("aileron connector check --from registry --json", 0, "index"),
        ("aileron verify --cohort TEA@0.1.0 --from registry --json", 0, "artifacts"),
        ("aileron connector remove TEA --json --yes", 1, "error"),
        ("aileron action remove tea-ping tea-about --json", 0, "outcome"),
        ("aileron action remove tea-ping tea-about --json --yes", 0, "outcome"),
        ("aileron connector remove TEA --json --yes", 0, "outcome"),
    ] {
        let line = line.replace("TEA", TEA);
        let ran = home.run(&line);
        assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
        let document = ran.json();
        assert!(!document[field].is_null(), "{line}: {document}");
        let words: Vec<&str> =
            line.split(' ').skip(1).take_while(|word| !word.contains("://") && !word.starts_with('-')).collect();
        assert!(words.join(" ").starts_with(document["command"].as_str().unwrap()), "{line}: {document}");
    }
}
