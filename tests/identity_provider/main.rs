//! The example `identity_provider` from end to end: the real program, driven by curl and by a browser.
//!
//! `bash tests/run.sh` installs both. The test with the browser is ignored where nobody asks for it.

mod at_a_terminal;
#[path = "../support/curl.rs"]
mod curl;
mod elsewhere;
mod for_a_client;
mod hostile_requests;
mod in_a_browser;
mod lists;
mod lists_in_a_browser;
#[path = "../../examples/identity_provider/moment.rs"]
mod moment;
#[path = "../support/example.rs"]
mod server;
#[cfg(unix)]
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../../examples/identity_provider/sessions.rs"]
mod sessions;
mod times;
#[cfg(unix)]
mod two_nodes;
#[path = "../support/web_driver.rs"]
mod web_driver;
