//! The edges of the example's OpenID provider: what a client that errs, or somebody who attacks, gets from it over HTTP.

mod answers;
mod authentication;
mod authorize;
mod codes;
#[path = "../support/curl.rs"]
mod curl;
mod elsewhere;
#[path = "../../examples/identity_provider/provider"]
mod example {
    #![allow(
        dead_code,
        reason = "only what can't be timed from outside is tested here"
    )]

    pub(crate) mod grants;
    pub(crate) mod secret;
}
mod form_post;
mod grants;
mod hints;
#[path = "../support/journey.rs"]
mod journey;
mod led;
mod place;
mod prompts;
mod refresh;
mod request;
#[path = "../support/example.rs"]
mod server;
mod settings;
mod sign_out;
mod way_back;
