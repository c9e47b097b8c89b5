//! What becomes of a delivery (o6).

use std::time::Duration;

use axum_user_session::{
    hook::EndedHook,
    oidc::{Client, back_channel::LogoutDeliveries},
    store::{DeliveryFilter, DeliveryState},
};

use crate::{
    fixtures::{ISSUER, Provider, SECOND, ended, id},
    receivers::Reply,
    support::start,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn o5_a_client_gets_a_form_with_a_token_of_its_own() {
    let provider = Provider::new();
    provider.register(&["a", "b"]);
    let b = Client::builder("b")
        .back_channel_logout_uri(provider.receivers.uri("b"), false)
        .wants_subject(true);
    provider.registry.add(b.build().unwrap());
    provider.end(1, &["a", "b"]).await;
    let round = provider.task().run_once().await.unwrap();
    assert_eq!((round.delivered, round.failed, round.given_up), (2, 0, 0));
    for (client, subject) in [("a", None), ("b", Some("alice"))] {
        let heard = provider.receivers.heard_by(client);
        let [heard] = &heard[..] else {
            panic!("{client} has heard {} times", heard.len());
        };
        let head = heard.head.to_lowercase();
        assert!(
            head.starts_with(&format!("post /{client} http/1.1\r\n")),
            "{head}"
        );
        assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded"));
        assert!(head.contains("\r\nuser-agent: axum-user-session/"));
        assert!(!head.contains("\r\nreferer") && !head.contains("\r\ncookie"));
        assert_eq!(heard.header()["typ"], "logout+jwt");
        assert_eq!(heard.header()["kid"], "key1");
        let claims = heard.claims();
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], client);
        assert_eq!(claims["iat"], 1_800_000_000);
        assert_eq!(claims["exp"], 1_800_000_120);
        assert_eq!(claims["sid"], "00000000000000000000000000000001");
        assert_eq!(claims.get("sub").and_then(|sub| sub.as_str()), subject);
        assert!(claims.get("nonce").is_none());
    }
}

#[tokio::test]
async fn o6_only_clients_with_an_address_are_told() {
    let provider = Provider::new();
    provider.register(&["a"]);
    provider
        .registry
        .add(Client::builder("silent").build().unwrap());
    provider.end(1, &["silent", "a", "unknown"]).await;
    provider.end(2, &["silent"]).await;
    assert_eq!(provider.states().await, ["a pending 0"]);
}

#[tokio::test]
async fn o6_news_that_comes_twice_is_sent_once() {
    let provider = Provider::new();
    provider.register(&["a"]);
    provider.end(1, &["a"]).await;
    provider.end(1, &["a"]).await;
    provider.task().run_once().await.unwrap();
    provider.end(1, &["a"]).await;
    provider.task().run_once().await.unwrap();
    assert_eq!(provider.receivers.heard().len(), 1);
}

#[tokio::test]
async fn o6_an_answer_is_success_failure_or_refusal() {
    let provider = Provider::new();
    for (client, reply) in [
        ("ok", Reply::Status(200)),
        ("no-content", Reply::Status(204)),
        ("accepted", Reply::Status(202)),
        ("bad-request", Reply::Status(400)),
        ("error", Reply::Status(500)),
        ("busy", Reply::Status(503)),
        ("closes", Reply::Close),
    ] {
        provider.register(&[client]);
        provider.receivers.behave(client, [reply]);
    }
    let clients = [
        "ok",
        "no-content",
        "accepted",
        "bad-request",
        "error",
        "busy",
        "closes",
    ];
    provider.end(1, &clients).await;
    provider.task().run_once().await.unwrap();
    let mut states = provider.states().await;
    // How it is said that a connection was closed is not ours.
    let closed = states.remove(3);
    assert!(closed.starts_with("closes failed 1: "), "{closed}");
    assert_eq!(
        states,
        [
            "accepted failed 1: the client answered 202",
            "bad-request failed 1: the client answered 400",
            "busy failed 1: the client answered 503",
            "error failed 1: the client answered 500",
            "no-content delivered 1",
            "ok delivered 1",
        ]
    );
    // Refusals end after ten attempts, failures after a day.
    for _ in 0..9 {
        provider.clock.advance(Duration::from_secs(3600));
        provider.task().run_once().await.unwrap();
    }
    let given_up = |states: Vec<String>| {
        states
            .into_iter()
            .filter(|state| state.contains("given_up"))
            .count()
    };
    assert_eq!(given_up(provider.states().await), 2);
    provider.clock.advance(DAY);
    let round = provider.task().run_once().await.unwrap();
    assert_eq!((round.given_up, round.failed), (3, 0));
    assert_eq!(given_up(provider.states().await), 5);
    provider.clock.advance(DAY);
    assert_eq!(
        provider.task().run_once().await.unwrap(),
        Default::default()
    );
}

