use std::time::Instant;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// A request that a client has had.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Whose it was: the path without its slash.
    pub client: String,
    /// The lines before the body.
    pub head: String,
    pub body: String,
    pub at: Instant,
    /// Whether the client says that it has dealt with it.
    pub accepted: bool,
}

impl Heard {
    /// The signed token.
    pub fn token(&self) -> &str {
        self.body
            .strip_prefix("logout_token=")
            .expect("a form with a token")
    }

    pub fn header(&self) -> Value {
        self.part(0)
    }

    pub fn claims(&self) -> Value {
        self.part(1)
    }

    /// A claim that is a text.
    pub fn claim(&self, name: &str) -> String {
        self.claims()[name].as_str().expect(name).to_owned()
    }

    fn part(&self, number: usize) -> Value {
        let part = self.token().split('.').nth(number).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }
}
