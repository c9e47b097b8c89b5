//! What earlier releases have written is read by this one: key rings, cookies, items, page tokens, and the content of stores.
//!
//! `fixtures/vN` is what one release has written. Tests here read it as that release's users would meet it after an upgrade, by way of the layer, a browser and the
//! administrator's tools, with the clock at the time of writing. `CONTRIBUTING.md` says when fixtures are added.
#![cfg(all(
    unix,
    feature = "back-channel",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]

mod completeness;
mod cookies;
mod damage;
mod fixtures;
mod items;
mod keys;
mod seen;
#[path = "../support/servers/mod.rs"]
mod servers;
mod site;
mod stores;
#[path = "../support/mod.rs"]
mod support;
mod write;
