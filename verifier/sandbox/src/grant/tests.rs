use proptest::prelude::*;

use super::*;

/// The message a URL is refused with, or its authority.
fn parsed(raw: &str) -> Result<String, String> {
    Target::parse(raw).map(|target| target.authority()).map_err(|failure| {
        assert_eq!((failure.class, failure.boundary), (Class::CapabilityDenied, "sandbox"), "{raw}");
        assert_eq!(failure.details["requested"], raw, "{raw}");
        failure.message
    })
}

fn slack() -> Grant {
    Grant::new(["slack.com:443"])
}

fn admitted(grant: &Grant, raw: &str) -> bool {
    Target::parse(raw).and_then(|target| grant.admit(&target)).is_ok()
}

#[test] // sandbox.md §13 N16
fn a_url_without_a_port_means_the_port_of_its_scheme() {
    for (raw, authority) in [
        ("https://slack.com/x", "slack.com:443"),
        ("http://slack.com/x", "slack.com:80"),
        ("https://slack.com:8443/x", "slack.com:8443"),
        ("https://slack.com:443", "slack.com:443"),
        ("https://slack.com:/x", "slack.com:443"),
        ("HTTPS://SLACK.com?q#f", "slack.com:443"),
        ("https://bücher.example/", "xn--bcher-kva.example:443"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]:8080/", "[::1]:8080"),
        ("https://slack.com/a@b\\c%41?d=@#\\", "slack.com:443"),
    ] {
        assert_eq!(parsed(raw), Ok(authority.to_owned()), "{raw}");
    }
}

#[test] // sandbox.md §13 N5, N6, N18; 15a: user-info, `%` and `\` in the authority
fn a_url_that_readers_disagree_about_is_refused() {
    for (raw, message) in [
        ("", "scheme not permitted"),
        ("not a url", "scheme not permitted"),
        ("/path", "scheme not permitted"),
        ("ftp://slack.com/", "scheme not permitted"),
        ("file:///etc/passwd", "scheme not permitted"),
        ("javascript:alert(1)", "scheme not permitted"),
        (" https://slack.com/", "scheme not permitted"),
        ("http://slack.com:443/", "scheme not permitted"),
        ("://broken", "invalid URL"),
        ("https:", "missing host"),
        ("https:slack.com", "missing host"),
        ("https:/slack.com/", "missing host"),
        ("https:\\\\slack.com/", "missing host"),
        ("https://", "missing host"),
        ("https:///slack.com/", "missing host"),
        ("https://?slack.com", "missing host"),
        ("https://:443/", "missing host"),
        ("https://slack.com@evil.example.com/", "invalid URL"),
        ("https://user:password@slack.com/", "invalid URL"),
        ("https://@slack.com/", "invalid URL"),
        ("https://evil.example\\@slack.com/", "invalid URL"),
        ("https://slack.com\\.evil.example/", "invalid URL"),
        ("https://\\slack.com/", "invalid URL"),
        ("https://sl%61ck.com/", "invalid URL"),
        ("https://slack.com%2eevil.example/", "invalid URL"),
        ("https://[fe80::1%25eth0]/", "invalid URL"),
        ("https://sla\tck.com/", "invalid URL"),
        ("https://slack.com/\r\nX: y", "invalid URL"),
        ("https://slack.com/\0", "invalid URL"),
        ("https://slack.com:65536/", "invalid URL"),
        ("https://slack.com:x/", "invalid URL"),
        ("https://sla ck.com/", "invalid URL"),
        ("https://[::1/", "invalid URL"),
        ("https://[::1]x/", "invalid URL"),
        ("http://2130706433/", "invalid URL"),
        ("http://0x7f.1/", "invalid URL"),
        ("http://127.1/", "invalid URL"),
        ("http://0177.0.0.1/", "invalid URL"),
        ("http://127.0.0.1./", "invalid URL"),
        ("http://1.2.3.4.5/", "invalid URL"),
        ("http://①②⑦.0.0.1/", "invalid URL"),
    ] {
        assert_eq!(parsed(raw), Err(message.to_owned()), "{raw}");
        assert!(!admitted(&slack(), raw), "{raw}");
    }
}

