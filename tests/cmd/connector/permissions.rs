//! Every leaf of what a connector may do is shown and compared: at an upgrade, and in a publisher's plan.

use aileron_testkit::Toy;
use aileron_testkit::home::TestHome;

use super::authority::scene;

#[test] // artifacts.md §10: every leaf is shown, and compared
fn an_upgrade_shows_what_grew_before_everything_else() {
    let old = "[capabilities.credential]\nkind = \"oauth2\"\nscope = \"read mail\"\n[capabilities.credential.oauth2]\nauthorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\nclient_id = \"app\"\nscopes = [\"mail.read\"]\n[capabilities.spawn]\nprograms = [{ path = \"/usr/bin/git\" }]\nenv_passthrough = [\"A\"]\nfs_read = [\"~/x\"]\n[capabilities.spawn.operations.status]\nargv = \"git status\"\n";
    let rows: [(&str, &str, &str); 11] = [
        ("", "", "may do what that may, and nothing more"),
        ("[\"mail.read\"]", "[\"mail.read\", \"admin\"]", "+ NEW: OAuth scope admin"),
        (
            "https://a.example/t",
            "https://evil.example/t",
            "~ CHANGED: token URL https://evil.example/t before: https://a.example/t",
        ),
        ("https://a.example/a", "https://evil.example/a", "~ CHANGED: authorize URL https://evil.example/a before:"),
        ("\"app\"", "\"other\"", "~ CHANGED: client id other before: app"),
        ("\"read mail\"", "\"send mail\"", "~ CHANGED: purpose send mail before: read mail"),
        (
            "git status",
            "git {anything} {more}",
            "~ CHANGED: command status: git {anything} {more} before: status: git status",
        ),
        ("[\"A\"]", "[\"A\", \"GH_TOKEN\"]", "+ NEW: sees variable GH_TOKEN"),
        ("[\"~/x\"]", "[\"~\"]", "+ NEW: may read ~"),
        ("fs_read", "fs_write = [\"~\"]\nfs_read", "+ NEW: may write ~"),
        ("/usr/bin/git", "/usr/bin/gh", "+ NEW: may start /usr/bin/gh (whatever file is there)"),
    ];
    let manifest = |toy: &Toy, rest: &str| format!("{}{rest}", toy.manifest()).into_bytes();
    for (from, to, line) in rows {
        let (mirror, toy, _) = scene();
        let newer = toy.clone().at("1.3.0");
        let wasm = aileron_testkit::module();
        mirror.serve(&toy.reference().mirror_path(), &toy.sign_connector(wasm.clone(), manifest(&toy, old)));
        let new = if from.is_empty() { old.to_owned() } else { old.replace(from, to) };
        mirror.serve(&newer.reference().mirror_path(), &newer.sign_connector(wasm, manifest(&newer, &new)));
        mirror.home.ok("aileron connector install github://acme/echo@1.2.3 --from mirror --yes");
        let install = "aileron connector install github://acme/echo@1.3.0 --from mirror --dry-run";
        let words = mirror.home.ok(install).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let at = words.find(line).unwrap_or_else(|| panic!("{line}\n{words}"));
        assert!(at < words.find("may connect to api.example.com:443").unwrap(), "{words}");
        assert_eq!(words.contains("nothing more"), from.is_empty(), "{words}");
        let connector = &mirror.home.ok(&format!("{install} --json")).json()["plan"]["connectors"][0];
        let grown = ["added", "changed"].map(|key| connector["authority_difference"][key].as_array().unwrap().len());
        assert_eq!(grown.iter().sum::<usize>(), usize::from(!from.is_empty()), "{connector}");
        assert!(connector["authority"].as_array().unwrap().len() > 10 && connector["difference"].is_object());
    }
}

#[test] // artifacts.md §10, §11: what users will be asked to accept, a publisher reads first
fn a_plan_compares_every_leaf_with_the_published_version() {
    let base = "\n[capabilities.network]\nhosts = [\"a.example:443\"]\n[capabilities.credential]\nkind = \"oauth2\"\nscope = \"read mail\"\n[capabilities.credential.oauth2]\nauthorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\nclient_id = \"app\"\nscopes = [\"mail.read\"]\n[capabilities.spawn]\nprograms = [{ path = \"/usr/bin/git\" }]\nenv_passthrough = [\"A\"]\n[capabilities.spawn.operations.status]\nargv = \"git status\"\n";
    let rows: [(&str, &str, &str); 11] = [
        ("", "", ""),
        ("[\"mail.read\"]", "[\"mail.read\", \"admin\"]", "now may       OAuth scope admin"),
        (
            "https://a.example/t",
            "https://evil.example/t",
            "changed       token URL https://evil.example/t (it was https://a.example/t)",
        ),
        (
            "https://a.example/a",
            "https://evil.example/a",
            "changed       authorize URL https://evil.example/a (it was https://a.example/a)",
        ),
        ("\"app\"", "\"other\"", "changed       client id other (it was app)"),
        ("\"read mail\"", "\"send mail\"", "changed       purpose send mail (it was read mail)"),
        ("git status", "git push", "changed       command status: git push (it was status: git status)"),
        ("[\"A\"]", "[\"A\", \"B\"]", "now may       sees variable B"),
        ("env_passthrough", "fs_write = [\"~\"]\nenv_passthrough", "now may       may write ~"),
        ("env_passthrough", "cwd = \"~\"\nenv_passthrough", "changed       works in ~ (it was the host's choice)"),
        ("hosts = [\"a.example:443\"]", "hosts = []", "no longer     may connect to a.example:443"),
    ];
    let home = TestHome::with_tea();
    let manifest = home.read("tea/connector/manifest.toml");
    let write = |text: &str| {
        home.write("tea/connector/manifest.toml", format!("{manifest}{text}"));
        home.git(&["add", "-A"]);
        home.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
    };
    write(base);
    home.ok("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry");
    for (from, to, line) in rows {
        write(&if from.is_empty() { base.to_owned() } else { base.replace(from, to) });
        let plan = "aileron-pub -C tea plan v0.2.0 --key publisher.key --to dir:registry";
        let said = home.ok(plan).stdout;
        let changes = |line: &&str| {
            ["  now may ", "  changed ", "  no longer ", "  note "].iter().any(|word| line.starts_with(word))
        };
        let found: Vec<&str> = said.lines().filter(changes).map(str::trim).collect();
        assert_eq!(found, Vec::from_iter((!line.is_empty()).then_some(line)), "{said}");
        let document = home.ok(&format!("{plan} --json")).json();
        let since =
            ["added", "changed", "removed"].map(|key| document["authority_since"][key].as_array().unwrap().len());
        assert_eq!(since.iter().sum::<usize>(), usize::from(!line.is_empty()), "{document}");
        assert!(document["capabilities_since"].is_object(), "{document}");
    }
    // Where the published archive is not the listed one, the plan says what was not compared.
    home.write("registry/acme/aileron-connector-tea/releases/download/v0.1.0/aileron.tar.gz", "other bytes");
    let said = home.ok("aileron-pub -C tea plan v0.2.0 --key publisher.key --to dir:registry").stdout;
    assert!(said.contains("the previous archive could not be read"), "{said}");
}
