//! Tokens of a provider for a binding: the user agrees in a browser. vault.md §10.4, 11.

use aileron_verifier::text::printable;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::NewValue;
use crate::event::Event;
use crate::runtime::authorize::authorize;
use crate::runtime::listener::{Listener, Pasted};
use crate::runtime::oauth::{Client, Envelope, Purpose};
use crate::sys::browser::{self, NoBrowser};
use crate::sys::clock::{Clock as _, Machine};
use crate::sys::http::Web;
use crate::sys::input::Typed;
use crate::ui::commands::Context;
use crate::ui::commands::unlocking::say;
use crate::ui::report::Failure;
use crate::ui::report::door::{self, Stream};
use crate::vault::drift::missing;

/// Bytes of a pasted line. An address with a code has some hundreds.
const LONGEST: usize = 64 << 10;

/// How the user gets to the provider, and back.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::ui::commands) struct BrowserFlags {
    /// Do not start a browser: show the address only.
    #[arg(long)]
    no_browser: bool,
    /// Port of 127.0.0.1 that the browser comes back to, for `ssh -L PORT:127.0.0.1:PORT` [default: the system's choice].
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    callback_port: u16,
}

/// Sends the user to the provider; what comes of it, ready to be sealed.
pub(super) fn tokens(
    client: &Client,
    purpose: Purpose,
    flags: &BrowserFlags,
    context: &Context,
) -> Result<NewValue, Failure> {
    let listener = Listener::bind(flags.callback_port)?;
    let refuse = |why| say(context, &format!("{why}\n"));
    let typed = Typed::start(LONGEST);
    let pasted = Pasted { next_line: &|| typed.next(), refuse: &refuse };
    let show = |url: &str| show(url, purpose, flags, context);
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
    let missing = missing(&client.scopes, &granted);
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

/// Opens the page where that can be seen, and shows its address in any case.
fn show(url: &str, purpose: Purpose, flags: &BrowserFlags, context: &Context) {
    let verb = match purpose {
        Purpose::Setup => "authorize",
        Purpose::Reauthorize => "reauthorize",
    };
    let visible = match flags.no_browser {
        true => Err(NoBrowser::Unwanted),
        false => browser::is_visible(&context.environment),
    };
    match visible {
        Ok(()) => {
            let text = format!(
                "Opening your browser to {verb}. If it does not open, visit:\n  {url}\n\
                 If it cannot reach this machine, paste the address that it ends at here.\n"
            );
            say(context, &text);
            let json = context.output.json;
            browser::open(url, &context.environment, move |why| told(&why, json));
        }
        Err(why) => {
            let reason = match &why {
                NoBrowser::Unwanted => String::new(),
                why => format!("No browser is opened: {why}.\n"),
            };
            let text = format!(
                "{reason}Visit this page in a browser to {verb}, or paste the address it ends at here:\n  {url}\n"
            );
            say(context, &text);
        }
    }
}

/// vault.md §10.4. It comes from another thread, while this one waits for the user.
fn told(why: &str, json: bool) {
    let text = format!("(browser open failed; paste the URL above): {}\n", printable(why));
    let _ = match json {
        true => door::write_json(Stream::Err, &format!("{}\n", json!({"event": "note", "text": text}))),
        false => door::write_text(Stream::Err, &text),
    };
}
