//! `unit`, beside its transcripts.

mod publish;
