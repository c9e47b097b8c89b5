//! Section D of the contract, o4: the page that tells clients in the browser that a session has ended.

#[path = "../support/mod.rs"]
mod support;

mod page;
