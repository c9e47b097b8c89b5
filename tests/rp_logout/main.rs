//! Section D of the contract, o3: the end-session endpoint, from its address to the redirect.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod asking;
mod failures;
mod hints;
mod hostile;
mod posts;
mod tokens;
