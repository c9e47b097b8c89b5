//! Back-channel logout over real sockets (o5, o6, o7): tokens, deliveries, and where they may be sent.

#![allow(unreachable_pub, reason = "no crate uses a test")]

mod delivery;
mod fixtures;
mod lanes;
mod log;
mod outgoing;
#[path = "../support/receivers/mod.rs"]
mod receivers;
mod settings;
mod signing;
#[path = "../support/mod.rs"]
mod support;
mod thousand;
mod two_nodes;
mod ways_to_end;
