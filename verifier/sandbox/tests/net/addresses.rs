//! Where a granted name may lead. 15a, "Private addresses"; TLS and proxies.

use std::sync::Arc;

use aileron_sandbox::host::http::{Network, Proxies, Roots};
use aileron_verifier::problem::Class;
use serde_json::json;

use super::{Names, ask, get, hosts, network, refused, text};
use crate::certificate::{Identity, identity};
use crate::server::{self, answer};

fn named(name: &str, port: u16, names: &Names) -> Network {
    network(&hosts(&[format!("{name}:{port}")])).resolving_with(Arc::new(names.clone()))
}

fn loopback(name: &str) -> (Identity, Roots) {
    let identity = identity(&[name]);
    let roots = Roots::Only(vec![identity.certificate.clone()]);
    (identity, roots)
}

#[test] // 15a; escape matrix: DNS answers that lead inside
fn a_name_that_leads_to_a_private_address_is_denied() {
    let trap = server::http(|_| answer("200 OK", "caught"));
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "0.0.0.0",
        "fd00::1",
        "64:ff9b::a00:1",
    ] {
        let names = Names::default().with("granted.example", address);
        let failure = refused(get(
            &named("granted.example", trap.port(), &names),
            &format!("http://granted.example:{}/", trap.port()),
        ));
        assert_eq!(failure.class, Class::CapabilityDenied, "{address}: {failure}");
        assert_eq!(
            failure.message,
            format!(
                "granted.example resolves to {address}, which is not a public address; --allow-private granted.example admits it"
            )
        );
        assert_eq!(failure.details["requested"], format!("network:granted.example:{}", trap.port()));
        assert_eq!(
            (&failure.details["address"], &failure.details["boundary_detail"]),
            (&json!(address), &json!("runtime"))
        );
    }
    assert_eq!(trap.seen(), []);
}

#[test] // escape matrix: rebinding. The address that was judged is the one that is dialled: one lookup for one dial.
fn a_second_answer_of_the_dns_server_has_nobody_to_mislead() {
    let server = server::http(|_| answer("200 OK\r\nConnection: close", "hi"));
    let url = format!("http://granted.example:{}/", server.port());
    // Admitted by name, so that its first answer may be this machine; the second would be a host that must not be asked.
    let names = Names::default().turning("granted.example", &[&["127.0.0.1"], &["192.168.255.1"]]);
    let network = named("granted.example", server.port(), &names).allowing_private(["Granted.Example".to_owned()]);
    assert_eq!(text(&get(&network, &url).unwrap()), "hi");
    assert_eq!(names.asked(), ["granted.example"]);
    // The name turns inward after a first good use: judged again at the next dial, and refused.
    let names = Names::default().turning("granted.example", &[&[], &["127.0.0.1"]]);
    let network = named("granted.example", server.port(), &names);
    assert_eq!(refused(get(&network, &url)).class, Class::ConnectorRuntimeError);
    assert_eq!(refused(get(&network, &url)).class, Class::CapabilityDenied);
    assert_eq!(names.asked(), ["granted.example", "granted.example"]);
    assert_eq!(server.seen().len(), 1);
}

#[test] // 15a
fn an_exception_is_for_one_name() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let names = Names::default().with("granted.example", "127.0.0.1");
    let url = format!("http://granted.example:{}/", server.port());
    let allowing = |name: &str| named("granted.example", server.port(), &names).allowing_private([name.to_owned()]);
    assert_eq!(text(&get(&allowing("GRANTED.example"), &url).unwrap()), "hi");
    for other in ["example", "x.granted.example", "127.0.0.1", "*", ""] {
        assert_eq!(refused(get(&allowing(other), &url)).class, Class::CapabilityDenied, "{other}");
    }
}

