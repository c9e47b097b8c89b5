//! Who may sign in: three demonstration accounts.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use axum_user_session::Principal;

struct Account {
    /// The subject as well. A real site takes an identifier that is never given to another user, even when names change.
    username: &'static str,
    password: &'static str,
    name: &'static str,
    email: &'static str,
    role: Option<&'static str>,
}

const ACCOUNTS: [Account; 3] = [
    Account {
        username: "alice",
        password: "alice",
        name: "Alice Smith",
        email: "alice@example.com",
        role: None,
    },
    Account {
        username: "bob",
        password: "bob",
        name: "Bob Jones",
        email: "bob@example.com",
        role: None,
    },
    Account {
        username: "carol",
        password: "carol",
        name: "Carol White",
        email: "carol@example.com",
        role: Some("admin"),
    },
];

/// The principal of an account, if the password is the account's.
///
/// A real site keeps no passwords but Argon2id hashes of them (RFC 9106), computes one for an unknown name too, and limits the
/// rate of attempts.
pub(crate) fn authenticate(username: &str, password: &str) -> Option<Principal> {
    let account = ACCOUNTS.iter().find(|account| account.username == username);
    // Neither how much of the password is right nor whether there is such an account may show in the time this takes.
    let expected = account.map_or("", |account| account.password);
    let [expected, given] =
        [expected, password].map(|text| digest::digest(&digest::SHA256, text.as_bytes()));
    let same = verify_slices_are_equal(expected.as_ref(), given.as_ref()).is_ok();
    account.filter(|_| same).map(|account| {
        let principal = Principal::builder(account.username)
            .claim("name", account.name)
            .claim("preferred_username", account.username)
            .claim("email", account.email)
            // A password, and nothing besides (ISO/IEC 29115, by the name that OpenID Connect Core 1.0 section 2 gives level 1).
            .claim("acr", "1");
        match account.role {
            Some(role) => principal.claim("role", role).build(),
            None => principal.build(),
        }
    })
}
