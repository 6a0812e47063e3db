//! Servers that do what no honest one would. Whatever they do, a fetch ends: in bounded time and memory, with the right
//! class, and with a text that says what happened. artifacts.md §10.
//!
//! A binary of its own, because it measures memory. Times are injected; a test that had to wait for a real one would hang.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aileron_cli::consumer::fetch::origin::{FetchError, Origin, OriginPlace};
use aileron_cli::consumer::trust::publisher_key;
use aileron_cli::github::Addresses;
use aileron_cli::secret::Secret;
use aileron_cli::sys::http::{HttpError, Options, Web};
use aileron_testkit::scripted::{Answer, Identity, Received, Scripted};
use aileron_testkit::{Publisher, Toy, pack};
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::layout::ARCHIVE_LIMIT;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Figures and time limits are of one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn wanted() -> Ref {
    Toy::default().reference()
}

/// Patience of a moment, so that running out of it is quick.
fn impatient() -> Options {
    let moment = Duration::from_millis(300);
    Options { connect: moment, idle: moment, longest: moment, ..Options::default() }
}

fn through(options: Options, server: &Scripted) -> Origin {
    Origin::new(OriginPlace::Server(server.base().into()), Web::new(options), None)
}

fn refusal(origin: &Origin) -> FetchError {
    origin.fetch(&wanted()).expect_err("nothing good came")
}

#[test]
fn a_server_that_never_ends_costs_neither_time_nor_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let lying = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let header = b"X-More: and more of the same, for ever\r\n".repeat(1000);
    let patient = Options::default;
    for (what, answer, options, text) in [
        ("a body", Answer::Endless(head.clone(), vec![b'x'; 1 << 16]), patient(), "longer than 67108864 bytes"),
        ("chunks", Answer::Endless(chunked.clone(), chunk), patient(), "longer than 67108864 bytes"),
        ("a length", Answer::Endless(lying, vec![b'x'; 1 << 16]), patient(), "longer than 67108864 bytes"),
        ("headers", Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), header), patient(), "message head is too large"),
        ("a drip", Answer::Drip(head), impatient(), "timed out"),
        ("a drip of headers", Answer::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec()), impatient(), "timed out"),
        ("a drip of a chunk size", Answer::Drip(chunked), impatient(), ""),
        ("silence", Answer::Silence, impatient(), "timed out"),
    ] {
        let server = Scripted::start(move |_| answer.clone());
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let began = Instant::now();
        let error = refusal(&through(options, &server));
        let (took, held) = (began.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        assert!(error.to_string().contains(text), "{what}: {error}");
        // An archive over its cap is one by whatever way it comes. artifacts.md §10.
        let too_long = text.starts_with("longer than");
        assert_eq!(error.class(), if too_long { Class::MalformedTarball } else { Class::FetchFailed }, "{what}");
        assert!(took < Duration::from_secs(10), "{what} took {took:?}");
        assert!(held < ARCHIVE_LIMIT as usize * 8 / 5, "{what} held {held} bytes");
    }
}

#[test]
fn a_refusal_says_which_of_the_three_answers_it_was() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let closed = Origin::new(OriginPlace::Server(format!("http://{closed}").into()), Web::default(), None);
    let unknown: Options = Options {
        resolver: Some(Arc::new(|host| Err(std::io::Error::other(format!("no such host: {host}"))))),
        ..Options::default()
    };
    let lost = Origin::new(OriginPlace::Server("https://mirror.example".to_owned().into()), Web::new(unknown), None);
    let answering = |answer: Answer| through(Options::default(), &Scripted::start(move |_| answer.clone()));
    let short = Answer::with("200 OK", "Content-Length: 10\r\n", "four");
    for (what, origin, kind, retriable, text) in [
        ("404", answering(Answer::status("404 Not Found")), "absent", false, "is not at http://"),
        ("410", answering(Answer::status("410 Gone")), "absent", false, "is not at http://"),
        ("401", answering(Answer::status("401 Unauthorized")), "refused", false, "HTTP 401"),
        ("403", answering(Answer::status("403 Forbidden")), "refused", false, "HTTP 403"),
        ("429", answering(Answer::status("429 Too Many Requests")), "refused", true, "HTTP 429"),
        ("500", answering(Answer::status("500 Internal Server Error")), "refused", true, "HTTP 500"),
        ("204", answering(Answer::status("204 No Content")), "refused", false, "HTTP 204"),
        ("206", answering(Answer::with("206 Partial Content", "Content-Length: 1\r\n", "x")), "refused", false, "206"),
        ("too short", answering(short), "unreachable", true, "the connection ended before"),
        ("hangs up", answering(Answer::Bytes(Vec::new())), "unreachable", true, "the connection ended before"),
        (
            "no http",
            answering(Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec())),
            "unreachable",
            true,
            "invalid HTTP",
        ),
        ("a closed port", closed, "unreachable", true, "refused"),
        ("no such host", lost, "unreachable", true, "no such host: mirror.example"),
    ] {
        let error = refusal(&origin);
        let found = match &error {
            FetchError::Absent { .. } => "absent",
            FetchError::Http(HttpError::Refused { .. }) => "refused",
            FetchError::Http(HttpError::Unreachable { .. }) => "unreachable",
            _ => "something else",
        };
        assert_eq!(
            (found, error.is_retriable(), error.class()),
            (kind, retriable, Class::FetchFailed),
            "{what}: {error}"
        );
        assert!(error.to_string().contains(text), "{what}: {error}");
    }
    let long = Answer::with("200 OK", "Content-Length: 4\r\n", "four and more");
    assert_eq!(answering(long).fetch(&wanted()).expect("what was announced"), b"four");
}

