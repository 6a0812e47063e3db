//! Any URL and header value: a canonical request has its six parts, and making the canonical canonical changes nothing.

#![no_main]

use aileron_sandbox::credential::sigv4::{canonical_request, endpoint};
use aileron_sandbox::grant::Target;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, Vec<(u8, Vec<u8>)>)| {
    let (path, values) = data;
    let _ = endpoint(path);
    let Ok(target) = Target::parse(&format!("https://host.example/{path}")) else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        let name: HeaderName = format!("x-{name}").parse().expect("a token");
        let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
        headers.append(name, value);
    }
    let request = canonical_request(&Method::GET, &target, &headers, "PAYLOAD");
    let lines: Vec<&[u8]> = request.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 3 + headers.keys_len() + 1 + 3, "{:?}", String::from_utf8_lossy(&request));
    let text = |line: &[u8]| String::from_utf8(line.to_vec()).expect("ASCII");
    let (path, query) = (text(lines[1]), text(lines[2]));
    let canonical = Target::parse(&format!("https://host.example{path}?{query}")).expect("a URL");
    assert_eq!(canonical_request(&Method::GET, &canonical, &headers, "PAYLOAD"), request, "{}", target.text());
});
