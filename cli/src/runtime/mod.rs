//! Running an op, and an action's ops one after the other; connects what is on this machine to the sandbox's ports.
//! sandbox.md §10, 15a.
//!
//! # How an op runs
//!
//! ```text
//! command ─► Runner
//!   open      store.open (is the entry unchanged since it was verified?) ─► OpenConnector
//!             compiled code from the cache; else store.verify (re-hash, verify the signature) ─► compile
//!   network   what the manifest grants + proxies + allowed private names + the credential of CredentialSource
//!   run       op, arguments, limits, clock profile, log ─► sandbox::invoke ─► Done { output | Failure, log }
//!
//! an action: arguments ─► approval (preview, then Approver) ─► each step: fill ${…} ─► open, network, run
//!            ─► Executed { output of the last step, outputs by step } | Stopped { step, Failure in the public taxonomy }
//! ```
//!
//! A recorded or replayed run is the same walk with another network.
//!
//! | room | one line |
//! |---|---|
//! | [`runner`] | the walk above, and its port for approval |
//! | [`session`] | compile, with a cache; invoke; where logs go |
//! | [`steps`] | an action's steps in order, and its preview; pure but for the call it is given |
//! | [`arguments`] | `--arg` and `--args` as JSON |
//! | [`interpolate`] | `${args.x}` and `${step.field}` in a step's inputs |
//! | [`credential_source`] | the port: where the credential of a connector comes from |
//! | [`static_credential`] | a credential given by hand |
//! | [`vault_credential`] | the bindings of the vault that were chosen for a run |
//! | [`oauth`] | OAuth 2 as values: requests, answers, what the vault keeps of them; pure |
//! | [`authorize`], [`listener`] | the walk through the user's browser, and where it comes back |
//! | [`launch`] | one process that holds the vault's key and runs actions for others: its HTTP interface, both ends |
//! | [`tool`] | an action as an agent sees it: name, description, schema |
//! | [`mcp`] | the Model Context Protocol: tools for an agent |
//! | [`token_endpoint`] | one request for tokens |
//! | [`refresh`] | new tokens for a binding, one request for all processes |
//! | [`cassette`], [`recording`] | a recording as a document; recording a run and replaying it |
//! | [`capture`] | a command-line tool's own login, once: in a container, or below a private home |
//! | [`seal`] | a command-line tool's requests get its credential on the way out |
//! | [`public`] | a failure of the sandbox in the closed taxonomy |
//!
//! May not come in: the publisher and the consumer wing, clap, prompts.

pub mod arguments;
pub mod authorize;
pub mod capture;
pub mod cassette;
pub mod credential_source;
pub mod interpolate;
pub mod launch;
pub mod listener;
pub mod mcp;
pub mod oauth;
pub mod public;
pub mod recording;
pub mod refresh;
pub mod runner;
pub mod seal;
pub mod session;
pub mod static_credential;
pub mod steps;
pub mod token_endpoint;
pub mod tool;
pub mod vault_credential;
