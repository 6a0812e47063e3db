//! Running an op, and an action's ops one after the other; wires what is on this machine to the sandbox's ports.
//! sandbox.md §10, 15a.
//!
//! | room | one line |
//! |---|---|
//! | [`arguments`] | what stands on a command line becomes JSON |
//! | [`interpolate`] | `${args.x}` and `${step.field}` in a step's inputs |
//! | [`steps`] | an action's steps in order, and its preview; pure but for the call it is given |
//! | [`public`] | a failure of the sandbox in the closed taxonomy |
//! | [`session`] | compile, with a cache; invoke; where logs go |
//! | [`static_credential`] | a credential given by hand |
//! | [`cassette`], [`tape`] | a recording as a document; recording and replaying it |
//!
//! May not come in: the publisher and the consumer wing, clap, prompts.

pub mod arguments;
pub mod cassette;
pub mod interpolate;
pub mod public;
pub mod session;
pub mod static_credential;
pub mod steps;
pub mod tape;
