//! Claims of every kind.

use serde_json::{Map, Value};

/// From the registry of JWT claims and OpenID Connect, every one that is one byte in a ticket.
pub(super) fn registered() -> Map<String, Value> {
    object(
        r#"{
            "sub": "alice", "idp": "upstream", "amr": ["pwd", "otp"], "auth_time": 1799999000,
            "acr": "urn:example:loa:2", "name": "Alice Smith", "given_name": "Alice",
            "family_name": "Smith", "middle_name": "B.", "nickname": "Al",
            "preferred_username": "alice.smith", "profile": "https://example.com/alice",
            "picture": "https://example.com/alice.png", "website": "https://alice.example",
            "email": "alice@example.com", "email_verified": true, "gender": "female",
            "birthdate": "1990-01-31", "zoneinfo": "Europe/Berlin", "locale": "de-DE",
            "phone_number": "+49 30 123456", "phone_number_verified": false,
            "address": {"locality": "Berlin", "country": "DE"}, "updated_at": 1790000000,
            "role": "admin", "roles": ["admin", "user"], "groups": ["staff"],
            "entitlements": ["print"], "scope": "openid profile", "tenant": "blue",
            "iss": "https://idp.example", "aud": ["client1", "client2"], "azp": "client1",
            "iat": 1800000000, "exp": 1800036000, "nbf": 1800000000, "jti": "j-1",
            "nonce": "n-0S6", "client_id": "client1", "cnf": {"jkt": "0ZcOCORZNYy"},
            "act": {"sub": "helpdesk"}
        }"#,
    )
}

/// JSON of every kind, numbers at their limits included.
pub(super) fn nested() -> Map<String, Value> {
    object(
        r#"{
            "sub": "alice", "nothing": null, "yes": true, "no": false, "empty": "", "none": [],
            "nobody": {},
            "numbers": [0, -1, 1.5, -2.25e-7, 9007199254740993, 18446744073709551615, -9223372036854775808],
            "deep": {"a": [{"b": {"c": [[["d"]], {"e": null}]}}]},
            "https://example.com/claims/own": {"": "a name that is empty", "ß": ["ẞ"]}
        }"#,
    )
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}