#[test]
fn a_redirect_leads_to_https_or_this_machine_ten_times_at_most() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for target in ["file:///etc/passwd", "http://example.com/x", "ftp://127.0.0.1/x", "http://127.0.0.1.example.com/"] {
        let server = Scripted::start(move |_| Answer::redirect(target));
        let error = refusal(&through(Options::default(), &server));
        assert!(matches!(error, FetchError::Http(HttpError::Redirect { .. })) && !error.is_retriable(), "{error}");
        assert!(error.to_string().contains(&format!("redirected to {target}")), "{error}");
    }
    let nowhere = Scripted::start(|_| Answer::with("302 Found", "Content-Length: 0\r\n", ""));
    let error = refusal(&through(Options::default(), &nowhere));
    assert!(error.to_string().contains("HTTP 302, and does not say where to"), "{error}");

    let round = Scripted::start(|_| Answer::redirect("/again"));
    let error = refusal(&through(Options::default(), &round));
    assert!(error.to_string().ends_with("too many redirects"), "{error}");
    assert_eq!(round.seen().len(), 11, "the first, and ten more");

    let steps = Scripted::start(|request| match request.target.strip_prefix("/step/").map(str::parse::<u32>) {
        None => Answer::redirect("/step/1"),
        Some(Ok(step)) if step < 10 => Answer::redirect(&format!("/step/{}", step + 1)),
        Some(_) => Answer::ok("here"),
    });
    assert_eq!(through(Options::default(), &steps).fetch(&wanted()).expect("ten are followed"), b"here");
}

/// The name is looked up here, so that two hosts can share this machine.
fn at_this_machine() -> Options {
    let here = |_: &str| Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    Options { resolver: Some(Arc::new(here)), ..Options::default() }
}

fn token() -> Option<Secret> {
    Some(Secret::from("t0ken".to_owned()))
}

/// GitHub as three paths of one server: `/web`, `/api`, `/raw`.
fn github(server: &Scripted, token: Option<Secret>) -> Origin {
    let base = server.base();
    let addresses = Addresses { server: format!("{base}/web"), api: format!("{base}/api"), raw: format!("{base}/raw") };
    Origin::new(OriginPlace::Scheme, Web::new(at_this_machine()), token).with_addresses(addresses)
}

/// A release as GitHub describes it.
fn release(assets: &[(u64, &str)]) -> String {
    let at = "https://api.github.com/repos/acme/echo/releases";
    let asset = |(id, name): &(u64, &str)| {
        json!({
            "url": format!("{at}/assets/{id}"), "browser_download_url": format!("{at}/{name}"), "id": id, "node_id": "RA_1",
            "name": name, "label": "", "state": "uploaded", "content_type": "application/octet-stream", "size": 1,
            "download_count": 0, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
        })
    };
    let assets: Vec<_> = assets.iter().map(asset).collect();
    let document = json!({
        "url": at, "html_url": at, "assets_url": at, "upload_url": at, "id": 1, "node_id": "RE_1", "tag_name": "v1",
        "target_commitish": "main", "name": null, "body": null, "draft": false, "prerelease": false, "author": null,
        "created_at": "2026-01-02T03:04:05Z", "published_at": null, "assets": assets,
    });
    document.to_string()
}

fn authorized(request: &Received) -> bool {
    request.header("authorization") == Some("Bearer t0ken")
}

