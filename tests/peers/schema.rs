//! The published schema of `aileron-pub.toml`, as another program reads it, and our own reader give the same verdict.

use std::fs;
use std::path::Path;

use aileron_cli::publisher::build::TOOLCHAINS;
use aileron_cli::publisher::config::Config;
use aileron_testkit::home::{TestHome, run};
use aileron_testkit::peers;
use aileron_verifier::artifact::config::PublisherConfig;
use aileron_verifier::problem::Source;

const GOOD: [&str; 5] = [
    "",
    "language = \"go\"\nsigning = \"approve\"\n",
    "signing = \"ci\"\nclient_secret_env = \"SLACK_OAUTH_CLIENT_SECRET\"\n",
    "client_secret_env = \"CLIENT_SECRET\"\n",
    "[[allow]]\nrule = \"input-type\"\nreason = \"names of GraphQL types\"\n",
];

const BAD: [&str; 13] = [
    "langauge = \"go\"\n",
    "language = \"cobol\"\n",
    "language = 1\n",
    "signing = \"maybe\"\n",
    "signing = [\"ci\"]\n",
    "client_secret_env = \"GITHUB_TOKEN\"\n",
    "client_secret_env = \"a_CLIENT_SECRET\"\n",
    "client_secret_env = \"1CLIENT_SECRET\"\n",
    "[[allow]]\nrule = \"input-type\"\n",
    "[[allow]]\nrule = \"publisher-key\"\nreason = \"x\"\n",
    "[[allow]]\nrule = \"input-type\"\nreason = \" \"\n",
    "[[allow]]\nrule = \"input-type\"\nreason = \"x\"\nuntil = \"y\"\n",
    "[allow]\nrule = \"input-type\"\nreason = \"x\"\n",
];

fn is_ours_content(text: &str) -> bool {
    let source = Source::read("aileron-pub.toml", text.into()).unwrap();
    PublisherConfig::parse(source).document.is_some_and(|document| Config::of(&document).is_ok())
}

#[test]
fn the_schema_and_the_reader_give_the_same_verdict() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/aileron-pub.schema.json");
    let Some(judge) = peers::program("check-jsonschema") else { return };
    let home = TestHome::new();
    let languages = TOOLCHAINS.map(|toolchain| format!("language = \"{}\"\n", toolchain.name()));
    let good = GOOD.iter().map(|text| (text.to_string(), true)).chain(languages.map(|text| (text, true)));
    for (text, is_good) in good.chain(BAD.iter().map(|text| (text.to_string(), false))) {
        let file = home.path("aileron-pub.toml");
        fs::write(&file, &text).unwrap();
        let said = run(home.command(&judge).arg("--schemafile").arg(&schema).arg(&file));
        assert_eq!((said.code == 0, is_ours_content(&text)), (is_good, is_good), "{text}\n{said}");
    }
    let said = run(home.command(&judge).arg("--check-metaschema").arg(&schema));
    assert_eq!(said.code, 0, "{said}");
}
