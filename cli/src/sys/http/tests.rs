use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};

use super::*;
use crate::secret::Secret;

/// A server that gives each caller the next answer of the list, byte for byte, and then hangs up; and what it was asked, head
/// and body.
fn serve(answers: Vec<Vec<u8>>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = tell.send(read_request(&mut stream));
            let _ = stream.write_all(&answer); // a caller may leave before the end
        }
    });
    (base, asked)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        seen.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&seen).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    format!("{head}{}", String::from_utf8_lossy(&body))
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n").as_bytes(), b"\r\n", body].concat()
}

fn with_length(body: &[u8], length: usize) -> Vec<u8> {
    answer(&format!("200 OK\r\nContent-Length: {length}"), body)
}

fn redirect(status: u16, to: &str) -> Vec<u8> {
    answer(&format!("{status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close"), b"")
}

#[test] // artifacts.md §10: absent, refused and unreachable are told apart
fn an_answer_is_bytes_or_says_why_not() {
    let limit = 1000;
    let get = |answers: Vec<Vec<u8>>| get(&serve(answers).0, limit, SMALL);
    assert_eq!(get(vec![with_length(b"hello", 5)]).unwrap(), b"hello");
    assert!(matches!(get(vec![answer("404 Not Found", b"")]), Err(HttpError::Absent { status: 404, .. })));
    for (head, retriable) in [("403 Forbidden", false), ("429 Too Many", true), ("500 Oops", true), ("204 No", false)] {
        let error = get(vec![answer(head, b"")]).unwrap_err();
        assert!(matches!(error, HttpError::Refused { .. }) && error.is_retriable() == retriable, "{head}: {error}");
    }
    let cut = get(vec![with_length(b"hell", 5)]).unwrap_err();
    assert!(matches!(cut, HttpError::Unreachable { .. }) && cut.is_retriable(), "{cut}");
    let gone = super::get("http://127.0.0.1:1/", limit, SMALL).unwrap_err();
    assert!(matches!(gone, HttpError::Unreachable { .. }), "{gone}");
}

