//! One file per verb: its arguments, its help, and what it does. A verb that needs two wings composes them here.
//!
//! To add a verb: write `<verb>.rs` (as [`inspect`] does), add its row to a table below, and write
//! `tests/cmd/<verb>/transcript.txt`. What verbs share is in `ui/args` (flags), [`context`], [`installing`], [`installation`], [`running`]
//! and [`registry`].

mod action;
mod aegis;
mod approve;
mod asking;
mod auth;
mod binding;
mod build;
mod check;
mod connector;
mod context;
mod credentials;
mod demo;
mod doctor;
mod forwarding;
mod go_flags;
mod hub;
mod hub_entry;
mod init;
mod inspect;
mod installation;
mod installing;
mod keyring;
mod keys;
mod launch;
mod mcp;
mod pack;
mod packaging;
mod plan;
mod program;
mod registry;
mod release;
mod report;
mod run;
mod running;
mod seal;
mod sealing;
mod secret;
mod serving;
mod status;
mod test;
mod unit;
mod unit_document;
mod unit_published;
mod units;
mod unlocking;
mod vault;
mod verb;
mod verify;

use self::context::Context;
pub use self::program::{Consumer, Publisher, consumer, publisher};
use self::verb::{Answer, OnInterrupt, Verb, verbs};

verbs! {
    /// `aileron-pub`'s verbs, in the order of its help.
    PublisherVerb {
        Init(init::Init),
        Demo(demo::Demo),
        Check(check::Check),
        Build(build::Build),
        Run(run::Run),
        Test(test::Test),
        Inspect(inspect::Inspect),
        Pack(pack::Pack),
        Plan(plan::Plan),
        Release(release::Release),
        Approve(approve::Approve),
        Status(status::Status),
        Report(report::Report),
        #[command(subcommand)]
        Keys(keys::Keys),
        Doctor(doctor::Doctor),
        Verify(verify::PublisherVerify),
        #[command(subcommand)]
        Unit(unit::PublisherUnit),
        #[command(subcommand)]
        Hub(hub_entry::PublisherHub),
        #[command(subcommand)]
        Aegis(aegis::Aegis),
        #[command(hide = true)]
        Packaging(packaging::Packaging),
    }
}

verbs! {
    /// `aileron`'s verbs, in the order of its help.
    ConsumerVerb {
        Verify(verify::ConsumerVerify),
        #[command(subcommand)]
        Connector(connector::Connector),
        #[command(subcommand)]
        Action(action::Action),
        #[command(subcommand)]
        Vault(vault::Vault),
        #[command(subcommand)]
        Secret(secret::Secret),
        #[command(subcommand)]
        Binding(binding::Binding),
        #[command(subcommand)]
        Status(vault::ConsumerStatus),
        #[command(subcommand)]
        Unit(units::ConsumerUnit),
        Auth(auth::Auth),
        Seal(seal::Seal),
        Launch(launch::Launch),
        Mcp(mcp::Mcp),
        Keyring(keyring::Keyring),
        Hub(hub::Hub),
    }
}
