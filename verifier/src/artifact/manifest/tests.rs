use proptest::prelude::*;

use super::*;
use crate::artifact::rules::*;
use crate::name::rules::*;
use crate::problem::{Rule, Severity};
use crate::text::rules::*;

const HEAD: &str = "[connector]\nname = \"github://acme/x\"\nversion = \"1.2.3\"\n";
const API_KEY: &str = "[capabilities.credential]\nkind = \"api_key\"\n";
const SIGV4: &str = "[capabilities.credential]\nkind = \"aws_sigv4\"\n";
const OAUTH: &str = "[capabilities.credential]\nkind = \"oauth2\"\n[capabilities.credential.oauth2]\n";
const URLS: &str = "authorize_url = \"https://a.example/x\"\ntoken_url = \"https://a.example:8443/y?z\"\n";
const REST: &str = "client_id = \"c\"\nscopes = [\"s\"]\n";
const SPAWN: &str = "[capabilities.spawn]\nprograms = [{ path = \"/bin/sh\" }]\n";
const OPERATION: &str = "[capabilities.spawn.operations.a]\nargv = \"b\"\n";

fn parse(text: &str, stage: Stage) -> Parsed<ConnectorManifest> {
    ConnectorManifest::parse(Source::read("manifest.toml", text.into()).expect("UTF-8"), stage)
}

/// `(rule, the text at its range)` of every problem.
fn found(text: &str, stage: Stage) -> Vec<(&'static Rule, String)> {
    let problems = parse(text, stage).problems;
    problems.into_iter().map(|problem| (problem.rule, text[problem.at].to_owned())).collect()
}

