//! `auth`: a tool's own login, in a container or here, and its token in the vault and nowhere else.

mod bad_input;
mod container;
mod here;

use aileron_cli::secret::Secret;
use aileron_cli::vault::file::{VaultFile, value};
use aileron_testkit::home::{Ran, TestHome};

use crate::vault::{PASSPHRASE, file, with_vault};

/// The token that logins of these tests end with. No output may ever hold it.
pub(crate) const TOKEN: &str = "gho_marker-of-a-login-0123456789";

/// gh's descriptor, as a user's own file.
pub(crate) const CAPTURE: &str = "version: v1
name: gh
image: ghcr.io/acme/gh:1
container_name: aileron-auth-github
login_cmd: [gh, auth, login, --hostname, github.com, --git-protocol, https, --web]
token_cmd: [gh, auth, token, --hostname, github.com]
browser_shim: echo
config_dir: \"\"
store_at: user/github
kind: user
";

/// gh's unit, with one sealed host.
pub(crate) const UNIT: &str = "name: gh
key: user/github
acquisition: {mode: device-flow, image: 'ghcr.io/acme/gh:1', container_name: aileron-auth-github, login_cmd: [gh], token_cmd: [gh]}
sealing:
  - host: api.github.com
    scheme: bearer
    emit_mechanism: sentinel-swap
    sentinel: {value: ghp_AILERONSENTINELAAAAAAAAAAAAAAAAAAAAA, env: GH_TOKEN}
";

/// A home with a vault, and this capture file.
fn home(capture: &str) -> TestHome {
    let home = with_vault();
    std::fs::write(home.home().join(".aileron/capture-descriptors.yaml"), capture).unwrap();
    home
}

/// Kind and value of what is stored under a name.
fn stored(home: &TestHome, name: &str) -> Option<(String, String)> {
    let vault = VaultFile::at(file(home));
    let document = vault.read().unwrap()?;
    let entry = document.entry(name)?;
    let custodian = vault.unlock(&Secret::from(PASSPHRASE.to_owned())).unwrap();
    let value = value(name, entry, &custodian).unwrap();
    Some((entry.kind().to_owned(), String::from_utf8(value.expose().to_vec()).unwrap()))
}

/// That the token is in the vault, sealed, and in no other file, and that nobody said it.
fn is_in_the_vault_alone(home: &TestHome, ran: &Ran) {
    assert_eq!(stored(home, "user/github"), Some(("user".to_owned(), TOKEN.to_owned())), "{ran}");
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran}");
}