#[test] // sandbox.md §13 N1 to N4, N7 to N9, N12
fn exactly_the_granted_host_and_port_are_admitted() {
    let granted = |entries: &[&str], raw: &str| admitted(&Grant::new(entries.iter().copied()), raw);
    for (entries, raw, expected) in [
        (&[][..], "https://slack.com/", false),
        (&["slack.com:443"], "https://slack.com/api", true),
        (&["slack.com:443"], "https://slack.com:443/api", true),
        (&["slack.com:443"], "https://evil.example.com/", false),
        (&["slack.com:443"], "http://slack.com/", false),
        (&["slack.com:443"], "https://slack.com:8443/", false),
        (&["slack.com:443"], "https://a.slack.com/", false),
        (&["slack.com:443"], "https://slack.com.evil.example/", false),
        (&["slack.com:443"], "https://slack.com./", false),
        (&["slack.com:443"], "https://slack.com:0/", false),
        (&["slack.com:0"], "https://slack.com:0/", false),
        (&["Slack.COM:443"], "https://slack.com/", true),
        (&["Slack.COM:443"], "https://SLACK.com/", true),
        (&["slack.com"], "https://slack.com/", false),
        (&["*:443", "*.com:443", ":443"], "https://slack.com/", false),
        (&["xn--bcher-kva.example:443"], "https://bücher.example/", true),
        (&["slack.com:443"], "https://sl\u{430}ck.com/", false), // a Cyrillic letter
        (&["slack.com:443"], "https://ｓlack.com/", true),       // what IDNA maps is what is dialled
        (&["[::1]:80"], "http://[::1]/", true),
        (&["[0:0::1]:80"], "http://[::1]/", true),
        (&["::1:80"], "http://[::1]/", false),
        (&["127.0.0.1:80"], "http://127.0.0.1/", true),
        (&["127.0.0.1:80"], "http://[::ffff:127.0.0.1]/", false),
        (&["127.0.0.1:80"], "http://[::ffff:7f00:1]/", false),
        (&["localhost:80"], "http://127.0.0.1/", false),
        (&["127.0.0.1:80"], "http://localhost/", false),
    ] {
        assert_eq!(granted(entries, raw), expected, "{entries:?} {raw}");
    }
}

#[test] // sandbox.md §13 N3, N15
fn a_refusal_says_what_was_asked_and_what_is_granted() {
    let evil = Target::parse("https://evil.example.com/").unwrap();
    let failure = slack().admit(&evil).unwrap_err();
    assert_eq!(failure.to_string(), "capability_denied: host:port not in declared grant (boundary=sandbox)");
    let details =
        serde_json::json!({ "requested": "network:evil.example.com:443", "granted": ["network:slack.com:443"] });
    assert_eq!(serde_json::Value::from(failure.details), details);

    let failure = slack().narrow(&evil).unwrap_err();
    assert_eq!(failure.message, "host:port not in action's declared capability subset");
    let details = serde_json::json!({
        "requested": "network:evil.example.com:443",
        "action_subset": ["network:slack.com:443"],
        "boundary_detail": "action",
    });
    assert_eq!(serde_json::Value::from(failure.details), details);
    assert_eq!(slack().narrow(&Target::parse("https://slack.com/").unwrap()), Ok(()));
    assert_eq!(Grant::default().narrow(&evil), Ok(()));
}

#[test] // sandbox.md 4.3 [R]: steps 4 and 5 on every hop
fn a_redirect_is_read_as_strictly_as_the_first_url() {
    let from = Target::parse("https://slack.com/a/b?q").unwrap();
    let joined = |location: &str| from.join(location).map(|target| target.text());
    for (location, url) in [
        ("c", "https://slack.com/a/c"),
        ("/c?d=e:f", "https://slack.com/c?d=e:f"),
        ("../c", "https://slack.com/c"),
        ("?x", "https://slack.com/a/b?x"),
        ("", "https://slack.com/a/b?q"),
        ("//evil.example/c", "https://evil.example/c"),
        ("http://slack.com/c", "http://slack.com/c"),
    ] {
        assert_eq!(joined(location), Ok(url.to_owned()), "{location}");
    }
    for (location, message) in [
        ("https:c", "missing host"),
        ("file:///etc/passwd", "scheme not permitted"),
        ("//user@evil.example/", "invalid URL"),
        ("\\\\evil.example/", "invalid URL"),
        ("/\\evil.example/", "invalid URL"),
        ("/a\nb", "invalid URL"),
        ("https://sl%61ck.com/", "invalid URL"),
    ] {
        assert_eq!(joined(location).unwrap_err().message, message, "{location}");
    }
    let same = |raw: &str| from.is_same_origin(&Target::parse(raw).unwrap());
    assert!(same("https://SLACK.com:443/other"));
    assert!(!same("http://slack.com/") && !same("https://slack.com:8443/") && !same("https://a.slack.com/"));
}