#[test] // artifacts.md §2, one row per rule
fn each_broken_rule_is_reported_at_its_bytes_in_both_stages() {
    let host = |host: &str| format!("{HEAD}[capabilities.network]\nhosts = [\"a.example:443\", \"{host}\"]");
    let rows: Vec<(String, &'static Rule, String)> = [
        (String::new(), REQUIRED, ""),
        ("[connector]\nversion = \"1.2.3\"".into(), REQUIRED, ""),
        (HEAD.replace("github://acme/x", "local://acme/x"), NAME, "\"local://acme/x\""),
        (HEAD.replace("1.2.3", "v1"), VERSION_FORM, "\"v1\""),
        (format!("{HEAD}provenance_hash = \"sha256:ab\""), HASH_FORM, "\"sha256:ab\""),
        (format!("{HEAD}origin = \"local\""), UNKNOWN_KEY, "origin"),
        (format!("{HEAD}[connector.idempotency]"), REQUIRED, ""),
        (format!("{HEAD}[connector.idempotency]\ndefault = \"maybe\""), IDEMPOTENCY, "\"maybe\""),
        (host("a.example:443"), HOST_DUPLICATE, "\"a.example:443\""),
        (format!("{HEAD}[capabilities.credential]"), REQUIRED, ""),
        (API_KEY.replace("api_key", "basic"), CREDENTIAL_KIND, "\"basic\""),
        (format!("{API_KEY}service = \"s3\""), CREDENTIAL_FIELD, "\"s3\""),
        (format!("{SIGV4}service = \"s3\"\nheader = \"X\""), CREDENTIAL_FIELD, "\"X\""),
        (format!("{API_KEY}header = \"\""), CREDENTIAL_HEADER, "\"\""),
        (format!("{API_KEY}header = \"X:\""), CREDENTIAL_HEADER, "\"X:\""),
        (format!("{API_KEY}format = \"Bearer\""), CREDENTIAL_FORMAT, "\"Bearer\""),
        (format!("{API_KEY}format = \"{{key}}\\u0000\""), CREDENTIAL_FORMAT, "\"{key}\\u0000\""),
        (SIGV4.into(), REQUIRED, ""),
        (format!("{SIGV4}service = \" \""), CREDENTIAL_TEXT, "\" \""),
        (format!("{SIGV4}service = \"a\\nb\""), CREDENTIAL_TEXT, "\"a\\nb\""),
        (format!("{API_KEY}oauth2 = {{}}").replace("api_key", "oauth2"), OAUTH_SCOPES, ""),
        (OAUTH.replace("[capabilities.credential.oauth2]\n", ""), OAUTH_TABLE, ""),
        (
            format!("{OAUTH}{URLS}{REST}").replace("\"oauth2\"", "\"api_key\""),
            OAUTH_TABLE,
            "[capabilities.credential.oauth2]",
        ),
        (format!("{OAUTH}{URLS}{REST}").replace("https://a.example/x", "http://a/"), OAUTH_URL, "\"http://a/\""),
        (format!("{OAUTH}{URLS}scopes = [\"s\"]\nclient_id = \" \""), OAUTH_CLIENT_ID, "\" \""),
        (format!("{OAUTH}{URLS}client_id = \"c\"\nscopes = []"), OAUTH_SCOPES, "[]"),
        (format!("{OAUTH}{URLS}client_id = \"c\"\nscopes = [\"a\", \"\"]"), OAUTH_SCOPES, "\"\""),
        (format!("{SPAWN}{OPERATION}").replace("/bin/sh", "sh"), SPAWN_PROGRAM, "\"sh\""),
        (format!("{SPAWN}{OPERATION}").replace("[{ path = \"/bin/sh\" }]", "[]"), SPAWN_PROGRAM, "[]"),
        (format!("{SPAWN}{OPERATION}").replace(" }]", ", hash = \"md5:a\" }]"), HASH_FORM, "\"md5:a\""),
        (SPAWN.into(), REQUIRED, ""),
        (format!("{SPAWN}operations = {{}}"), SPAWN_OPERATION, "{}"),
        (format!("{SPAWN}{OPERATION}").replace(".a]", "._a]"), SPAWN_OPERATION, "_a"),
        (format!("{SPAWN}{OPERATION}").replace("\"b\"", "\" \""), SPAWN_OPERATION, "\" \""),
        (format!("{SPAWN}env_passthrough = [\"A-B\"]\n{OPERATION}"), SPAWN_ENVIRONMENT, "\"A-B\""),
        (format!("{SPAWN}credential_env_keys = [\"A\"]\n{OPERATION}"), SPAWN_ENVIRONMENT, "\"A\""),
        (format!("{SPAWN}fs_read = [\"x\"]\n{OPERATION}"), SPAWN_PATH, "\"x\""),
        (format!("{SPAWN}fs_write = [\"\"]\n{OPERATION}"), SPAWN_PATH, "\"\""),
        (format!("{SPAWN}cwd = \"~x\"\n{OPERATION}"), SPAWN_PATH, "\"~x\""),
        (format!("{SPAWN}limits.max_stdout_bytes = 0\n{OPERATION}"), SPAWN_LIMIT, "0"),
        (format!("{SPAWN}limits.max_stderr_bytes = 67_108_865\n{OPERATION}"), SPAWN_LIMIT, "67_108_865"),
        (format!("{HEAD}[capabilities.runtime]\nimports = \"log\""), WRONG_TYPE, "\"log\""),
        (format!("{HEAD}[provides]\nintents = [1]"), WRONG_TYPE, "1"),
    ]
    .map(|(text, rule, at)| {
        (if text.contains("connector]") || text.is_empty() { text } else { HEAD.to_owned() + &text }, rule, at.into())
    })
    .into();
    for (text, rule, at) in rows {
        for stage in [Stage::Source, Stage::Artifact] {
            let problems = found(&text, stage);
            assert!(problems.contains(&(rule, at.clone())), "{stage:?}\n{text}\n{problems:?}");
            assert!(parse(&text, stage).document.is_none(), "{text}");
        }
    }
}

