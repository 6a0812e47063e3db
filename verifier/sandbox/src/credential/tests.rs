use std::time::{Duration, UNIX_EPOCH};

use http::header::HOST;
use proptest::prelude::*;

use super::sigv4::{SigningScope, canonical_request, endpoint, sign, string_to_sign};
use super::*;

const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: SigningScope<'_> = SigningScope { access_key_id: "AKIDEXAMPLE", region: "us-east-1", service: "service" };

/// 2015-08-30T12:36:00Z
fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn signed(method: &str, url: &str, headers: &mut HeaderMap, body: &str) -> String {
    let method = method.parse().unwrap();
    let url = Target::parse(url).unwrap();
    let mut request = Unsent { method: &method, target: &url, headers, body: body.as_bytes(), now: then() };
    sign(&mut request, &SCOPE, &Secret::from(KEY.to_owned())).unwrap();
    headers[AUTHORIZATION].to_str().unwrap().to_owned()
}

#[test] // sandbox.md §13 S1, S9, S12
fn a_signature_is_the_one_of_the_vectors() {
    const BASE: &str = "https://example.amazonaws.com";
    for (name, method, path, body, signature) in [
        ("V1", "GET", "/", "", "726c5c4879a6b4ccbbd3b24edbd6b8826d34f87450fbbf4e85546fc7ba9c1642"),
        ("V2", "GET", "/?Param1=value1", "", "2287c0f96af21b7ccf3ee4a2905bcbb2d6f9a94c68d0849f3d1715ef003f2a05"),
        ("V3", "POST", "/", "Param1=value1", "29ad954417b30cf1d248d8068d3387c6b1fa0057764dd9ff44c287c3aedbaaba"),
        ("V4", "GET", "/?a=b%20c&x=y%2Fz", "", "1ddeda8c9340c17b884eb08e9a8cad4087aa5c6ad4efdc103dfb45db4ca393dd"),
        ("V5", "GET", "/foo%20bar/baz", "", "b15c91e98f56dd76e9f869826dae6311b6f13ad09ef788a2196f2ac4433c2b20"),
    ] {
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
        );
        let mut headers = HeaderMap::new();
        assert_eq!(signed(method, &format!("{BASE}{path}"), &mut headers, body), expected, "{name}");
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        // S9, and §7.4 step 4: what the guest put under these names is not signed and not sent.
        for (name, value) in [("authorization", "Bearer x"), ("x-amz-date", "then"), ("x-amz-content-sha256", "0")] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(signed(method, &format!("{BASE}{path}"), &mut headers, body), expected, "{name}, again");
        assert_eq!(headers.get_all(AUTHORIZATION).iter().count(), 1);
    }
}

#[test] // sandbox.md §7.4 step 5
fn a_canonical_request_has_one_form() {
    let request = |url: &str, headers: &[(&'static str, &'static str)]| {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        String::from_utf8(canonical_request(&Method::GET, &Target::parse(url).unwrap(), &map, "P")).unwrap()
    };
    for (url, path, query) in [
        ("https://h", "/", ""),
        ("https://h/a//b/", "/a//b/", ""),
        ("https://h/a/./b/../c", "/a/./b/../c", ""),
        ("https://h/%2F%41+~*", "/%2FA%2B~%2A", ""),
        ("https://h/100%25", "/100%25", ""),
        ("https://h/\u{fc}", "/%C3%BC", ""),
        ("https://h/?b=2&a=1&&a=0&c", "/", "a=0&a=1&b=2&c="),
        ("https://h/?a=b=c&a+b=c/d", "/", "a=b%3Dc&a%2Bb=c%2Fd"),
        ("https://h/?%7e=%zz", "/", "~=%25zz"),
    ] {
        assert_eq!(request(url, &[]), format!("GET\n{path}\n{query}\nhost:h\n\nhost\nP"), "{url}");
    }
    let headers = [("x-b", "  two   spaces\t"), ("x-a", "1"), ("x-a", " 2 ")];
    assert_eq!(
        request("https://h:8443/", &headers),
        "GET\n/\n\nhost:h:8443\nx-a:1,2\nx-b:two spaces\n\nhost;x-a;x-b\nP"
    );
    let mut with_host = HeaderMap::new();
    with_host.insert(HOST, HeaderValue::from_static("other"));
    let url = Target::parse("https://h:443/").unwrap();
    assert_eq!(canonical_request(&Method::GET, &url, &with_host, "P"), b"GET\n/\n\nhost:h\n\nhost\nP");
}

#[test] // sandbox.md §7.5, §13 S11
fn an_aws_host_names_its_service_and_region() {
    let found = |host: &str| endpoint(host).map(|(service, region)| format!("{service} {region}"));
    for (host, expected) in [
        ("athena.us-east-1.amazonaws.com", "athena us-east-1"),
        ("Athena.US-EAST-1.amazonaws.com:443", "athena us-east-1"),
        ("s3.dualstack.us-west-2.amazonaws.com", "s3 us-west-2"),
        ("s3-fips.us-east-1.amazonaws.com", "s3 us-east-1"),
        ("athena.us-gov-west-1.amazonaws.com", "athena us-gov-west-1"),
        ("bucket.s3.eu-west-2.amazonaws.com", "s3 eu-west-2"),
        ("athena.us-east-1.amazonaws.test", "athena us-east-1"),
    ] {
        assert_eq!(found(host).as_deref(), Some(expected), "{host}");
    }
    for host in [
        "s3.amazonaws.com",
        "athena.amazonaws.com",
        "example.com",
        "",
        ":443",
        "us-east-1.amazonaws.com",
        "dualstack.us-west-2.amazonaws.com",
        "-fips.us-west-2.amazonaws.com",
        "athena.us-east.amazonaws.com",
        "athena.us-1.amazonaws.com",
        "athena.usa-east-1.amazonaws.com",
        "athena.us-ea5t-1.amazonaws.com",
    ] {
        assert_eq!(found(host), None, "{host}");
    }
}

