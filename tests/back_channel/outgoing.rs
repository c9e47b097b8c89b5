//! Where tokens are sent, and what a client can do to their sender (o7).

use std::{process::Command, time::Instant};

use crate::{
    fixtures::{Provider, SECOND},
    receivers::{Authority, Receivers, Reply},
};

/// What became of one attempt to tell a client.
async fn attempt(provider: &Provider, uri: &str) -> String {
    provider.register_at("a", uri);
    provider.end(1, &["a"]).await;
    let round = provider.task().run_once().await.unwrap();
    assert_eq!(round.delivered + round.failed + round.given_up, 1);
    let state = provider.states().await.pop().unwrap();
    state.trim_start_matches("a ").replace(" 1: ", ": ")
}

#[tokio::test]
async fn o7_addresses_are_refused_by_default() {
    for (name, host) in [
        ("loopback", "127.0.0.1"),
        ("as one number", "2130706433"),
        ("hexadecimal", "0x7f.0.0.1"),
        ("octal", "0177.0.0.1"),
        ("IPv6 loopback", "[::1]"),
        ("v4-mapped", "[::ffff:127.0.0.1]"),
        ("unspecified", "0.0.0.0"),
        ("private", "10.0.0.1"),
        ("metadata", "169.254.169.254"),
    ] {
        let provider = nothing_allowed();
        let uri = provider.receivers.uri_at(host, "a");
        assert_eq!(
            attempt(&provider, &uri).await,
            format!("failed: {REFUSED}"),
            "{name}"
        );
        assert!(provider.receivers.heard().is_empty(), "{name}");
    }
}

/// Names are looked up by the system; what they lead to is what counts.
#[tokio::test]
async fn o7_names_that_lead_to_this_host_are_refused_by_default() {
    let provider = nothing_allowed();
    let state = attempt(&provider, &provider.receivers.uri("a")).await;
    assert_eq!(state, format!("failed: {REFUSED}"));
    assert!(provider.receivers.heard().is_empty());
    // Not every system knows this one.
    let provider = nothing_allowed();
    let state = attempt(&provider, &provider.receivers.uri_at("localhost.", "a")).await;
    assert!(state.starts_with("failed: not connected: "), "{state}");
    assert!(provider.receivers.heard().is_empty());
    // The same client, when its network is allowed.
    let provider = Provider::new();
    let uri = provider.receivers.uri("a");
    assert_eq!(attempt(&provider, &uri).await, "delivered 1");
    let provider = Provider::new();
    let uri = provider.receivers.uri_at("127.0.0.1", "a");
    assert_eq!(attempt(&provider, &uri).await, "delivered 1");
}

/// It is the same whether an address stands in the URI or a name leads to it: a refusal, which is not repeated for a day.
#[tokio::test]
async fn o7_an_address_that_is_refused_is_tried_ten_times() {
    let provider = nothing_allowed();
    for (client, uri) in [
        ("a name", provider.receivers.uri("a")),
        ("literal", provider.receivers.uri_at("127.0.0.1", "a")),
    ] {
        provider.register_at(client, &uri);
    }
    provider.end(1, &["a name", "literal"]).await;
    for _ in 0..11 {
        provider.task().run_once().await.unwrap();
        provider.clock.advance(3600 * SECOND);
    }
    let expected = ["a name", "literal"].map(|client| format!("{client} given_up 10: {REFUSED}"));
    assert_eq!(provider.states().await, expected);
}

const REFUSED: &str = "the address is not one that clients may have";

fn nothing_allowed() -> Provider {
    // Some network, but none of this host.
    Provider::allowing("10.99.0.0/16")
}

#[tokio::test]
async fn o7_link_local_addresses_are_never_allowed() {
    for network in ["0.0.0.0/0", "169.254.0.0/16"] {
        let provider = Provider::with(|builder| {
            builder
                .dangerously_allow_network(network)
                .insecure_clients_for_development()
        });
        let state = attempt(&provider, "http://169.254.169.254/latest").await;
        assert_eq!(
            state,
            "failed: the address is not one that clients may have"
        );
    }
}

