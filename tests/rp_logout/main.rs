//! Section D of the contract, o3: the end-session endpoint, from its address to the redirect.

mod app;
mod asking;
mod failures;
mod hints;
mod hostile;
#[cfg(unix)]
mod in_a_browser;
mod keys;
mod places;
mod posts;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
#[cfg(unix)]
#[path = "../support/web_driver.rs"]
mod web_driver;