#[test] // artifacts.md §10
fn a_server_decides_neither_size_nor_time_nor_direction() {
    let get = |answers: Vec<Vec<u8>>| super::get(&serve(answers).0, 1000, SMALL);
    let long = get(vec![answer("200 OK", &[b'x'; 5000])]).unwrap_err();
    assert!(matches!(long, HttpError::TooLarge { limit: 1000, .. }), "{long}");
    for target in ["http://example.com/x", "file:///etc/passwd", "ftp://localhost/x"] {
        let error = get(vec![answer(&format!("302 Found\r\nLocation: {target}"), b"")]).unwrap_err();
        assert!(
            matches!(&error, HttpError::Redirect { why, .. } if why.contains(target)) && !error.is_retriable(),
            "{target}: {error}"
        );
    }
    let round: Vec<Vec<u8>> = (0..20).map(|_| redirect(302, "/")).collect();
    assert!(get(round).unwrap_err().to_string().contains("too many redirects"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and never answers
    let url = format!("http://{}", silent.local_addr().unwrap());
    let error = super::get(&url, 1000, Duration::from_millis(200)).unwrap_err();
    assert!(error.to_string().ends_with("timed out"), "{error}");
    for url in ["http://example.com/", "file:///etc/passwd", "no url"] {
        assert!(matches!(super::get(url, 1000, SMALL), Err(HttpError::Scheme { .. })), "{url}");
    }
}

#[test]
fn a_form_is_posted_and_any_status_is_an_answer() {
    let form = Secret::from("grant_type=refresh_token&refresh_token=r3fresh".to_owned());
    let refusal = answer("400 Bad Request\r\nContent-Length: 25", br#"{"error":"invalid_grant"}"#);
    let (base, asked) = serve(vec![refusal]);
    let response = Web::default().send(&HttpRequest::form(&base, &form, 1000, SMALL)).unwrap();
    assert_eq!((response.status.as_u16(), response.body.as_slice()), (400, &br#"{"error":"invalid_grant"}"#[..]));
    let asked = asked.recv().unwrap();
    assert!(asked.starts_with("post / http/1.1\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/x-www-form-urlencoded\r\n"), "{asked}");
    assert!(
        asked.contains("accept: application/json\r\n") && asked.contains("accept-encoding: identity\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=r3fresh"), "{asked}");
}

#[test]
fn a_post_is_repeated_at_its_own_origin_only() {
    let form = Secret::from("a=b".to_owned());
    let post = |base: &str| Web::default().send(&HttpRequest::form(base, &form, 1000, SMALL));
    for status in [307, 308] {
        let (base, asked) = serve(vec![redirect(status, "/again"), with_length(b"done", 4)]);
        assert_eq!(post(&base).unwrap().body, b"done");
        let (_, again) = (asked.recv().unwrap(), asked.recv().unwrap());
        assert!(again.starts_with("post /again ") && again.ends_with("\r\n\r\na=b"), "{again}");
        let (elsewhere, never) = serve(vec![with_length(b"stolen", 6)]);
        let error = post(&serve(vec![redirect(status, &elsewhere)]).0).err().unwrap();
        assert!(error.to_string().starts_with("POST http://127.0.0.1:") && !error.is_retriable(), "{error}");
        assert!(matches!(error, HttpError::Redirect { .. }) && never.try_recv().is_err(), "{error}");
    }
    for status in [301, 302, 303] {
        let error = post(&serve(vec![redirect(status, "/again")]).0).err().unwrap();
        assert!(matches!(error, HttpError::Redirect { .. }), "{error}");
    }
}

#[test] // artifacts.md §10
fn a_credential_stays_at_the_origin_it_was_given_for() {
    let token = Secret::from("t0ken\n".to_owned());
    let (home, last) = serve(vec![with_length(b"here", 4)]);
    let (elsewhere, second) = serve(vec![redirect(302, &home)]);
    let (base, first) = serve(vec![redirect(302, "/next"), redirect(302, &elsewhere)]);
    let request = HttpRequest { token: Some(&token), ..HttpRequest::public(&base, 1000, SMALL) };
    assert_eq!(Web::default().get(&request).unwrap(), b"here");
    for asked in [first.recv().unwrap(), first.recv().unwrap()] {
        assert!(asked.contains("authorization: bearer t0ken\r\n"), "{asked}");
    }
    for asked in [second.recv().unwrap(), last.recv().unwrap()] {
        assert!(!asked.contains("authorization"), "{asked}");
    }
}

#[test]
fn a_request_of_any_method_goes_as_it_stands_and_its_answer_comes_as_it_is() {
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST, Method::GET] {
        let (base, asked) = serve(vec![redirect(302, "https://example.com/secret")]);
        let request = http::Request::builder().method(method.clone()).uri(format!("{base}/x?y=1"));
        let response = Web::default().exchange(request.body(Bytes::from_static(b"{}")).unwrap(), 10, SMALL).unwrap();
        assert_eq!(response.status, StatusCode::FOUND);
        assert_eq!(response.headers[LOCATION], "https://example.com/secret");
        let start = format!("{} /x?y=1 http/1.1\r\n", method.as_str().to_ascii_lowercase());
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with(&start) && asked.ends_with("\r\n\r\n{}"), "{asked}");
    }
    let (base, asked) = serve(vec![answer("200 OK\r\nContent-Length: 99999", b"")]);
    let head = HttpRequest { method: Method::HEAD, ..HttpRequest::public(&base, 10, SMALL) };
    assert_eq!(Web::default().get(&head).unwrap(), b"", "the length of what was not asked for is no answer too long");
    assert!(asked.recv().unwrap().starts_with("head / "));
}

#[test]
fn pieces_are_sent_as_one_body_of_known_length_and_a_redirect_is_an_answer() {
    let token = Secret::from("t0ken".to_owned());
    let pieces = ["one, ", "", "two, ", "three"].map(|piece| Bytes::from_static(piece.as_bytes()));
    let (elsewhere, never) = serve(vec![with_length(b"stolen", 6)]);
    for (status, to) in [(302, elsewhere.as_str()), (307, "/again"), (308, elsewhere.as_str())] {
        let (base, asked) = serve(vec![redirect(status, to)]);
        let (method, body) = (Method::POST, HttpBody::Pieces("text/plain", &pieces));
        let request = HttpRequest { method, body, token: Some(&token), ..HttpRequest::public(&base, 1000, SMALL) };
        let answer = Web::default().send_once(&request).unwrap();
        assert_eq!((answer.status.as_u16(), answer.headers[LOCATION].to_str().unwrap()), (status, to));
        let asked = asked.recv().unwrap();
        assert!(asked.contains("content-length: 15\r\n") && asked.contains("content-type: text/plain\r\n"), "{asked}");
        assert!(asked.contains("authorization: bearer t0ken\r\n"), "{asked}");
        assert!(asked.ends_with("\r\n\r\none, two, three"), "{asked}");
    }
    assert!(never.try_recv().is_err());
}

#[test]
fn the_same_holds_for_a_caller_that_has_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let web = AsyncWeb::new(Options::default());
    let form = Secret::from("a=b".to_owned());
    let (base, asked) = serve(vec![with_length(b"token", 5)]);
    let posted = runtime.block_on(web.send(&HttpRequest::form(&base, &form, 1000, SMALL))).unwrap();
    assert_eq!(posted.body, b"token");
    assert!(asked.recv().unwrap().ends_with("\r\n\r\na=b"));
    let (base, _) = serve(vec![answer("200 OK", &[b'x'; 5000])]);
    let long = runtime.block_on(web.get(&HttpRequest::public(&base, 1000, SMALL))).unwrap_err();
    assert!(matches!(long, HttpError::TooLarge { limit: 1000, .. }), "{long}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let late = HttpRequest::form(&url, &form, 1000, Duration::from_millis(200));
    let late = runtime.block_on(web.send(&late)).err().unwrap();
    assert!(late.to_string().ends_with("timed out"), "{late}");
    // A future that can be moved between threads: that is what a runtime asks of its tasks.
    fn sendable<T: Send>(_: &T) {}
    sendable(&web.send(&HttpRequest::form(&url, &form, 1000, SMALL)));
}
