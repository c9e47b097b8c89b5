//! The edges of the example's OpenID provider: what a client that errs, or somebody who attacks, gets from it over HTTP.

mod authentication;
mod authorize;
mod codes;
#[path = "../support/curl.rs"]
mod curl;
mod elsewhere;
mod form_post;
#[path = "../support/journey.rs"]
mod journey;
mod place;
mod prompts;
mod refresh;
mod request;
#[path = "../support/example.rs"]
mod server;