#[tokio::test]
async fn o6_each_attempt_has_a_jti_of_its_own() {
    let provider = Provider::new();
    provider.register(&["a"]);
    let failing = [Reply::Status(500), Reply::Status(500), Reply::Status(200)];
    provider.receivers.behave("a", failing);
    provider.end(1, &["a"]).await;
    for _ in 0..5 {
        provider.task().run_once().await.unwrap();
        provider.clock.advance(30 * SECOND);
    }
    let heard = provider.receivers.heard();
    let mut ids: Vec<_> = heard.iter().map(|heard| heard.claim("jti")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "three attempts, and no jti twice");
    // Each is fresh, so that it has not expired when it comes.
    let issued: Vec<_> = heard
        .iter()
        .map(|heard| heard.claims()["iat"].as_u64().unwrap())
        .collect();
    assert_eq!(issued, [1_800_000_000, 1_800_000_030, 1_800_000_060]);
    assert_eq!(
        provider.states().await,
        ["a delivered 3: the client answered 500"]
    );
}

#[tokio::test]
async fn o6_a_failed_delivery_is_not_tried_again_at_once() {
    let provider = Provider::new();
    provider.register(&["a"]);
    provider.receivers.behave("a", [Reply::Status(500)]);
    provider.end(1, &["a"]).await;
    for _ in 0..3 {
        provider.task().run_once().await.unwrap();
    }
    provider.clock.advance(2 * SECOND);
    provider.task().run_once().await.unwrap();
    assert_eq!(provider.receivers.heard().len(), 1);
    provider.clock.advance(3 * SECOND);
    provider.task().run_once().await.unwrap();
    assert_eq!(
        provider.receivers.heard().len(),
        2,
        "after five seconds at most"
    );
}

/// What is registered counts when a token is sent, not when the session ended.
#[tokio::test]
async fn o6_a_client_that_was_changed_or_removed() {
    let provider = Provider::new();
    provider.register(&["gone", "mute", "moved"]);
    provider.end(1, &["gone", "mute", "moved"]).await;
    provider.registry.remove("gone");
    provider
        .registry
        .add(Client::builder("mute").build().unwrap());
    provider.register_at("moved", &provider.receivers.uri("elsewhere"));
    provider.task().run_once().await.unwrap();
    assert_eq!(
        provider.states().await,
        [
            "gone failed 1: the client is not registered any more",
            "moved delivered 1",
            "mute failed 1: the client has no back-channel URI any more",
        ]
    );
    assert_eq!(provider.receivers.heard_by("elsewhere").len(), 1);
}

#[tokio::test]
async fn o6_without_its_registry_nothing_is_lost() {
    let provider = Provider::new();
    provider.register(&["a"]);
    provider.registry.set_away(true);
    assert!(
        provider
            .back_channel
            .ended(&ended(1, &["a"]))
            .await
            .is_err()
    );
    assert!(
        provider.deliveries().await.is_empty(),
        "the end is handed out again"
    );
    provider.registry.set_away(false);
    provider.end(1, &["a"]).await;
    provider.registry.set_away(true);
    provider.task().run_once().await.unwrap();
    assert_eq!(
        provider.states().await,
        ["a failed 1: the registry did not answer"]
    );
    provider.registry.set_away(false);
    provider.clock.advance(10 * SECOND);
    provider.task().run_once().await.unwrap();
    assert_eq!(provider.receivers.heard().len(), 1);
}

#[tokio::test]
async fn o6_administrators_see_where_deliveries_stand() {
    let provider = Provider::new();
    provider.register(&["a", "b", "c"]);
    provider.receivers.behave("b", [Reply::Status(500)]);
    provider.end(1, &["a", "b"]).await;
    provider.task().run_once().await.unwrap();
    provider.end(2, &["c"]).await;
    let deliveries = LogoutDeliveries::new(&provider.back_channel);
    let count = deliveries.count().await.unwrap();
    assert_eq!(
        (count.pending, count.failed, count.delivered, count.given_up),
        (1, 1, 1, 0)
    );
    let failed = DeliveryFilter {
        state: Some(DeliveryState::Failed),
        ..Default::default()
    };
    let found = deliveries.find(&failed, 0).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].client, id("b"));
    assert_eq!(found[0].failure.as_deref(), Some("the client answered 500"));
    assert!(found[0].due.unwrap() > start());
}

/// Without a store of sessions, the hook is called in the request.
#[tokio::test]
async fn o6_an_outbox_serves_sessions_in_cookies_alone() {
    let provider = Provider::new();
    provider.register(&["a"]);
    let mut lab =
        crate::support::Lab::with(|builder| builder.ended_hook(provider.back_channel.clone()));
    lab.sign_in("alice").await;
    lab.add_client("a").await;
    lab.sign_out().await;
    provider.task().run_once().await.unwrap();
    assert_eq!(provider.receivers.heard_by("a").len(), 1);
}

#[tokio::test]
async fn o6_settled_deliveries_are_forgotten() {
    let provider = Provider::new();
    provider.register(&["a"]);
    provider.end(1, &["a"]).await;
    provider.task().run_once().await.unwrap();
    assert_eq!(provider.deliveries().await.len(), 1);
    provider.clock.advance(6 * DAY);
    tokio::time::pause();
    let task = provider.task().spawn();
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert_eq!(provider.deliveries().await.len(), 1);
    provider.clock.advance(2 * DAY);
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert!(provider.deliveries().await.is_empty());
    task.stop().await;
}
