//! A provider and a browser that others made: from the login page to tokens that are renewed, and to their end.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aileron_testkit::home::{TestHome, ends, ok};
use aileron_testkit::{Requirement, peers};

use super::browser::{connector, with_browser};
use super::file;
use super::running::run;

/// npm's oidc-provider, running until the test ends.
struct Provider {
    _child: Child,
    host: String,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cmd/vault").join(name)
}

impl Provider {
    fn start(packages: &Path) -> Provider {
        let mut command = Command::new("node");
        command.arg(script("provider.mjs")).arg(packages);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap();
        let mut issuer = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut issuer).unwrap();
        Provider { _child: child, host: issuer.trim().strip_prefix("http://").unwrap().to_owned() }
    }
}

fn me(home: &TestHome) -> Command {
    run(home, &["--passphrase-file", "passphrase.txt"])
}

#[test]
fn tokens_of_another_provider_come_through_a_real_browser_and_are_renewed_one_after_the_other() {
    let (Some(provider), Some(_)) = (peers::package("oidc-provider"), peers::package("puppeteer-core")) else { return };
    if !Requirement::Chromium.is_met() {
        return;
    }
    let packages = provider.parent().unwrap();
    let provider = Provider::start(packages);
    let home = connector(&provider.host, "/auth", "tea-client", &["openid"]);
    let person = format!(
        "XDG_RUNTIME_DIR=\"$HOME\" exec node '{}' '{}' \"$(command -v chromium)\" \"$1\" \"$HOME/profile\" >\"$HOME/person\" 2>&1",
        script("browser.mjs").display(),
        packages.display()
    );
    let bound = ok(&mut with_browser(&home, &person));
    assert_eq!(bound.stdout, "Bound: oauth2/tea/home\n", "{bound}");

    let first = std::fs::read(file(&home)).unwrap();
    let ran = ok(&mut me(&home));
    assert!(ran.stdout.contains("\"sub\":\"tea-drinker\""), "{ran}");
    // Its tokens live for 30 seconds: each run renews, each time with the newest refresh token, side by side too.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ok(&mut me(&home)));
        }
    });
    let newest = std::fs::read(file(&home)).unwrap();
    assert_ne!(first, newest);
    // A refresh token that comes a second time ends everything that was granted.
    std::fs::write(file(&home), first).unwrap();
    let expected = "oauth2 refresh failed for oauth2/tea/home: provider returned 400: invalid_grant";
    for vault in [None, Some(newest)] {
        if let Some(vault) = vault {
            std::fs::write(file(&home), vault).unwrap();
        }
        let ended = ends(&mut me(&home), 1);
        assert!(ended.stderr.contains(expected), "{ended}");
    }
}
