//! The ABI in front of a real network, with guests of a few instructions. What is judged where is `net`'s own to test;
//! here it is shown that the judge sits behind every call.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use aileron_sandbox::host::http::Network;
use aileron_sandbox::invoke::Invocation;
use aileron_verifier::problem::Class;
use serde_json::json;

use crate::guest::{Guest, failure, manifest, output, run, wall};
use crate::server::{Server, answer, http};

/// A guest that asks for these envelopes in turn, reports each code, and claims success.
fn asking(envelopes: &[&str]) -> Guest {
    let mut guest = Guest::new();
    let names: Vec<String> = (0..envelopes.len()).map(|at| format!("rc{at}")).collect();
    let calls: Vec<String> =
        envelopes.iter().map(|envelope| format!("(call $http_request {})", guest.text(envelope))).collect();
    let rows: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(calls.iter().map(String::as_str)).collect();
    guest.report(&rows)
}

fn granting(server: &Server) -> Network {
    Network::of(&manifest(&format!("[capabilities.network]\nhosts = [\"{}\"]", server.address)))
}

#[test] // §4.2, steps 2 to 4
fn malformed_is_minus_two_and_denied_is_minus_one() {
    let server = http(|_| answer("200 OK", "hi"));
    let good = json!({ "url": format!("http://{}/", server.address) }).to_string();
    let guest = asking(&["{", "{}", "null", r#"{"url":"https://evil.example/"}"#, r#"{"url":"ftp://x"}"#, &good]);
    let done = run(&guest.connector(), Invocation::new("x", Arc::new(granting(&server))));
    let expected = json!({"rc0": -2, "rc1": -2, "rc2": -2, "rc3": -1, "rc4": -1, "rc5": 0});
    assert_eq!(json!(output(&done)), expected);
    let words = |envelope: &str| {
        let done = run(&asking(&[envelope]).connector(), Invocation::new("x", Arc::new(granting(&server))));
        (failure(&done).class, failure(&done).message.clone())
    };
    assert_eq!(words("{}"), (Class::ConnectorRuntimeError, "http_request: empty URL".to_owned()));
    assert!(words("{").1.starts_with("http_request: invalid JSON envelope: "));
    let denied = words(r#"{"url":"https://evil.example/"}"#);
    assert_eq!(denied, (Class::CapabilityDenied, "host:port not in declared grant".to_owned()));
    assert_eq!(server.seen().len(), 1);
}

#[test] // N15
fn an_action_narrows_what_its_connector_may_reach() {
    let server = http(|_| answer("200 OK", "hi"));
    let guest = asking(&[&json!({ "url": format!("http://{}/", server.address) }).to_string()]).connector();
    let narrowed = |host: &str| run(&guest, Invocation::new("x", Arc::new(granting(&server).narrowed_to([host]))));
    let done = narrowed("other.example:443");
    assert_eq!(failure(&done).class, Class::CapabilityDenied);
    assert_eq!(failure(&done).details["boundary_detail"], "action");
    assert_eq!(output(&narrowed(&server.address.to_string()))["rc0"], 0);
}

#[test] // §8.2 and 15a: the deadline cancels an exchange in flight, before and after its head
fn a_server_that_keeps_a_guest_waiting_costs_it_the_deadline() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            stream.write_all(head.as_bytes()).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest); // until the host hangs up
        });
        let guest = asking(&[&json!({ "url": format!("http://{address}/") }).to_string()]);
        let network = Network::of(&manifest(&format!("[capabilities.network]\nhosts = [\"{address}\"]")));
        let limits = wall(Duration::from_millis(200));
        let done = run(&guest.connector(), Invocation { limits, ..Invocation::new("x", Arc::new(network)) });
        assert_eq!(failure(&done).details["limit"], "wall_time");
        server.join().unwrap(); // the connection did not outlive the invoke
    }
}

#[test] // the escape matrix
fn ten_thousand_requests_over_a_wire_are_ten_thousand_requests() {
    let server = http(|_| answer("200 OK", "hi"));
    let mut guest = Guest::new();
    let envelope = guest.text(&json!({ "url": format!("http://{}/", server.address) }).to_string());
    let guest = guest
        .run("(local.set $value (i32.const 10000))")
        .run(&format!(
            "(loop $l (drop (call $http_request {envelope}))
               (br_if $l (local.tee $value (i32.sub (local.get $value) (i32.const 1)))))"
        ))
        .report(&[("status", "(call $http_response_status)")]);
    let limits = wall(Duration::from_secs(300)); // for a machine that has other things to do
    let done = run(&guest.connector(), Invocation { limits, ..Invocation::new("x", Arc::new(granting(&server))) });
    assert_eq!(output(&done)["status"], 200);
    assert_eq!(server.seen().len(), 10_000);
}
