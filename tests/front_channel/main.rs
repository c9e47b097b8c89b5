//! Section D of the contract, o4: the page that tells clients in the browser that a session has ended.

#[cfg(unix)]
mod in_a_browser;
mod page;
#[cfg(unix)]
mod site;
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
#[path = "../support/web_driver.rs"]
mod web_driver;
