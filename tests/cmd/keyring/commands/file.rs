//! What the commands do with the file of the ring: modes, byte order marks, many writers, damage.

use super::*;

#[test] // the words: `--fingerprint` pins what must be fetched, and is needed with `--yes`
fn without_a_terminal_the_key_has_to_be_named() {
    let home = Home::new();
    home.serve(&pem(KR));
    let said = home.run(&["trust", "--yes", "github://example/repo"]);
    assert!(said.exit == 1 && said.err.starts_with("error: --yes needs --fingerprint"), "{}", said.err);
    let other =
        home.run(&["trust", "--yes", "--fingerprint", "sha256:7HuX6+WdhIEmmwPDZyZ3WR", "github://example/repo"]);
    assert!(other.exit == 1 && other.err.contains("nothing was trusted"), "{}", other.err);
    assert!(!home.ring().exists());
    let named = home.run(&["trust", "--yes", "--fingerprint", KR_FINGERPRINT, "github://example/repo"]);
    assert_eq!(named.exit, 0, "{}", named.err);
}

#[cfg(unix)]
#[test] // artifacts.md §10
fn a_ring_that_others_can_write_is_refused_and_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::with_ring(EXAMPLE);
    let set = |mode: u32| std::fs::set_permissions(home.ring(), std::fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o622, 0o606, 0o660] {
        set(mode);
        if mode & 0o022 == 0 {
            continue;
        }
        for args in [&["list"][..], &["revoke", "github://acme"]] {
            let said = home.run(args);
            let expected = "error: load keyring \"RING\": validation_error: RING can be written by other users\nnext: look through it, then chmod go-w RING\n";
            assert_eq!((said.exit, said.err.as_str()), (1, expected), "{mode:o} {args:?}");
        }
        assert_eq!(home.saved(), EXAMPLE);
    }
    set(0o644);
    assert_eq!(home.run(&["list"]).exit, 0);
    assert_eq!(home.run(&["revoke", "github://acme"]).exit, 0);
    assert_eq!(std::fs::metadata(home.ring()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test] // keyring.md §1.4
fn a_ring_with_a_byte_order_mark_is_named_and_left_as_it_is() {
    let text = format!("\u{feff}{EXAMPLE}");
    let home = Home::with_ring(&text);
    let why = "it begins with a UTF-8 byte-order mark; save it as UTF-8 without one";
    for args in [&["list"][..], &["revoke", "github://acme"]] {
        let said = home.run(args);
        let expected =
            format!("error: load keyring \"RING\": validation_error: keyring \"RING\": invalid JSON: {why}\n");
        assert_eq!((said.exit, said.err.as_str()), (1, expected.as_str()), "{args:?}");
        assert_eq!(home.saved(), text);
    }
}

#[test] // nothing lost, nothing half, with several writers at the same time
fn a_storm_of_commands_loses_no_change_and_shows_no_half_file() {
    let home = Home::with_ring(EXAMPLE);
    let file = home.0.home().join("key");
    std::fs::write(&file, KR).unwrap();
    std::thread::scope(|scope| {
        for number in 0..12 {
            let (home, file) = (&home, path(&file));
            scope.spawn(move || {
                let owner = format!("github://owner{number}");
                assert_eq!(home.run(&["trust", "--key-file", file, &owner]).exit, 0);
                assert_eq!(home.run(&["list"]).exit, 0, "every moment's file is whole");
                if number % 2 == 0 {
                    assert!(home.run(&["revoke", &owner]).out.starts_with("✓ Revoked"));
                }
            });
        }
    });
    let listed = home.run(&["list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let owners: Vec<&str> =
        listed["grants"].as_array().unwrap().iter().filter_map(|grant| grant["authority"].as_str()).collect();
    let odd: Vec<String> =
        (0..12).filter(|number| number % 2 == 1).map(|number| format!("github://owner{number}")).collect();
    assert!(odd.iter().all(|owner| owners.contains(&owner.as_str())) && owners.len() == odd.len() + 2, "{owners:?}");
    let left = std::fs::read_dir(home.ring().parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "no temporary file stays behind");
}

#[test] // keyring.md §5.2 and artifacts.md §10: through the API, with the token, after an anonymous 404
fn a_private_repositorys_key_is_fetched_with_the_token() {
    let server = Scripted::start(|request| match (request.target.as_str(), request.header("authorization")) {
        ("/api/repos/example/repo/contents/keys/publisher.pub", Some("Bearer first")) => Answer::ok(pem(KR)),
        _ => Answer::status("404 Not Found"),
    });
    let (web, api) = (server.base(), format!("{}/api", server.base()));
    let home = Home::new();
    let trust = |tokens: &[(&str, &str)]| {
        let hosts = [("GITHUB_SERVER_URL", web.as_str()), ("GITHUB_API_URL", api.as_str())];
        home.aileron(&["keyring", "trust", "github://example/repo"], &[&hosts, tokens].concat())
    };
    for tokens in [&[][..], &[("GH_TOKEN", "")], &[("GITHUB_TOKEN", "other")]] {
        let said = trust(tokens);
        assert!(said.exit == 1 && said.err.contains("HTTP 404") && said.err.contains("set GH_TOKEN"), "{}", said.err);
    }
    let said = trust(&[("GITHUB_TOKEN", "second"), ("GH_TOKEN", "first")]);
    assert!(said.exit == 0 && said.out.contains(KR_FINGERPRINT), "{}", said.err);
    let shown = [said.out, said.err, home.saved()].concat();
    assert!(!shown.contains("first"), "{shown}");
}

#[test] // malformed: refuse, and say where
fn a_malformed_ring_is_refused_with_file_and_line() {
    let home = Home::with_ring("{\n  \"version\": 1,\n}\n");
    let said = home.run(&["list", "--json"]);
    let error = &serde_json::from_str::<serde_json::Value>(&said.out).unwrap()["error"];
    assert_eq!((&error["file"], &error["line"]), (&"RING".into(), &3.into()), "{error}");
}
