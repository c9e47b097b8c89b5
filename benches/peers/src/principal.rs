//! The one principal that every contestant keeps: a subject, eight claims, a session id and three clients;
//! some 560 bytes of JSON.

use serde::{Deserialize, Serialize};

/// The subject; it is also the body of every answer to a signed-in request.
pub const SUBJECT: &str = "8f14e45f-ceea-467f-a0e6-1d2b3c4d5e6f";

/// The claims beside the subject. A sign-in with this crate adds `idp`, `amr` and `auth_time` where they are missing,
/// so they are among the eight: what is kept has the same content everywhere.
pub const CLAIMS: [(&str, &str); 8] = [
    ("name", "Alice Margaret Smith"),
    ("given_name", "Alice Margaret"),
    ("email", "alice.margaret.smith@accounts.example.com"),
    (
        "picture",
        "https://cdn.example.com/avatars/205e460b479e2e5b48aec07710c08d50205e460b479e2e5b48aec077.png",
    ),
    ("role", "urn:example:accounts:role:administrator"),
    ("idp", "local"),
    ("amr", "pwd"),
    ("auth_time", "1767225600"),
];

/// The claim that the "reads a claim" row answers with.
pub const CLAIM: (&str, &str) = CLAIMS[2];

/// The session id of the peers, which make none themselves (theirs is the key of a store, or there is none).
pub const SESSION_ID: &str = "0123456789ABCDEF0123456789ABCDEF";

/// The clients that the session holds in every authenticated row.
pub const CLIENTS: [&str; 3] = [
    "backoffice-web-5f0c1d8e7b2a4963",
    "mobile-app-ios-91d3a7c24be84f06",
    "reporting-spa-c7e2b94d10f35a68",
];

/// The client that the "add client" row adds as the fourth.
pub const NEW_CLIENT: &str = "warehouse-scanner-3b86f0a9d2c4";

/// The principal as the peers keep it.
///
/// Owned strings in vectors are the cheapest shape that serde gives them: no map to build, no JSON values. So `amr`
/// and `auth_time` are text here, and a list and a number in `ours`, where a claim is a JSON value.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct User {
    /// Who it is.
    pub subject: String,
    /// What is known about them.
    pub claims: Vec<(String, String)>,
    /// The id of their session.
    pub session_id: String,
    /// The clients that they have signed in to.
    pub clients: Vec<String>,
}

impl User {
    /// The principal at its sign-in, from its parts: no client has been added yet.
    pub fn at_sign_in() -> Self {
        Self::with_clients(&[])
    }

    /// The principal of the authenticated rows.
    pub fn with_all_clients() -> Self {
        Self::with_clients(&CLIENTS)
    }

    fn with_clients(clients: &[&str]) -> Self {
        Self {
            subject: SUBJECT.to_owned(),
            claims: CLAIMS
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            session_id: SESSION_ID.to_owned(),
            clients: clients.iter().map(|client| client.to_string()).collect(),
        }
    }
}