#[tokio::test]
async fn o7_plain_http_is_for_development() {
    let provider = Provider::new();
    let plain = Receivers::plain();
    let state = attempt(&provider, &plain.uri("a")).await;
    assert_eq!(state, "failed: the URI is not https");
    assert!(plain.heard().is_empty());

    let provider = Provider::with(|builder| builder.insecure_clients_for_development());
    assert_eq!(attempt(&provider, &plain.uri("a")).await, "delivered 1");
    assert_eq!(plain.heard().len(), 1);
}

#[tokio::test]
async fn o7_redirects_are_not_followed() {
    let provider = Provider::new();
    let elsewhere = Receivers::start(&provider.authority);
    let redirect = Reply::Redirect(elsewhere.uri("caught"));
    provider.receivers.behave("a", [redirect]);
    let state = attempt(&provider, &provider.receivers.uri("a")).await;
    assert_eq!(state, "failed: the client answered 307");
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn o7_a_certificate_must_be_for_the_host_and_of_an_authority_that_is_trusted() {
    let authority = Authority::new();
    let other_name = Receivers::start_as(&authority, &["client.example"]);
    let other_authority = Receivers::start(&Authority::new());
    for (name, receivers, uri) in [
        ("another name", &other_name, other_name.uri("a")),
        (
            "another authority",
            &other_authority,
            other_authority.uri("a"),
        ),
    ] {
        let provider = Provider::trusting(authority.clone());
        let state = attempt(&provider, &uri).await;
        assert!(
            state.starts_with("failed: not connected: "),
            "{name}: {state}"
        );
        assert!(receivers.heard().is_empty(), "{name}");
    }
}

/// Bodies without an end, answers that drip, and heads without an end: each takes what it may, and no more.
#[tokio::test]
async fn o7_what_a_client_answers_is_bounded() {
    let limit = 2 * SECOND;
    for (name, reply, expected, longest) in [
        ("a huge body", Reply::Huge(200), "delivered 1", SECOND),
        (
            "a huge body of an error",
            Reply::Huge(500),
            "failed: the client answered 500",
            SECOND,
        ),
        ("a body that drips", Reply::Drip, "delivered 1", 2 * SECOND),
        (
            "a head that drips",
            Reply::DripHead,
            "failed: no answer within the time limit",
            3 * SECOND,
        ),
        (
            "nothing",
            Reply::Hang,
            "failed: no answer within the time limit",
            3 * SECOND,
        ),
        (
            "a huge head",
            Reply::HugeHead,
            "failed: message head is too large",
            SECOND,
        ),
    ] {
        let provider = Provider::with(|builder| builder.time_limit(limit));
        provider.receivers.behave("a", [reply]);
        let began = Instant::now();
        let state = attempt(&provider, &provider.receivers.uri("a")).await;
        assert_eq!(state, expected, "{name}");
        assert!(
            began.elapsed() < longest + SECOND,
            "{name}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn o7_a_client_that_nobody_serves() {
    let provider = Provider::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let state = attempt(&provider, &format!("https://{address}/secret?key=hunter2")).await;
    assert!(
        state.starts_with("failed: not connected: Connection refused"),
        "{state}"
    );
    let provider = Provider::new();
    let state = attempt(&provider, "https://no-such-host.invalid/?key=hunter2").await;
    assert!(state.starts_with("failed: not connected: "), "{state}");
    assert!(!state.contains("hunter2"));
}

/// In a process of its own, because the environment belongs to all tests here.
#[test]
fn o7_proxies_of_the_environment_are_ignored() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "outgoing::behind_proxies",
        "--nocapture",
        "--ignored",
    ]);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        // Nobody is there, so whoever asks it fails.
        child.env(name, "http://127.0.0.1:1");
    }
    child
        .env(PROXIES, "set")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let output = child.output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("1 passed"), "{out}");
}

#[tokio::test]
#[ignore = "is run by another test, with an environment of its own"]
async fn behind_proxies() {
    if std::env::var_os(PROXIES).is_none() {
        return;
    }
    let provider = Provider::new();
    let uri = provider.receivers.uri("a");
    assert_eq!(attempt(&provider, &uri).await, "delivered 1");
}

const PROXIES: &str = "BACK_CHANNEL_PROXIES";
