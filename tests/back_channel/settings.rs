//! What `build` refuses.

use std::time::Duration;

use axum_user_session::{oidc::back_channel::BackChannelLogout, store::MemoryStore};

use crate::{
    fixtures::{ISSUER, Registry, SECOND, signer},
    receivers::Authority,
};

#[test]
fn o6_settings_are_checked() {
    let build = |issuer: &str, network: &str, limit: Duration, pem: &str| {
        let outbox = MemoryStore::new(1);
        let built = BackChannelLogout::builder(issuer, outbox, Registry::default(), signer())
            .dangerously_allow_network(network)
            .time_limit(limit)
            .trust_authorities(pem)
            .trust_no_other_authorities()
            .build();
        built.err().map(|error| error.to_string())
    };
    let pem = Authority::new().pem();
    for (name, issuer, network, limit, pem, part) in [
        ("sound", ISSUER, "10.0.0.0/8", SECOND, &*pem, None),
        (
            "an issuer with a query",
            "https://idp.example?a",
            "10.0.0.0/8",
            SECOND,
            &pem,
            Some("no issuer"),
        ),
        (
            "no network",
            ISSUER,
            "10.0.0.0",
            SECOND,
            &pem,
            Some("no network"),
        ),
        (
            "no time",
            ISSUER,
            "10.0.0.0/8",
            Duration::ZERO,
            &pem,
            Some("100 milliseconds"),
        ),
        (
            "too much time",
            ISSUER,
            "10.0.0.0/8",
            61 * SECOND,
            &pem,
            Some("100 milliseconds"),
        ),
        (
            "no certificate",
            ISSUER,
            "10.0.0.0/8",
            SECOND,
            "",
            Some("TLS"),
        ),
        (
            "half a certificate",
            ISSUER,
            "10.0.0.0/8",
            SECOND,
            &pem[..200],
            Some("TLS"),
        ),
    ] {
        let error = build(issuer, network, limit, pem);
        match (error, part) {
            (None, None) => {}
            (Some(error), Some(part)) => assert!(error.contains(part), "{name}: {error}"),
            (error, _) => panic!("{name}: {error:?}"),
        }
    }
}
