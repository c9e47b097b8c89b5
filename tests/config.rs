//! k1 of the contract: `build()` refuses contradictions, and says what and why.

use std::time::Duration;

use axum_user_session::{
    KeyRing, SessionConfig,
    config::{LegacyScope, SameSite, SessionConfigBuilder, WhenReached},
    error::{BoxError, ConfigError},
    hook::{Validation, Validator},
    store::MemoryStore,
    ticket::Ticket,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

type Configure = fn(SessionConfigBuilder) -> SessionConfigBuilder;

fn build(configure: Configure) -> Result<SessionConfig, ConfigError> {
    configure(SessionConfig::builder(KeyRing::ephemeral())).build()
}

fn in_store(builder: SessionConfigBuilder) -> SessionConfigBuilder {
    builder.store(MemoryStore::new(10))
}

struct Anybody;

impl Validator for Anybody {
    async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> {
        Ok(Validation::Valid)
    }
}

#[test]
fn k1_contradictions_table() {
    let table: [(&str, Configure, &str); _] = [
        (
            "__Host- with a domain",
            |c| c.cookie_domain("example.com"),
            "__Host- allows no domain",
        ),
        (
            "__Host- with a path",
            |c| c.cookie_path("/app"),
            "__Host- needs the path /",
        ),
        (
            "__Host- on plain http",
            |c| c.cookie_name("__Host-a").insecure_http_for_development(),
            "__Host- needs the Secure attribute",
        ),
        (
            "__host- in small letters",
            |c| c.cookie_name("__host-a").cookie_path("/app"),
            "needs the path /",
        ),
        (
            "__Secure- on plain http",
            |c| c.cookie_name("__Secure-a").insecure_http_for_development(),
            "__Secure- needs the Secure",
        ),
        (
            "__Http- readable by scripts",
            |c| {
                c.cookie_name("__Http-a")
                    .dangerously_let_scripts_read_the_cookie()
            },
            "needs HttpOnly",
        ),
        (
            "a session id cookie with __Http-",
            |c| c.session_id_cookie_name("__Http-s"),
            "needs HttpOnly",
        ),
        (
            "SameSite=None on plain http",
            |c| {
                c.cookie_same_site(SameSite::None)
                    .insecure_http_for_development()
            },
            "SameSite=None needs the Secure",
        ),
        (
            "the session id cookie's too",
            |c| {
                c.session_id_cookie_same_site(SameSite::None)
                    .insecure_http_for_development()
            },
            "SameSite=None needs the Secure",
        ),
        (
            "an empty name",
            |c| c.cookie_name(""),
            "authentication cookie has an empty name",
        ),
        (
            "an empty session id name",
            |c| c.session_id_cookie_name(""),
            "session id cookie has an empty name",
        ),
        (
            "a space in the name",
            |c| c.cookie_name("a b"),
            "not a token",
        ),
        (
            "a semicolon in the name",
            |c| c.cookie_name("a;b"),
            "not a token",
        ),
        (
            "an equals sign in the name",
            |c| c.cookie_name("a=b"),
            "not a token",
        ),
        (
            "a percent sign in the name",
            |c| c.cookie_name("a%41"),
            "not a token",
        ),
        (
            "a line break in the name",
            |c| c.cookie_name("a\r\nb"),
            "not a token",
        ),
        (
            "a long name",
            |c| c.cookie_name("a".repeat(65)),
            "not a token",
        ),
        (
            "the same name twice",
            |c| c.cookie_name("s").session_id_cookie_name("s"),
            "has the name of the authentication",
        ),
        (
            "the name of a chunk",
            |c| c.cookie_name("s").session_id_cookie_name("s.1"),
            "has the name of the authentication",
        ),
        (
            "a semicolon in the path",
            |c| c.base_path("/;Domain=evil.example"),
            "can't be a cookie's Domain or Path",
        ),
        (
            "a relative path",
            |c| c.base_path("idp"),
            "can't be a cookie's Domain or Path",
        ),
        (
            "a line break in the domain",
            |c| c.session_id_cookie_domain("a\r\nb"),
            "can't be a cookie's Domain or Path",
        ),
        (
            "a legacy scope of that kind",
            |c| c.legacy_scopes([LegacyScope::new("old")]),
            "can't be a cookie's Domain or Path",
        ),
        (
            "idle longer than absolute",
            |c| c.sliding(true).lifetime(2 * DAY),
            "longer than the absolute",
        ),
        (
            "no lifetime",
            |c| c.lifetime(Duration::ZERO),
            "lifetime must be at least one second",
        ),
        (
            "an endless lifetime",
            |c| c.absolute_lifetime(401 * DAY),
            "absolute_lifetime must be at least",
        ),
        (
            "a small budget",
            |c| c.cookie_budget(100),
            "cookie budget of 100 bytes",
        ),
        (
            "no application id",
            |c| c.application_id(""),
            "application id must have 1 to 64",
        ),
        (
            "a limit of sessions without a store",
            |c| c.session_limit(3, WhenReached::Deny),
            "needs a store",
        ),
        (
            "a limit of no session",
            |c| in_store(c).session_limit(0, WhenReached::EndOldest),
            "allow at least one",
        ),
        (
            "no time to load",
            |c| in_store(c).load_limit(Duration::ZERO),
            "load_limit must be at least one millisecond",
        ),
        (
            "too much time to load",
            |c| in_store(c).load_limit(Duration::from_millis(60_001)),
            "load_limit must be at least one millisecond",
        ),
        (
            "no time to write",
            |c| in_store(c).write_limit(Duration::from_micros(999)),
            "write_limit must be at least one millisecond",
        ),
        (
            "no time to write, for hooks alone",
            |c| c.write_limit(Duration::ZERO),
            "write_limit must be at least one millisecond",
        ),
        (
            "signs of life that are hours apart",
            |c| in_store(c).activity_interval(Duration::from_secs(3601)),
            "interval of activity_interval is out of its range",
        ),
        (
            "validation all the time",
            |c| c.validation(Anybody, Duration::from_millis(999)),
            "interval of validation is out of its range",
        ),
        (
            "validation every other day",
            |c| in_store(c).validation(Anybody, 2 * DAY),
            "interval of validation is out of its range",
        ),
    ];
    for (name, configure, reason) in table {
        let error = build(configure).map(drop).expect_err(name);
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}

#[test]
fn k1_an_empty_key_ring_is_refused() {
    let error = SessionConfig::builder(KeyRing::empty())
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::EmptyKeyRing);
}

#[test]
fn k1_what_is_no_contradiction() {
    let table: [(&str, Configure); _] = [
        ("the defaults", |c| c),
        ("plain http", |c| c.insecure_http_for_development()),
        ("a name that only looks like a chunk", |c| {
            c.cookie_name("s").session_id_cookie_name("s.1x")
        }),
        ("the names of plain http", |c| {
            c.cookie_name("idsrv")
                .session_id_cookie_name("idsrv.session")
        }),
        ("a session id name that is not used", |c| {
            c.session_id_cookie_name("").check_session(false)
        }),
        ("a long lifetime that does not slide", |c| {
            c.lifetime(30 * DAY)
        }),
        ("a long one that slides", |c| {
            c.sliding(true)
                .lifetime(30 * DAY)
                .absolute_lifetime(60 * DAY)
        }),
        ("another path with another prefix", |c| {
            c.cookie_name("__Secure-a").cookie_path("/app")
        }),
        ("__Host-Http-", |c| c.cookie_name("__Host-Http-a")),
        ("the shortest of everything", |c| {
            in_store(c)
                .load_limit(Duration::from_millis(1))
                .write_limit(Duration::from_millis(1))
                .activity_interval(Duration::ZERO)
                .validation(Anybody, Duration::from_secs(1))
                .session_limit(1, WhenReached::Deny)
        }),
        ("the longest of everything", |c| {
            in_store(c)
                .load_limit(Duration::from_secs(60))
                .write_limit(Duration::from_secs(60))
                .activity_interval(Duration::from_secs(3600))
                .validation(Anybody, DAY)
                .session_limit(u32::MAX, WhenReached::EndOldest)
        }),
    ];
    for (name, configure) in table {
        assert!(build(configure).is_ok(), "{name}");
    }
}

#[test]
fn a_configuration_shows_no_secret() {
    let secret = [0x5A; 32];
    let ring = KeyRing::from_secrets([secret]).unwrap();
    let builder = SessionConfig::builder(ring.clone());
    let shown = format!(
        "{builder:?} {:?} {ring:?}",
        SessionConfig::builder(ring.clone()).build()
    );
    for form in ["5a5a", "5A5A", "90, 90", "WlpaWlpa"] {
        assert!(!shown.contains(form), "{shown}");
    }
}
