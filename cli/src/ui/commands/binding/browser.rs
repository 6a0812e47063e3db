//! Tokens of a provider for a binding: the user agrees in a browser. vault.md §10.4, 11.

use std::io::{self, BufRead as _, Read as _};
use std::sync::mpsc::{self, Receiver};

use aileron_verifier::text::printable;
use jiff::Timestamp;

use super::NewValue;
use crate::event::Event;
use crate::runtime::authorize::authorize;
use crate::runtime::listener::{Listener, Pasted};
use crate::runtime::oauth::{Client, Envelope, Purpose};
use crate::sys::clock::{Clock as _, Machine};
use crate::sys::http::Web;
use crate::ui::commands::Context;
use crate::ui::commands::unlocking::say;
use crate::ui::report::Failure;

/// Bytes of a pasted line. An address with a code has some hundreds.
const LONGEST: u64 = 64 << 10;

/// Sends the user to the provider; what comes of it, ready to be sealed.
pub(super) fn tokens(
    client: &Client,
    purpose: Purpose,
    callback_port: u16,
    context: &Context,
) -> Result<NewValue, Failure> {
    let listener = Listener::bind(callback_port)?;
    let refuse = |why| say(context, &format!("{why}\n"));
    let pasted = Pasted { lines: lines_of_input(), refuse: &refuse };
    let verb = match purpose {
        Purpose::Setup => "authorize",
        Purpose::Reauthorize => "reauthorize",
    };
    let show = |url: &str| {
        say(
            context,
            &format!("Visit this page in a browser to {verb}, or paste the address it ends at here:\n  {url}\n"),
        );
    };
    let now = || Timestamp::try_from(Machine.now()).unwrap_or(Timestamp::MAX);
    let world = (&Web::default(), context.stop);
    let answer = authorize(client, purpose, listener, Some(&pasted), show, world)?;
    let note = |line: String| context.progress.take(Event::Note(line));
    if answer.refresh_token.is_none() {
        note(
            "the provider gave no refresh token: when the access token ends, authorize again: aileron binding reauthorize"
                .to_owned(),
        );
    }
    let granted = answer.scopes.clone().unwrap_or_else(|| client.scopes.clone());
    let missing: Vec<&str> =
        client.scopes.iter().filter(|scope| !granted.contains(scope)).map(String::as_str).collect();
    if !missing.is_empty() {
        note(format!("the provider granted less than was asked for; missing: {}", printable(&missing.join(" "))));
    }
    let labels = vec![
        ("scope", client.scopes.join(" ")),
        ("granted_scopes", granted.join(" ")),
        ("refresh_token_present", answer.refresh_token.is_some().to_string()),
    ];
    Ok(NewValue { secret: Envelope::first(client, answer, now()).write(), labels })
}

/// Lines of standard input, as they come. The thread that reads them ends with the process.
fn lines_of_input() -> Receiver<String> {
    let (typed, lines) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            let mut line = String::new();
            match io::stdin().lock().take(LONGEST).read_line(&mut line) {
                Ok(read) if read > 0 && typed.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    lines
}
