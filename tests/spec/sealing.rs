//! sealing.md §§3 to 6, statement by statement: each one stands here as it stands there, with the tests that show that it holds.
//! A statement without a row, and a row whose test is gone, fail here.

use std::path::{Path, PathBuf};

/// A statement, and its tests.
type Row = (&'static str, &'static [&'static str]);

const ROWS: &[Row] = &[
    // 3. Which requests are touched
    (
        "`CONNECT host:443`, any other port: 400",
        &[
            "a_tunnel_to_another_port_than_443_is_refused",
            "only_port_443_is_tunnelled_to_and_only_whole_http_urls_are_passed_on",
        ],
    ),
    (
        "Host matched by the layered binding table (U 6.6, U 9.4): TLS is terminated, ALPN offers `http/1.1` only",
        &["a_certificate_is_for_its_host_valid_from_a_minute_ago_for_half_an_hour_and_offers_http_1_1"],
    ),
    (
        "Any other host: a blind tunnel, never decrypted",
        &["a_host_without_an_entry_shows_its_own_certificate_and_gets_what_was_sent"],
    ),
    ("Absolute-form `http://` to a matched host: 403", &["a_credential_never_travels_in_clear"]),
    ("To others: forwarded", &["plain_http_to_another_host_is_passed_on_without_what_is_ours"]),
    (
        "An IP literal that is loopback, link-local, private, unspecified or 100.64/10: 403",
        &[
            "an_address_that_is_not_public_is_refused_matched_or_not",
            "an_address_of_this_machine_or_network_is_refused_as_it_is_written",
        ],
    ),
    (
        "the address that is dialled must be public unless `--allow-private HOST`",
        &["a_name_that_leads_to_a_private_address_is_refused_unless_it_is_allowed"],
    ),
    (
        "The inner `Host` must name the CONNECT host, else 400",
        &["a_request_in_a_tunnel_to_one_host_never_names_another", "a_request_in_a_tunnel_names_the_tunnels_host_once"],
    ),
    // 4. Decision
    (
        "the place the entry's scheme writes to: `Authorization` (bearer, basic), the named header, the named query parameter",
        &[
            "each_scheme_puts_the_credential_in_its_own_place",
            "a_parameter_of_the_query_carries_it_however_it_is_spelled",
        ],
    ),
    ("| mechanism | carrier | outcome |", &[]),
    ("| --- | --- | --- |", &[]),
    ("| inject | any, none | inject; what was there is replaced", &["inject_replaces_whatever_is_there"]),
    (
        "| sentinel-swap | none or blank | inject",
        &["the_credential_takes_the_place_of_nothing_and_of_the_placeholder_and_of_nothing_else"],
    ),
    (
        "| sentinel-swap | exactly the entry's sentinel; bare, or after `Bearer ` or `token ` in any case [up]; or as the password of `Basic` [ours] | strip, inject |",
        &["a_swap_wants_exactly_the_sentinel_or_nothing"],
    ),
    (
        "| sentinel-swap | anything else | foreign: forwarded unchanged, nothing injected",
        &["curl_gets_in_with_nothing_with_the_placeholder_and_with_its_own_token_unchanged"],
    ),
    ("Comparison of the sentinel is exact and case-sensitive", &["a_swap_wants_exactly_the_sentinel_or_nothing"]),
    (
        "Two carriers of one kind: 400",
        &["two_credentials_in_one_request_are_refused", "two_carriers_are_refused_whatever_they_hold"],
    ),
    (
        "A WebSocket handshake is decided like any request and then tunnelled",
        &["a_websocket_handshake_gets_the_credential_and_then_bytes_flow_both_ways"],
    ),
    ("`header-template` replaces every `{token}`", &["each_scheme_writes_its_form"]),
    (
        "`query-param` replaces or appends that one parameter and leaves the other bytes of the query alone",
        &["one_parameter_is_set_and_the_other_bytes_of_the_query_stay"],
    ),
    ("A value with CR, LF or NUL is never sent", &["a_value_with_line_ends_or_nul_is_never_sent"]),
    (
        "Credential absent, vault locked or unreadable: 500, body `sandbox proxy host-binding credential is unavailable`; never forwarded without it",
        &[
            "without_a_credential_nothing_is_passed_on",
            "a_credential_that_is_not_there_or_cannot_be_opened_is_none_at_that_moment",
            "a_vault_that_stays_locked_runs_nothing",
        ],
    ),
    // 5. Forwarding
    (
        "Removed on the way in: `Connection Keep-Alive Proxy-Authenticate Proxy-Authorization TE Trailer Transfer-Encoding Upgrade Host` and our own `X-Aileron-*`; on the way out the same hop-by-hop set",
        &["what_belongs_to_one_connection_stays_with_it_both_ways"],
    ),
    ("Redirects are answers, not followed", &["a_redirect_is_handed_back_and_nothing_follows_it"]),
    (
        "Server certificates are checked against the platform's roots",
        &["a_server_that_cannot_be_believed_or_reached_is_a_502_and_gets_nothing"],
    ),
    ("Bodies stream both ways without a cap", &["bodies_larger_than_any_cap_go_both_ways"]),
    ("several requests per connection", &["one_connection_takes_many_requests_of_every_shape"]),
    ("Upstream unreachable: 502", &["a_server_that_cannot_be_believed_or_reached_is_a_502_and_gets_nothing"]),
    ("Time-outs: 10 s to connect", &["a_server_that_says_nothing_is_given_up"]),
    ("none while bytes flow", &["a_connection_in_which_bytes_flow_lasts_longer_than_silence_may"]),
    ("300 s idle", &["a_connection_that_is_silent_for_too_long_ends"]),
    // 6. What the child is given
    (
        "`HTTPS_PROXY HTTP_PROXY https_proxy http_proxy` = the proxy URL",
        &["the_environment_is_the_users_with_what_the_run_needs_and_without_the_credential"],
    ),
    (
        "entries of an inherited `NO_PROXY` that would bypass a matched host are dropped, and said",
        &["only_what_leads_to_a_sealed_host_is_taken_out_of_no_proxy"],
    ),
    (
        "Each `sentinel.env` = `sentinel.value`, only if the vault holds the key",
        &["a_placeholder_is_planted_where_the_vault_has_what_takes_its_place"],
    ),
    (
        "an inherited variable of that name is replaced, and said",
        &["the_environment_is_the_users_with_what_the_run_needs_and_without_the_credential"],
    ),
    (
        "No entry, no plant: a warning names the command that acquires it",
        &["a_tool_without_a_credential_gets_no_placeholder_and_a_person_the_command"],
    ),
    (
        "A bundle file (platform roots and the session CA) as `SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO REQUESTS_CA_BUNDLE AWS_CA_BUNDLE CARGO_HTTP_CAINFO DENO_CERT`",
        &["certificates_are_named_to_every_kind_of_program"],
    ),
    (
        "the session CA alone as `NODE_EXTRA_CA_CERTS`, which adds instead of replacing",
        &["node_believes_the_run_besides_its_own_roots"],
    ),
    (
        "`GIT_CONFIG_COUNT/KEY/VALUE` with an empty `credential.helper`, and `GIT_TERMINAL_PROMPT=0`, where a `github.com`-like inject entry exists",
        &["git_is_told_only_where_a_user_and_a_password_are_injected"],
    ),
    ("git sends nothing and waits for nobody", &["git_clones_and_pushes_20_mb_without_a_credential_of_its_own"]),
    (
        "The rest of the environment less every variable whose value equals the stored credential",
        &["the_environment_is_the_users_with_what_the_run_needs_and_without_the_credential"],
    ),
];

/// Bullets, rows of the table and paragraphs of sections 3 to 6, each on one line.
fn blocks() -> Vec<String> {
    let spec = include_str!("../../verifier/spec/sealing.md");
    let start = spec.find("\n## 3. ").expect("section 3");
    let end = spec.find("\n## 7. ").expect("section 7");
    let mut blocks: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in spec[start..end].lines() {
        if line.is_empty() || line.starts_with("## ") {
            is_open = false;
        } else if !is_open || line.starts_with("* ") || line.starts_with("| ") {
            blocks.push(line.to_owned());
            is_open = true;
        } else if let Some(block) = blocks.last_mut() {
            block.push(' ');
            block.push_str(line.trim());
        }
    }
    blocks
}

/// All Rust text below a directory.
fn source(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        match path.extension() {
            _ if path.is_dir() => source(&path, text),
            Some(extension) if extension == "rs" => text.push_str(&std::fs::read_to_string(&path).expect("text")),
            _ => {}
        }
    }
}

#[test] // sealing.md §3, §4, §5, §6
fn every_statement_has_its_tests() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = String::new();
    for dir in ["tests/cmd/seal", "tests/cmd/auth", "cli/src/runtime/seal", "verifier/src/unit/seal"] {
        source(&root.join(dir), &mut text);
    }
    let is_test = |name: &&str| {
        let at = text.find(&format!("\nfn {name}(")).or_else(|| text.find(&format!("\n    fn {name}(")));
        at.is_some_and(|at| {
            text[..at].trim_end().lines().next_back().is_some_and(|line| line.trim().starts_with("#[test]"))
        })
    };
    let mut rows = ROWS.iter().peekable();
    for block in blocks() {
        let mut rest = block.as_str();
        let mut found = 0;
        while let Some((statement, tests)) = rows.next_if(|(statement, _)| rest.contains(statement)) {
            rest = &rest[rest.find(statement).unwrap_or_default() + statement.len()..];
            found += 1;
            let missing: Vec<&&str> = tests.iter().filter(|name| !is_test(name)).collect();
            assert!(missing.is_empty(), "{statement}: {missing:?}");
        }
        assert!(found > 0, "no row for: {block}");
    }
    assert_eq!(rows.next(), None, "it stands there no more");
}