#[test] // artifacts.md §10: anonymous first; on 404 again with the token, through the API, assets and key too
fn a_token_is_used_after_a_404_and_never_follows_to_another_host() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let storage = Scripted::start(|_| Answer::ok("the archive"));
    let elsewhere = format!("http://storage.localhost:{}/signed?for=you", storage.address().port());
    let key = Publisher::from_seed(1).key();
    let server = Scripted::start(move |request| match (request.target.as_str(), authorized(request)) {
        ("/api/repos/acme/echo/releases/tags/v1.2.3", true) => {
            Answer::ok(release(&[(6, "cohort.json"), (7, "aileron.tar.gz")]))
        }
        ("/api/repos/acme/echo/releases/assets/7", true) => match request.header("accept") {
            Some("application/octet-stream") => Answer::redirect(&elsewhere),
            _ => Answer::ok("{}"),
        },
        ("/api/repos/acme/echo/contents/keys/publisher.pub", true) => Answer::ok(key.to_pem()),
        _ => Answer::status("404 Not Found"),
    });
    let private = github(&server, token());
    assert_eq!(private.fetch(&wanted()).expect("the token opens it"), b"the archive");
    assert_eq!(publisher_key::fetch(&wanted().name, &private).expect("this too").key, key);
    let seen = server.seen();
    let asked: Vec<_> = seen.iter().map(|request| (request.target.as_str(), authorized(request))).collect();
    assert_eq!(
        asked,
        [
            ("/web/acme/echo/releases/download/v1.2.3/aileron.tar.gz", false),
            ("/api/repos/acme/echo/releases/tags/v1.2.3", true),
            ("/api/repos/acme/echo/releases/assets/7", true),
            ("/raw/acme/echo/HEAD/keys/publisher.pub", false),
            ("/api/repos/acme/echo/contents/keys/publisher.pub", true),
        ]
    );
    let [download] = &storage.seen()[..] else { panic!("one download") };
    let carried: Vec<_> = ["authorization", "referer", "cookie"].map(|name| download.header(name)).to_vec();
    assert_eq!((download.target.as_str(), carried), ("/signed?for=you", vec![None, None, None]));

    let before = server.seen().len();
    let stranger = github(&server, None);
    assert!(matches!(stranger.fetch(&wanted()), Err(FetchError::Absent { .. })));
    assert_eq!(server.seen().len(), before + 1, "without a token there is nothing more to ask");
}

#[test] // artifacts.md §10
fn a_public_answer_never_sees_the_token_and_other_refusals_are_not_asked_again() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (answer, count) in
        [(Answer::ok("public"), 1), (Answer::status("403 Forbidden"), 1), (Answer::status("500 Oops"), 1)]
    {
        let server = Scripted::start(move |_| answer.clone());
        let _ = github(&server, token()).fetch(&wanted());
        let seen = server.seen();
        assert_eq!((seen.len(), seen.iter().any(authorized)), (count, false));
    }
    let server = Scripted::start(|_| Answer::status("404 Not Found"));
    let mirror = Origin::new(OriginPlace::Server(server.base().into()), Web::default(), token());
    assert!(matches!(mirror.fetch(&wanted()), Err(FetchError::Absent { .. })));
    assert_eq!((server.seen().len(), server.seen().iter().any(authorized)), (1, false), "a mirror gets no token");
}

#[test] // artifacts.md §7 and §10: what came is judged as it came
fn what_is_no_archive_is_refused_for_what_it_is() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for page in ["<!DOCTYPE html><html>Sign in</html>", "\n\n<html lang=en>", "<?xml version=\"1.0\"?><Error/>"] {
        let server = Scripted::start(move |_| Answer::ok(page));
        let error = refusal(&through(Options::default(), &server));
        assert_eq!(error.class(), Class::MalformedTarball, "{error}");
        assert!(
            error.to_string().contains("answers with a web page where github://acme/echo@1.2.3 should be"),
            "{error}"
        );
    }
    // A gigabyte of zeros in a megabyte, said to unpack itself on the way.
    let toy = Toy::default();
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![0; 1 << 20];
        (0..1024).for_each(|_| std::io::Write::write_all(&mut encoder, &zeros).expect("a vector takes any bytes"));
        encoder.finish().expect("a vector takes any bytes")
    };
    let headers = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", bomb.len());
    let server = Scripted::start(move |_| Answer::with("200 OK", &headers, &bomb));
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let came = through(Options::default(), &server).fetch(&wanted()).expect("bytes as they came");
    let refused = Unverified::new(came).verify(&Wanted::default(), &toy.ring()).expect_err("a bomb");
    let held = MEMORY.peak_usage().saturating_sub(before);
    assert_eq!(refused.class(), Class::MalformedTarball, "{refused}");
    assert!(held < 48 << 20, "held {held} bytes");
    assert_eq!(server.seen()[0].header("accept-encoding"), Some("identity"));
    // An honest file whose server only misnames it is whole.
    let archive = pack(&toy.connector());
    let headers = format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n", archive.len());
    let server = Scripted::start(move |_| Answer::with("200 OK", &headers, &archive));
    let came = through(Options::default(), &server).fetch(&wanted()).expect("bytes");
    Unverified::new(came).verify(&Wanted::default(), &toy.ring()).expect("verified");
}