#[test] // shared/vectors/vault.json, `sigv4` and `aws_host`
fn signing_agrees_with_the_shared_vectors() {
    let Some(path) = aileron_testkit::shared("vectors/vault.json") else { return };
    let vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let hosts = vectors["aws_host"].as_array().unwrap();
    for row in hosts {
        let found = endpoint(row["host"].as_str().unwrap());
        let expected = row["service"].as_str().zip(row["region"].as_str());
        assert_eq!(found.as_ref().map(|(service, region)| (service.as_str(), region.as_str())), expected, "{row}");
    }
    let rows = vectors["sigv4"].as_array().unwrap();
    assert!(!rows.is_empty() && !hosts.is_empty());
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap();
        let expect = |name: &str| row["expect"][name].as_str().unwrap();
        let scope =
            SigningScope { access_key_id: text("access_key_id"), region: text("region"), service: text("service") };
        let mut headers = HeaderMap::new();
        for (name, value) in row["headers"].as_object().unwrap() {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap());
        }
        let (method, url) = (text("method").parse().unwrap(), Target::parse(text("url")).unwrap());
        assert_eq!(text("signing_time"), "20260501T120000Z");
        let now = UNIX_EPOCH + Duration::from_secs(1_777_636_800);
        let secret = Secret::from(text("secret_access_key").to_owned());
        let body = text("body_utf8").as_bytes();
        sign(&mut Unsent { method: &method, target: &url, headers: &mut headers, body, now }, &scope, &secret).unwrap();
        assert_eq!(headers[AUTHORIZATION], expect("authorization"));
        assert_eq!(headers["x-amz-content-sha256"], expect("payload_sha256"));
        headers.remove(AUTHORIZATION);
        let request = canonical_request(&method, &url, &headers, expect("payload_sha256"));
        assert_eq!(String::from_utf8(request.clone()).unwrap(), expect("canonical_request"));
        assert_eq!(string_to_sign(&scope, text("signing_time"), &request), expect("string_to_sign"));
    }
}

#[test] // sandbox.md §13 S2, second half: nothing is set when signing fails
fn a_request_that_cannot_be_signed_stays_as_it_was() {
    let url = Target::parse("https://h/").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer mine"));
    let before = headers.clone();
    let secret = Secret::from(KEY.to_owned());
    let broken = SigningScope { access_key_id: "AK\r\nX: y", ..SCOPE };
    let attempt = |headers: &mut HeaderMap, scope: &SigningScope<'_>, now: SystemTime| {
        sign(&mut Unsent { method: &Method::GET, target: &url, headers, body: b"", now }, scope, &secret)
    };
    for (scope, at) in [(broken, then()), (SCOPE, UNIX_EPOCH - Duration::from_secs(1))] {
        let error = attempt(&mut headers, &scope, at).unwrap_err();
        assert!(!error.to_string().contains(KEY), "{error}");
        assert_eq!(headers, before);
    }
    for (seconds, stamp) in [
        (253_402_300_799, "99991231T235959Z"),
        (1_709_164_800, "20240229T000000Z"),
        (1_709_251_199, "20240229T235959Z"),
        (951_782_400, "20000229T000000Z"),
        (4_107_542_400, "21000301T000000Z"),
        (0, "19700101T000000Z"),
    ] {
        attempt(&mut headers, &SCOPE, UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        assert_eq!(headers["x-amz-date"], stamp);
    }
}

#[test] // vault.md §13.4: CR, LF and NUL are refused; the header is marked so that nothing prints it
fn a_header_is_made_of_the_format_and_the_secret() {
    let made = |format: &str, secret: &str| header_value(format, &Secret::from(secret.to_owned()));
    for (format, secret, expected) in [
        ("Bearer {key}", "k-secret", "Bearer k-secret"),
        ("{key}", "lin_api_xxxxxxxx", "lin_api_xxxxxxxx"),
        ("token {key}", "ghp_abcdef", "token ghp_abcdef"),
        ("{key}:{key} {{key}}", "k", "k:k {k}"),
    ] {
        let value = made(format, secret).unwrap();
        assert_eq!(value.as_bytes(), expected.as_bytes());
        assert!(value.is_sensitive() && !format!("{value:?}").contains(secret));
    }
    for secret in ["a\r\nX-Evil: y", "a\nb", "a\0b", "a\x7fb"] {
        assert!(made("{key}", secret).is_none(), "{secret:?}");
    }
}

proptest! {
    /// A canonical request has its parts, and making the canonical canonical changes nothing.
    #[test]
    fn a_canonical_request_is_its_own_canonical_form(
        path in "/([ -~]|\\PC|%[0-9a-fA-F]{2}){0,16}",
        values in proptest::collection::vec((0u8..4, "[ -~\t]{0,12}"), 0..6),
    ) {
        // An escape that is none is no URL.
        let Ok(url) = Target::parse(&format!("https://host.example{path}")) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(format!("x-{name}").parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap());
        }
        let text = String::from_utf8(canonical_request(&Method::GET, &url, &headers, "P")).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        prop_assert_eq!(lines.len(), 3 + headers.keys_len() + 4, "{}", text);
        let canonical = Target::parse(&format!("https://host.example{}?{}", lines[1], lines[2])).unwrap();
        let again = canonical_request(&Method::GET, &canonical, &headers, "P");
        prop_assert_eq!(String::from_utf8(again).unwrap(), text, "{}", url.text());
    }
}
