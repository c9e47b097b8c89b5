//! However a session ends, its clients are told (s14, o6).

use std::time::Duration;

use axum_user_session::{
    AuthenticationProperties,
    admin::SessionAdmin,
    cleanup::{CleanupTask, EndedTask},
    config::WhenReached,
    error::BoxError,
    hook::{Validation, Validator},
    id::SessionId,
    store::Filter,
    ticket::Ticket,
};

use crate::{
    fixtures::Provider,
    support::{Bench, HOUR, Lab, MINUTE, user},
};

/// Every way that there is, each with a client that is named after it.
const WAYS: [&str; 10] = [
    "sign_out",
    "user_switch",
    "replaced",
    "revoked",
    "expired",
    "expired, and nobody came back",
    "limit_reached",
    "validation_refused",
    "response_lost",
    "record_rejected",
];

struct NobodyRefused;

impl Validator for NobodyRefused {
    async fn validate(&self, ticket: &Ticket) -> Result<Validation, BoxError> {
        match ticket.principal().subject() == "refused" {
            true => Ok(Validation::Refused),
            false => Ok(Validation::Valid),
        }
    }
}

#[tokio::test]
async fn o6_however_a_session_ends_its_clients_are_told() {
    let bench = Bench::new();
    let provider =
        Provider::with_outbox(bench.store.clone(), bench.store.clone(), |builder| builder);
    let hook = provider.back_channel.clone();
    let mut lab = Lab::with(|config| {
        config
            .store(bench.watched())
            .ended_hook(hook)
            .session_limit(1, WhenReached::EndOldest)
            .validation(NobodyRefused, 30 * MINUTE)
    });
    for way in WAYS {
        let uri = provider.receivers.uri(&way.replace([' ', ','], "-"));
        provider.register_at(way, &uri);
    }

    lab.sign_in("signs out").await;
    lab.add_client("sign_out").await;
    lab.sign_out().await;

    lab.sign_in("is switched").await;
    lab.add_client("user_switch").await;
    lab.sign_in("is replaced").await;
    lab.add_client("replaced").await;
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse("another").unwrap());
        let user = user("is replaced");
        session.sign_in_with(user, properties).await.unwrap();
    })
    .await;
    lab.add_client("revoked").await;
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let revoked = Filter::subject("is replaced").unwrap();
    assert_eq!(admin.revoke(&revoked).await.unwrap(), 1);

    lab.browser = lab.other_browser();
    lab.sign_in("evicted").await;
    lab.add_client("limit_reached").await;
    lab.browser = lab.other_browser();
    lab.sign_in("evicted").await;

    lab.browser = lab.other_browser();
    lab.sign_in("damaged").await;
    lab.add_client("record_rejected").await;
    let records = bench.records(lab.now()).await;
    let damaged = records
        .into_iter()
        .find(|record| record.subject == "damaged");
    let mut damaged = damaged.unwrap();
    damaged.ticket[50] ^= 1;
    bench.overwrite(&damaged).await;
    assert_eq!(lab.seen().await, "nobody");

    lab.browser = lab.other_browser();
    let visit = lab.visit(|session| async move {
        session.sign_in(user("lost")).await.unwrap();
        session.add_client_id("response_lost").await.unwrap();
        std::future::pending::<()>().await;
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(200), visit)
            .await
            .is_err()
    );

    lab.browser = lab.other_browser();
    lab.sign_in("refused").await;
    lab.add_client("validation_refused").await;
    lab.clock.advance(30 * MINUTE);
    assert_eq!(lab.seen().await, "nobody");

    lab.browser = lab.other_browser();
    lab.sign_in("never comes back").await;
    lab.add_client("expired, and nobody came back").await;
    lab.browser = lab.other_browser();
    lab.sign_in("comes back too late").await;
    lab.add_client("expired").await;
    lab.clock.advance(10 * HOUR);
    assert_eq!(lab.seen().await, "nobody");
    CleanupTask::new(&lab.config)
        .unwrap()
        .run_once()
        .await
        .unwrap();

    EndedTask::new(&lab.config)
        .unwrap()
        .run_once()
        .await
        .unwrap();
    provider.clock.advance(11 * HOUR);
    let round = provider.task().run_once().await.unwrap();
    let mut heard: Vec<_> = provider
        .receivers
        .heard()
        .iter()
        .map(|heard| heard.claim("aud"))
        .collect();
    heard.sort();
    let mut expected = WAYS.to_vec();
    expected.sort();
    assert_eq!(heard, expected);
    assert_eq!(round.delivered, WAYS.len() as u64);
}
