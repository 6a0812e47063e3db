//! OAuth 2 for a connector's credential: what is sent, what an answer means, when a token is renewed. vault.md §7.1, 11, 12.
//!
//! ```text
//! manifest ─► Client ─► Authorization { url, state, verifier }   the user's browser goes to `url`
//!                        code ─► exchange ─► form ─┐
//!   Envelope (in the vault) is_due ─► refresh ─► form ─┴─► token endpoint ─► TokenAnswer ─► Envelope
//! ```
//!
//! Everything here is pure: `now` and random bytes are parameters. Requests are bytes in a [`Secret`](crate::secret::Secret),
//! because a code, a verifier and a refresh token are as good as the access token.
//!
//! May not come in: the network, the disk, the clock, the vault.

mod answer;
mod authorization;
pub mod callback;
mod client;
mod envelope;
mod form;

pub use self::answer::{TokenAnswer, TokenError};
pub use self::authorization::{Authorization, Purpose};
pub use self::client::{Client, ClientError};
pub use self::envelope::{Envelope, NotAnEnvelope};