#[test] // artifacts.md §2, `capabilities.network.hosts`
fn a_host_has_one_spelling() {
    for good in ["a:1", "a.b-c.example:65535", "127.0.0.1:80", "[::1]:443", "xn--bcher-kva.example:443", "a_b:443"] {
        assert_eq!(endpoint::host(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "a",
        ":443",
        "a:",
        "a:0",
        "a:65536",
        "a:0443",
        "a:+443",
        "a:https",
        "A:443",
        "*.a:443",
        "*:443",
        "https://a:443",
        "a:443/x",
        "a.:443",
        "a..b:443",
        ".a:443",
        "::1:443",
        "[::1]",
        "[::1:443",
        "[a]:443",
        "[::A]:443",
        "u@a:443",
        "a b:443",
        "a :443",
        "é:443",
        "a:443\n",
    ] {
        assert!(endpoint::host(bad).is_err(), "{bad}");
    }
}

#[test] // artifacts.md §2, `oauth2` URLs
fn an_oauth_url_is_https_or_local() {
    for good in [
        "https://a",
        "https://a.example:8443/x?y=z#f",
        "https://[::1]/x",
        "https://a./",
        "http://localhost",
        "http://localhost:8080/x",
        "http://127.0.0.1/x",
        "https://a?x=https://b@c",
        "https://A.example/x",
        "https://bücher.example/x",
    ] {
        assert_eq!(endpoint::oauth_url(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "a.example/x",
        "ftp://localhost/",
        "HTTPS://a/",
        "https://",
        "https:///x",
        "https://:443/",
        "https://a:/",
        "https://a:x/",
        "https://a:0/",
        "https://a:99999/",
        "https://u@a/",
        "https://u:p@a/",
        "https://a b/",
        "https://a/\n",
        " https://a/",
        "http://a/",
        "http://[::1]/",
        "http://127.0.0.2/",
        "http://localhost.a/",
        "http://localhost?x",
        "http://localhost#x",
        "http://localhost@a/",
        "http://localhost:x@a/",
        "http://localhost:99999/",
        "http://localhost\\@a/",
        "https://a\u{a0}b/",
        "https://[x]/",
        "https://a%2Fb/",
    ] {
        assert!(endpoint::oauth_url(bad).is_err(), "{bad}");
    }
}

#[test] // artifacts.md §2, marks [N]
fn advice_and_secrets_are_a_matter_of_the_source() {
    let runtime = "[capabilities.runtime]\nimports = []\n";
    let scope = "[capabilities.credential]\nscope = \"x\"\n";
    for (text, rule, at) in [
        (HEAD.to_owned(), RUNTIME_MISSING, ""),
        (format!("{HEAD}[capabilities.runtime]"), RUNTIME_MISSING, "[capabilities.runtime]"),
        (format!("{HEAD}{runtime}{API_KEY}"), SCOPE_MISSING, ""),
        (format!("{HEAD}{runtime}{SIGV4}scope = \"x\"\nservice = \"s3\"\nregion = \"r\""), REGION_IN_MANIFEST, "\"r\""),
        (
            format!("{HEAD}{runtime}{SIGV4}scope = \"x\"\nservice = \"s3\"\naccess_key_id = \"k\""),
            REGION_IN_MANIFEST,
            "\"k\"",
        ),
        (
            format!("{HEAD}{runtime}{OAUTH}{URLS}{REST}")
                .replace("\"c\"", "\"YOUR_ID\"")
                .replace("[capabilities.credential]\n", scope),
            OAUTH_CLIENT_ID,
            "\"YOUR_ID\"",
        ),
        (
            format!("{HEAD}{runtime}{OAUTH}{URLS}{REST}client_secret = \"hunter2\"")
                .replace("[capabilities.credential]\n", scope),
            OAUTH_CLIENT_SECRET,
            "\"hunter2\"",
        ),
    ] {
        assert_eq!(found(&text, Stage::Source), [(rule, at.to_owned())], "{text}");
        assert_eq!(parse(&text, Stage::Source).document.is_some(), rule.severity() == Severity::Warning);
        assert_eq!(found(&text, Stage::Artifact), [], "{text}");
        assert!(parse(&text, Stage::Artifact).document.is_some(), "{text}");
    }
    let bound = format!("{HEAD}{runtime}{OAUTH}{URLS}{REST}client_secret = \"bound-at-release\"");
    assert!(parse(&bound, Stage::Source).document.is_some());
}

#[test] // artifacts.md §2: never echoed
fn no_message_repeats_a_secret() {
    for secret in [
        "\"hunter2\"",
        "['hunter2']",
        "{ hunter2 = 1 }",
        "\"hunter2",
        "'hunter2' 'hunter2'",
        "\"hunter2\\e\"",
        "hunter2",
    ] {
        let text = format!("{HEAD}{OAUTH}{URLS}{REST}client_secret = {secret}\n");
        let problems = parse(&text, Stage::Source).problems;
        assert!(problems.iter().any(|problem| problem.rule.severity() == Severity::Error), "{text}");
        assert!(problems.iter().all(|problem| !problem.message.contains("hunter2")), "{problems:?}");
    }
}

#[test] // artifacts.md §2
fn every_field_is_kept_with_its_bytes() {
    let hash = format!("sha256:{}", "ab".repeat(32));
    let text = format!(
        "\u{feff}{HEAD}publisher = \"P\"\nprovenance_hash = \"{hash}\"\nidempotency.default = \"not_idempotent\"\n\
         [capabilities]\nnetwork.hosts = [\"a.example:443\"]\nruntime.imports = ['log']\n{OAUTH}{URLS}{REST}\
         client_secret = \"s3cret\"\n{SPAWN}cwd = ''\nenv_passthrough = ['A']\ncredential_env_keys = ['A']\nfs_read = ['~']\n\
         limits = {{ max_stdout_bytes = 0x10 }}\n{OPERATION}description = 'd'\n[provides]\nintents = ['i', 'j']\n"
    )
    .replace("{ path = \"/bin/sh\" }", &format!("{{ path = '~/x', hash = '{hash}' }}"));
    let parsed = parse(&text, Stage::Artifact);
    assert_eq!(parsed.problems, []);
    let manifest = parsed.document.expect("a document");
    assert_eq!(&text[manifest.name.at], "\"github://acme/x\"");
    assert_eq!(&text[manifest.version.at], "\"1.2.3\"");
    assert_eq!((manifest.publisher.as_deref(), manifest.idempotent), (Some("P"), false));
    assert_eq!(manifest.provenance_hash.map(|hash| hash.value), Some(hash.clone()));
    assert_eq!(&text[manifest.hosts[0].at.clone()], "\"a.example:443\"");
    assert_eq!(manifest.imports.expect("imports")[0].value, "log");
    assert_eq!(manifest.intents, ["i", "j"]);
    let credential = manifest.credential.expect("a credential");
    let oauth2 = credential.oauth2.expect("settings");
    assert_eq!(credential.kind.value, CredentialKind::Oauth2);
    assert_eq!(&text[oauth2.client_secret.expect("a secret").at], "\"s3cret\"");
    assert_eq!(&text[oauth2.token_url.at], "\"https://a.example:8443/y?z\"");
    assert_eq!(oauth2.scopes.len(), 1);
    let spawn = manifest.spawn.expect("spawn");
    assert_eq!(spawn.programs[0].hash.as_ref().map(|hash| &hash.value), Some(&hash));
    assert_eq!((spawn.operations[0].name.value.as_str(), spawn.operations[0].argv.value.as_str()), ("a", "b"));
    assert_eq!((spawn.cwd, spawn.limits.max_stdout_bytes, spawn.limits.max_stderr_bytes), (None, 16, 256 << 10));
}

#[test] // artifacts.md §2: `check` reports all of them
fn many_faults_are_many_problems_in_file_order() {
    let text = "[connector]\nname = \"x\"\nversion = \"1\"\ncolour = 1\n[capabilities.network]\nhosts = [\"a\", \"b\", 3]\n[extra]\n";
    let rules: Vec<&'static Rule> = found(text, Stage::Artifact).into_iter().map(|(rule, _)| rule).collect();

    assert_eq!(rules, [NAME, VERSION_FORM, UNKNOWN_KEY, HOST, HOST, WRONG_TYPE, UNKNOWN_KEY]);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}", cut in 0usize..400) {
        let whole = format!("{HEAD}{OAUTH}{URLS}{REST}{SPAWN}{OPERATION}");
        let cut = cut.min(whole.len());
        for text in [text.clone(), format!("{}{text}{}", &whole[..cut], &whole[cut..])] {
            for problem in parse(&text, Stage::Source).problems {
                prop_assert!(text.get(problem.at.clone()).is_some(), "{:?}", problem);
            }
        }
    }

    #[test]
    fn no_host_or_url_makes_the_grammar_panic(text in "(https://|http://)?([a-z0-9.:/@\\[\\]?#*]|\\PC){0,20}") {
        let _ = (endpoint::host(&text), endpoint::oauth_url(&text));
    }
}
