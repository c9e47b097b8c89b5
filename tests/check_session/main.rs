//! The check-session iframe: its route over a router, and its page in Chromium and in Firefox.
//!
//! `bash tests/run.sh` installs the browsers. The tests with them are ignored where nobody asks for it.

#[cfg(unix)]
mod in_chromium;
#[cfg(unix)]
mod in_firefox;
#[cfg(unix)]
mod journey;
#[cfg(unix)]
mod marionette;
mod revoked;
mod route;
#[cfg(unix)]
#[path = "../support/servers/mod.rs"]
mod servers;
#[cfg(unix)]
mod site;
mod state;
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
#[path = "../support/web_driver.rs"]
mod web_driver;