#[test] // 15a
fn a_credential_travels_only_where_nobody_listens() {
    for (raw, expected) in [
        ("https://slack.com/", true),
        ("http://slack.com/", false),
        ("http://localhost:8080/", true),
        ("http://127.1.2.3/", true),
        ("http://[::1]/", true),
        ("http://[::ffff:127.0.0.1]/", false),
        ("http://10.0.0.1/", false),
        ("http://localhost.evil.example/", false),
    ] {
        assert_eq!(Target::parse(raw).unwrap().is_confidential(), expected, "{raw}");
    }
}

#[test] // 15a, "Private addresses"
fn an_address_of_the_users_own_network_is_not_public() {
    let public = |text: &str| address::is_public(text.parse().unwrap());
    for text in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "192.0.1.1", "239.0.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
        assert_eq!(public(text), text != "239.0.0.1", "{text}");
    }
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ] {
        assert!(!public(text), "{text}");
    }
}

#[test] // sandbox.md §4.1: as the guest wrote it, where Go's client sends it so
fn path_and_query_go_out_as_they_were_written() {
    for (written, sent) in [
        ("", "/"),
        ("/", "/"),
        ("?q", "/?q"),
        ("#f", "/"),
        ("/a/../echo", "/a/../echo"),
        ("/./echo", "/./echo"),
        ("/a/%2e%2e/echo", "/a/%2e%2e/echo"),
        ("/a/%2E%2e/echo", "/a/%2E%2e/echo"),
        ("/..", "/.."),
        ("/a/.", "/a/."),
        ("/a%2fb", "/a%2fb"),
        ("//a//b", "//a//b"),
        ("/echo\\x", "/echo%5Cx"),
        ("/\\..\\x", "/%5C..%5Cx"),
        ("/echo ", "/echo%20"),
        ("/ echo", "/%20echo"),
        ("/a b%2Fc", "/a%20b/c"), // decoded and escaped again, as Go does
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/a|b^c`{d}", "/a%7Cb%5Ec%60%7Bd%7D"),
        ("/!$&'()*+,;=:@[]~-_.", "/!$&'()*+,;=:@[]~-_."),
        ("/a\"<>", "/a%22%3C%3E"),
        ("/a@evil.example/b", "/a@evil.example/b"),
        ("/a://b", "/a://b"),
        ("/a?", "/a?"),
        ("/a?b?c#d?e", "/a?b?c"),
        ("/a?b=%zz&c=%", "/a?b=%zz&c=%"),
        ("/a?../b\\c", "/a?../b\\c"),
        ("/a?b c\"<>", "/a?b%20c%22%3C%3E"),
        ("/a?caf\u{e9}", "/a?caf%C3%A9"),
        ("/a?it's|{}", "/a?it's|{}"),
    ] {
        let target = Target::parse(&format!("https://slack.com{written}")).unwrap();
        assert_eq!(target.path_and_query(), sent, "{written}");
        assert_eq!(target.text(), format!("https://slack.com{sent}"));
    }
    for wrong in ["/%zz", "/%", "/a%", "/a%2", "/%2", "/%%41", "/%g0", "/%0g", "/a/%zz?q", "/%\u{e9}", "/% 41"] {
        let failure = Target::parse(&format!("https://slack.com{wrong}")).unwrap_err();
        assert_eq!(failure.message, "invalid URL", "{wrong}");
    }
}

#[test] // sandbox.md §4.3: what is judged, what is dialled and what the server is told are one value
fn no_spelling_splits_the_granted_authority_from_the_dialled_one() {
    for raw in [
        "https://slack.com/@evil.example",
        "https://slack.com/\\@evil.example",
        "https://slack.com//evil.example",
        "https://slack.com/\\evil.example",
        "https://slack.com/..//evil.example",
        "https://slack.com/%2f%2fevil.example",
        "https://slack.com/%5cevil.example",
        "https://slack.com?@evil.example",
        "https://slack.com?://evil.example/",
        "https://slack.com#@evil.example",
        "https://slack.com/#@evil.example/",
        "https://slack.com/:80",
        "https://slack.com:443/@evil.example:80",
        "https://slack.com:/evil.example",
        "https://SLACK.com/evil.example",
        "https://slack.com/?u=https://evil.example/",
        "https://slack.com/https://evil.example/",
        "https://slack.com/\u{2044}evil.example",
        "https://slack.com/\u{ff0f}evil.example",
        "https://slack.com/ evil.example",
        "https://slack.com/..;/evil.example",
        "https://slack.com/%00evil.example",
        "https://slack.com/%0d%0aHost:%20evil.example",
        "https://slack.com/?%0d%0aHost: evil.example",
        "HTTPS://slack.com/",
        "https://evil.example/@slack.com",
        "https://evil.example?@slack.com",
        "https://evil.example#@slack.com",
        "https://evil.example/\\@slack.com",
        "https://evil.example:443/slack.com",
        "https://slack.com.evil.example/",
        "https://slack.comevil.example/",
        "https://evil.example:8443/@slack.com:443",
        "https://slack.com:8443/",
        "https://slack.com./",
        "https://b\u{fc}cher.example/",
        "https://xn--bcher-kva.example/",
        "https://\u{ff53}lack.com/",
        "https://sl\u{430}ck.com/",
        "https://slack\u{3002}com/",
        "http://slack.com/",
        "http://127.0.0.1:80/@slack.com",
        "http://[::1]/@slack.com",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://localhost:8080/slack.com",
    ] {
        let target = Target::parse(raw).unwrap_or_else(|failure| panic!("{raw}: {failure}"));
        // What goes out, read by another parser.
        let wire: http::Uri = target.text().parse().unwrap();
        let authority = wire.authority().unwrap();
        assert_eq!(authority.as_str(), target.host_and_port(), "{raw}");
        assert_eq!(authority.host(), target.host().to_string(), "{raw}");
        let port = authority.port_u16().unwrap_or(if target.scheme() == "https" { 443 } else { 80 });
        assert_eq!(format!("{}:{port}", authority.host()), target.authority(), "{raw}");
        assert_eq!(wire.path_and_query().unwrap().as_str(), target.path_and_query(), "{raw}");
        assert!(target.text().bytes().all(|byte| byte.is_ascii_graphic()), "{raw}");
        assert_eq!(admitted(&slack(), raw), target.authority() == "slack.com:443", "{raw}");
    }
}

proptest! {
    /// What is compared is what is dialled: the serialised URL, read again, means the same.
    #[test]
    fn a_url_that_is_read_means_the_same_when_it_is_read_again(
        raw in "(https?|HTTP)://([a-zA-Z0-9.:\\[\\]%@\\\\-]|\\PC){0,12}([/?#]([ -~]|\\PC){0,12})?",
        location in "(//|/|\\\\|https?:|\\.\\./)?([ -~]|\\PC){0,12}",
    ) {
        let Ok(target) = Target::parse(&raw) else { return Ok(()) };
        let url = target.text();
        prop_assert!(!target.host_and_port().contains(['@', '\\', '/', '?', '#']), "{}", url);
        let again = Target::parse(&url).expect("what was read once can be read again");
        prop_assert_eq!(again.text(), url);
        prop_assert!(again.is_same_origin(&target) && again.authority() == target.authority());
        let own = Grant::new([target.authority().as_str()]).admit(&target).is_ok();
        prop_assert_eq!(own, !target.authority().ends_with(":0"));
        if let Ok(next) = target.join(&location) {
            let again = Target::parse(&next.text()).expect("a redirect is read as strictly");
            prop_assert!(again.is_same_origin(&next), "{}", location);
        }
    }
}
