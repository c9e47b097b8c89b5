//! Client applications with libraries that others wrote, against the example `identity_provider`: real programs and real sockets.
//!
//! Each of them is a few lines of JavaScript in the folder `applications`. `bash tests/run.sh` installs Node.js and the libraries.
#![cfg(unix)]

mod application;
#[path = "../support/curl.rs"]
mod curl;
mod express_openid_connect;
#[path = "../support/journey.rs"]
mod journey;
mod oidc_client_ts;
mod openid_client;
#[path = "../support/example.rs"]
mod server;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/web_driver.rs"]
mod web_driver;
