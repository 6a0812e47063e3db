//! What is true of every verb.

mod addresses;
mod bad_input;
mod json;
mod memory;
mod network;
mod nothing_runs;
mod screen;

use aileron_testkit::home::TestHome;

/// A connector that wants a client secret at release.
pub(crate) fn with_client_secret(home: &TestHome) {
    let oauth = "\n[capabilities.network]\nhosts = [\"example.com:443\"]\n\n[capabilities.credential]\nkind = \"oauth2\"\nscope = \"Read tea\"\n\n[capabilities.credential.oauth2]\nauthorize_url = \"https://example.com/a\"\ntoken_url = \"https://example.com/t\"\nclient_id = \"tea\"\nclient_secret = \"bound-at-release\"\nscopes = [\"read\"]\n";
    let manifest = home.read("tea/connector/manifest.toml");
    let (head, _) = manifest.split_once("[capabilities").unwrap_or((&manifest, ""));
    home.write("tea/connector/manifest.toml", head.trim_end().to_owned() + "\n" + oauth);
    home.commit();
}