#[test] // artifacts.md §10: roots through the constructor
fn only_a_known_authority_vouches_for_a_server() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let identity = Identity::new();
    let server = Scripted::with_tls(&identity, |_| Answer::ok("private"));
    let error = refusal(&through(Options::default(), &server));
    assert!(error.to_string().contains("SSL_CERT_FILE") && error.is_retriable(), "{error}");
    let known = Options { roots: Some(vec![identity.authority_der()]), ..Options::default() };
    assert_eq!(through(known.clone(), &server).fetch(&wanted()).expect("known"), b"private");
    let another = Options { roots: Some(vec![Identity::new().authority_der()]), ..Options::default() };
    refusal(&through(another, &server));
    let port = server.address().port();
    let elsewhere = Options { resolver: at_this_machine().resolver, ..known };
    let misnamed =
        Origin::new(OriginPlace::Server(format!("https://mirror.example:{port}").into()), Web::new(elsewhere), None);
    let error = refusal(&misnamed);
    assert!(error.to_string().contains("not valid for name"), "{error}");
    // Down from https to plain http elsewhere is refused, to this machine it is not.
    let plain = Scripted::with_tls(&identity, |_| Answer::redirect("http://mirror.example/x"));
    let known = Options { roots: Some(vec![identity.authority_der()]), ..Options::default() };
    let error = refusal(&through(known, &plain));
    assert!(error.to_string().contains("redirected to http://mirror.example/x"), "{error}");
}

#[test] // keyring.md §5.1
fn a_key_is_small_or_it_is_none() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = wanted().name;
    let server = Scripted::start(|_| Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'A'; 1 << 16]));
    let error = publisher_key::fetch(&name, &through(Options::default(), &server)).expect_err("endless");
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    let server = Scripted::start(|_| Answer::ok("<!DOCTYPE html><html>Sign in</html>"));
    let error = publisher_key::fetch(&name, &through(Options::default(), &server)).expect_err("a page");
    assert_eq!(error.class(), Class::ValidationError);
    assert!(error.to_string().contains("not PEM and not base64-encoded raw ed25519 public key"), "{error}");
}

#[test]
fn an_address_in_a_message_keeps_its_password_to_itself() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Scripted::start(|_| Answer::status("403 Forbidden"));
    let base = server.base().replace("http://", "http://me:hunter2@");
    let error = refusal(&Origin::new(OriginPlace::Server(base.into()), Web::default(), None));
    assert!(!error.to_string().contains("hunter2") && error.to_string().contains("HTTP 403"), "{error}");
}

#[test]
fn the_newest_version_is_found_under_hundreds_of_actions_and_is_released() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Scripted::start(|request| match (request.target.as_str(), authorized(request)) {
        ("/api/repos/acme/echo/git/matching-refs/tags/v", true) => {
            let refs = ["v1.9.0", "v1.10.0", "v2.0.0", "v3.0.0-rc.1", "vendor", "v1"];
            let refs: Vec<String> = refs.iter().map(|tag| format!(r#"{{"ref":"refs/tags/{tag}"}}"#)).collect();
            Answer::ok(format!("[{}]", refs.join(",")))
        }
        ("/api/repos/acme/echo/releases/tags/v1.10.0", true) => Answer::ok(release(&[(7, "aileron.tar.gz")])),
        // v2.0.0 is tagged, and its release is still a draft.
        _ => Answer::status("404 Not Found"),
    });
    let newest = |origin: &Origin| origin.newest(&wanted().name);
    assert_eq!(newest(&github(&server, token())).expect("one").to_string(), "github://acme/echo@1.10.0");
    assert!(matches!(newest(&github(&server, None)), Err(FetchError::NoVersion { .. })));
    assert!(server.seen().len() < 10, "never a walk through all releases");
    let mirror = Scripted::start(|request| match request.target.as_str() {
        "/acme/echo/releases/index.json" => Answer::ok(r#"{"versions":["0.1.0","0.2.0-rc.1"]}"#),
        _ => Answer::status("404 Not Found"),
    });
    let mirror = through(Options::default(), &mirror);
    assert_eq!(newest(&mirror).expect("one").to_string(), "github://acme/echo@0.1.0");
    let other = "github://acme/other".parse().expect("a name");
    assert!(matches!(mirror.newest(&other), Err(FetchError::Unlisted { .. })));
}
