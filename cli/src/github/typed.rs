//! octocrab's typed requests, carried by a caller's own transport.
//!
//! octocrab builds a request, and reads the document that comes back. In between it hands the request over and waits: it is
//! carried outside of its runtime, by code that may block, borrow and fail as it likes. Of octocrab's own layers none is used
//! that decides anything: its retry repeats POSTs, its redirects drop bodies, its errors drop headers. Only an answer that
//! means "done" is given back to it.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tower::service_fn;

use super::error::ApiError;
use crate::sys::http::innermost;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// octocrab, and the requests it hands over.
pub(super) struct TypedRequests {
    runtime: Runtime,
    octocrab: Octocrab,
    handed: RefCell<UnboundedReceiver<Handed>>,
}

/// A request on its way out, and where its answer is waited for.
struct Handed {
    request: Request<Bytes>,
    answer: oneshot::Sender<Response<Bytes>>,
}

enum Step<T> {
    Done(octocrab::Result<T>),
    Asks(Option<Handed>),
}

impl TypedRequests {
    pub(super) fn new() -> Result<TypedRequests, ApiError> {
        let unusable = |error: std::io::Error| ApiError::unreachable("GitHub", innermost(&error));
        let runtime = Builder::new_current_thread().build().map_err(unusable)?;
        let (hand, handed) = unbounded_channel();
        let entered = runtime.enter(); // octocrab starts its worker where it is made
        let octocrab = octocrab(hand);
        drop(entered);
        Ok(TypedRequests { runtime, octocrab, handed: RefCell::new(handed) })
    }

    /// Does typed work, each of whose requests `carry` answers. `last` is what was asked last, for messages.
    ///
    /// # Errors
    /// The first one of `carry`; or a document that is none.
    pub(super) fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Octocrab) -> octocrab::Result<T>,
        mut carry: impl FnMut(Request<Bytes>) -> Result<Response<Bytes>, ApiError>,
        last: impl Fn() -> String,
    ) -> Result<T, ApiError> {
        let mut work = pin!(work(&self.octocrab));
        let mut handed = self.handed.borrow_mut();
        loop {
            let step = self.runtime.block_on(poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Step::Done(done)),
                Poll::Pending => handed.poll_recv(context).map(Step::Asks),
            }));
            match step {
                Step::Done(done) => return done.map_err(|error| ApiError::unreachable(last(), fault(&error))),
                // An answer that is not waited for any more is dropped.
                Step::Asks(Some(Handed { request, answer })) => drop(answer.send(carry(request)?)),
                Step::Asks(None) => return Err(ApiError::unreachable(last(), "the client has ended")),
            }
        }
    }
}

fn octocrab(hand: UnboundedSender<Handed>) -> Octocrab {
    let service = service_fn(move |request: Request<OctoBody>| {
        let hand = hand.clone();
        async move {
            let (head, body) = request.into_parts();
            let request = Request::from_parts(head, body.collect().await?.to_bytes());
            let (answer, answered) = oneshot::channel();
            hand.send(Handed { request, answer }).map_err(|_| "no transport takes requests")?;
            Ok::<_, BoxError>(answered.await?.map(Full::new))
        }
    });
    // No authentication of its own either: a token is sent where we say, not by what an address looks like.
    match OctocrabBuilder::new_empty().with_service(service).with_auth(AuthState::None).build() {
        Ok(octocrab) => octocrab,
        Err(never) => match never {},
    }
}

/// What is wrong with a document. One that broke off or is none may still mean that the work was done.
fn fault(error: &octocrab::Error) -> String {
    let json = |error: &serde_json::Error| match error.is_data() {
        true => format!("unexpected response: {error}"),
        false => "the answer is no JSON".to_owned(),
    };
    match error {
        octocrab::Error::Json { source, .. } => json(source.inner()),
        octocrab::Error::Serde { source, .. } => json(source),
        other => innermost(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::documents::{ListedTag, Repository};

    fn answered(body: &'static str) -> Result<Response<Bytes>, ApiError> {
        Ok(Response::new(Bytes::from_static(body.as_bytes())))
    }

    fn last() -> String {
        "GET https://x.example/".to_owned()
    }

    #[test]
    fn a_typed_request_is_carried_outside_of_octocrab_and_its_document_read() {
        let typed = TypedRequests::new().unwrap();
        let mut seen = Vec::new();
        let carry = |request: Request<Bytes>| {
            seen.push(format!("{} {}", request.method(), request.uri()));
            answered(match seen.len() {
                1 => r#"{"full_name": "acme/echo", "permissions": {"push": true}}"#,
                _ => r#"[{"ref": "refs/tags/v1", "object": {"type": "commit", "sha": "1f"}}, {"ref": "refs/tags/v2"}]"#,
            })
        };
        let work = async |crab: &Octocrab| {
            let repository: Repository = crab.get("/repos/acme/echo", None::<&()>).await?;
            let tags: Vec<ListedTag> = crab.get("/repos/acme/echo/git/matching-refs/tags/v", None::<&()>).await?;
            Ok((repository, tags))
        };
        let (repository, tags) = typed.run(work, carry, last).unwrap();
        assert_eq!((repository.full_name.as_str(), repository.archived), ("acme/echo", false));
        let tags: Vec<_> = tags.iter().map(|tag| (tag.name.as_str(), tag.object.kind.as_str())).collect();
        assert_eq!(tags, [("refs/tags/v1", "commit"), ("refs/tags/v2", "")]);
        assert_eq!(seen, ["GET /repos/acme/echo", "GET /repos/acme/echo/git/matching-refs/tags/v"]);
    }

    #[test]
    fn what_ends_the_carrying_ends_the_work_and_the_next_one_begins() {
        let typed = TypedRequests::new().unwrap();
        let get = async |crab: &Octocrab| crab.get::<Repository, _, _>("/x", None::<&()>).await;
        for _ in 0..3 {
            let ended = typed.run(get, |_| Err(ApiError::Interrupted), last);
            assert!(matches!(ended, Err(ApiError::Interrupted)));
        }
        assert!(typed.run(get, |_| answered(r#"{"full_name": "acme/echo"}"#), last).is_ok());
    }

    #[test]
    fn a_document_that_is_none_says_so_with_what_was_asked() {
        let typed = TypedRequests::new().unwrap();
        let get = async |crab: &Octocrab| crab.get::<Repository, _, _>("/x", None::<&()>).await;
        for (body, why) in [
            ("", "the answer is no JSON"),
            ("<html>", "the answer is no JSON"),
            (r#"{"full_name": "acme/ec"#, "the answer is no JSON"),
            (r#"{"full_name": 7}"#, "unexpected response: invalid type: integer `7`, expected a string"),
            ("[]", "unexpected response: "),
        ] {
            let error = typed.run(get, |_| answered(body), last).unwrap_err().to_string();
            assert!(error.starts_with(&format!("GET https://x.example/: {why}")), "{body}: {error}");
        }
    }
}