#[test] // 15a: a grant that is `localhost` or an IP literal admits that address, and only that
fn localhost_is_this_machine_and_nothing_else() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let url = format!("http://localhost:{}/", server.port());
    let here = Names::default().with("localhost", "127.0.0.1");
    assert_eq!(text(&get(&named("localhost", server.port(), &here), &url).unwrap()), "hi");
    let elsewhere = Names::default().with("localhost", "192.168.0.1");
    assert_eq!(refused(get(&named("localhost", server.port(), &elsewhere), &url)).class, Class::CapabilityDenied);
    let literal = Names::default();
    let network = network(&hosts(&[format!("127.0.0.1:{}", server.port())])).resolving_with(Arc::new(literal.clone()));
    assert_eq!(text(&get(&network, &format!("http://127.0.0.1:{}/", server.port())).unwrap()), "hi");
    assert_eq!(literal.asked(), [""; 0]);
}

#[test] // the machine's own resolver
fn the_system_finds_localhost() {
    let server = server::http(|_| answer("200 OK", "hi"));
    let network = network(&hosts(&[format!("localhost:{}", server.port())]));
    assert_eq!(text(&get(&network, &format!("http://localhost:{}/", server.port())).unwrap()), "hi");
}

#[test] // sandbox.md §4.3: verification on, no way to disable
fn a_server_is_believed_only_under_its_own_name() {
    let (identity, roots) = loopback("granted.example");
    let server = server::https(&identity, |_| answer("200 OK", "hi"));
    let names = Names::default().with("granted.example", "127.0.0.1").with("other.example", "127.0.0.1");
    let to = |name: &str, roots: &Roots| {
        let network = named(name, server.port(), &names).trusting(roots.clone());
        get(&network.allowing_private([name.to_owned()]), &format!("https://{name}:{}/", server.port()))
    };
    assert_eq!(text(&to("granted.example", &roots).unwrap()), "hi");
    for (name, roots) in
        [("other.example", &roots), ("granted.example", &Roots::Platform), ("granted.example", &Roots::Only(vec![]))]
    {
        let failure = refused(to(name, roots));
        assert_eq!(failure.class, Class::ConnectorRuntimeError, "{name}: {failure}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[test] // 15a: behind a proxy only the name grant decides
fn a_proxy_is_asked_for_granted_names_only() {
    let proxy = server::http(|request| match request.method.as_str() {
        "CONNECT" => answer("502 No", ""),
        _ => answer("200 OK", "by proxy"),
    });
    let names = Names::default().with("proxy.internal", "127.0.0.1").with("direct.example", "10.0.0.1");
    let through = format!("http://user:pass@proxy.internal:{}", proxy.port());
    let proxies = Proxies { http: Some(through.clone()), https: Some(through), except: "direct.example".into() };
    let granted = ["far.example:80", "far.example:443", "direct.example:80"].map(str::to_owned);
    let network = network(&hosts(&granted)).resolving_with(Arc::new(names.clone())).through(proxies.clone());

    assert_eq!(text(&get(&network, "http://far.example/x").unwrap()), "by proxy");
    let seen = proxy.only();
    assert_eq!((seen.target.as_str(), seen.header("host")), ("http://far.example/x", Some("far.example")));
    assert_eq!(seen.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(refused(get(&network, "https://far.example/x")).class, Class::ConnectorRuntimeError);
    assert_eq!((proxy.seen()[1].method.as_str(), proxy.seen()[1].target.as_str()), ("CONNECT", "far.example:443"));
    assert_eq!(refused(get(&network, "http://direct.example/")).class, Class::CapabilityDenied);
    assert_eq!(refused(get(&network, "http://evil.example/")).message, "host:port not in declared grant");
    assert_eq!(proxy.seen().len(), 2);
    assert!(!names.asked().contains(&"far.example".to_owned()), "{:?}", names.asked());

    let server = server::http(|_| answer("200 OK", "direct"));
    let here = super::network(&hosts(&[format!("127.0.0.1:{}", server.port())])).through(proxies);
    let response = ask(&here, json!({ "url": format!("http://127.0.0.1:{}/", server.port()) })).unwrap();
    assert_eq!(text(&response), "direct");
}
