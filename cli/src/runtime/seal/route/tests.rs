use http::header::HeaderValue;

use super::*;

fn routed(method: &str, uri: &str) -> Result<Route, Refusal> {
    route(&method.parse().expect("a method"), &uri.parse().expect("a URI"))
}

#[test] // sealing.md §3, the first and the fourth row
fn only_port_443_is_tunnelled_to_and_only_whole_http_urls_are_passed_on() {
    let target = |host: &str, port| Target { host: host.into(), port, address: host.parse().ok() };
    for (method, uri, expected) in [
        ("CONNECT", "api.github.com:443", Ok(Route::Tunnel(target("api.github.com", 443)))),
        ("CONNECT", "API.GitHub.com.:443", Ok(Route::Tunnel(target("api.github.com", 443)))),
        ("CONNECT", "1.1.1.1:443", Ok(Route::Tunnel(target("1.1.1.1", 443)))),
        ("CONNECT", "[2606:4700::1111]:443", Ok(Route::Tunnel(target("2606:4700::1111", 443)))),
        ("CONNECT", "github.com:22", Err(Refusal::Port)),
        ("CONNECT", "github.com:80", Err(Refusal::Port)),
        ("CONNECT", "github.com:8443", Err(Refusal::Port)),
        ("CONNECT", "github.com", Err(Refusal::Port)),
        ("CONNECT", "github.com:99999", Err(Refusal::Port)),
        ("CONNECT", "user@github.com:443", Err(Refusal::NotForAProxy)),
        ("GET", "http://example.com/a?b", Ok(Route::Plain(target("example.com", 80)))),
        ("GET", "http://example.com:8080/", Ok(Route::Plain(target("example.com", 8080)))),
        ("GET", "http://user:pass@example.com/", Err(Refusal::NotForAProxy)),
        ("GET", "https://example.com/", Err(Refusal::NotForAProxy)),
        ("GET", "ftp://example.com/", Err(Refusal::NotForAProxy)),
        ("GET", "/", Err(Refusal::NotForAProxy)),
        ("OPTIONS", "*", Err(Refusal::NotForAProxy)),
    ] {
        assert_eq!(routed(method, uri), expected, "{method} {uri}");
    }
}

#[test] // sealing.md §3, the fifth row
fn an_address_of_this_machine_or_network_is_refused_as_it_is_written() {
    for address in [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
    ] {
        assert_eq!(routed("CONNECT", &format!("{address}:443")), Err(Refusal::PrivateAddress), "{address}");
        assert_eq!(routed("GET", &format!("http://{address}/")), Err(Refusal::PrivateAddress), "{address}");
    }
}

#[test] // sealing.md §3, the last row
fn a_request_in_a_tunnel_names_the_tunnels_host_once() {
    let target = Target { host: "api.github.com".into(), port: 443, address: None };
    for (uri, hosts, expected) in [
        ("/user", &["api.github.com"][..], true),
        ("/user", &["API.github.com:443"], true),
        ("/user", &["api.github.com."], true),
        ("https://api.github.com/user", &["api.github.com"], true),
        ("*", &["api.github.com"], true),
        ("/user", &["github.com"], false),
        ("/user", &["api.github.com:8443"], false),
        ("/user", &["x@api.github.com"], false),
        ("/user", &["api.github.com", "api.github.com"], false),
        ("/user", &["api.github.com, evil.example"], false),
        ("/user", &[""], false),
        ("/user", &[], false),
        ("https://evil.example/user", &["api.github.com"], false),
        ("http://api.github.com/user", &["api.github.com"], false),
    ] {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).expect("a header"));
        }
        assert_eq!(is_for(&target, &uri.parse().expect("a URI"), &headers), expected, "{uri} {hosts:?}");
    }
}

#[test] // sealing.md §2
fn a_client_shows_a_user_and_a_password() {
    for (value, expected) in [
        ("Basic dXNlcjpwYXNz", Some(("user", "pass"))),
        ("basic dXNlcjpwYTpzcw==", Some(("user", "pa:ss"))),
        ("Basic dXNlcg==", None),
        ("Basic !!", None),
        ("Bearer dXNlcjpwYXNz", None),
        ("Basi", None),
        ("", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(PROXY_AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        let found = shown(&headers).map(|(user, password)| (user, password.to_vec()));
        let expected = expected.map(|(user, password)| (user.to_owned(), password.as_bytes().to_vec()));
        assert_eq!(found, expected, "{value}");
    }
    assert!(shown(&HeaderMap::new()).is_none());
}

#[test] // sealing.md §2–§5: the statuses, and the one text that is pinned
fn every_refusal_has_its_status_and_says_nothing_secret() {
    for (refusal, status) in [
        (Refusal::Token, 407),
        (Refusal::NotForAProxy, 400),
        (Refusal::Port, 400),
        (Refusal::PrivateAddress, 403),
        (Refusal::NotPublic { host: "a".into(), address: IpAddr::from([10, 0, 0, 1]) }, 403),
        (Refusal::PlainHttp, 403),
        (Refusal::OtherHost, 400),
        (Refusal::Decision(seal::Refusal::TwoCarriers), 400),
        (Refusal::Decision(seal::Refusal::UnsupportedScheme), 500),
        (Refusal::Credential, 500),
        (Refusal::Upstream("x".into()), 502),
    ] {
        assert_eq!(refusal.status().as_u16(), status, "{refusal:?}");
    }
    assert_eq!(Refusal::Credential.body(), "sandbox proxy host-binding credential is unavailable");
}
