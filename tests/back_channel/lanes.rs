//! One bad client delays no other, and a task stops cleanly (o6).

use std::time::{Duration, Instant};

use axum_user_session::store::{DeliveryState, LogoutOutbox};

use crate::{
    fixtures::{Provider, SECOND, ended, id},
    receivers::{Heard, Reply},
    support::start,
};

/// A client that hangs has some hundred deliveries, and the others come after it.
#[tokio::test]
async fn o6_a_client_that_hangs_delays_nobody_else() {
    let provider = Provider::with(|builder| builder.time_limit(3 * SECOND));
    provider.register(&["hangs", "a", "b"]);
    provider.receivers.behave("hangs", [Reply::Hang]);
    for number in 0..200 {
        provider.end(number, &["hangs"]).await;
    }
    provider.end(200, &["a", "b"]).await;
    let began = Instant::now();
    let task = provider.task().at_once(16).spawn();
    let others = |client: &str| client == "a" || client == "b";
    provider
        .receivers
        .until("the others have heard", |heard| {
            heard.iter().filter(|heard| others(&heard.client)).count() == 2
        })
        .await;
    assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
    assert!(provider.receivers.most_at_once("hangs") <= 4);
    task.stop().await;
}

/// So many hang that they could take all there is, again and again; those that answer get their turn while these are left alone.
#[tokio::test]
async fn o6_many_clients_that_hang_hold_up_the_others_for_a_while_only() {
    let limit = Duration::from_millis(300);
    let provider = Provider::with(|builder| builder.time_limit(limit));
    let hanging: Vec<_> = (0..40).map(|number| format!("hangs-{number}")).collect();
    let hanging: Vec<_> = hanging.iter().map(String::as_str).collect();
    provider.register(&hanging);
    provider.register(&["a"]);
    for client in &hanging {
        provider.receivers.behave(client, [Reply::Hang]);
    }
    for number in 0..20 {
        provider.end(number, &hanging).await;
    }
    // What is older comes first: all of theirs.
    provider.clock.advance(SECOND);
    provider.end(20, &["a"]).await;
    let began = Instant::now();
    let task = provider.task().at_once(8).spawn();
    let has_heard = |heard: &[Heard]| heard.iter().any(|heard| heard.client == "a");
    provider
        .receivers
        .until("the other has heard", has_heard)
        .await;
    // One attempt after the other at 800 deliveries would take half a minute.
    let time = began.elapsed();
    assert!(time < 15 * SECOND, "{time:?}");
    task.stop().await;
}

#[tokio::test]
async fn o6_a_client_has_so_many_lanes() {
    for lanes in [1, 3] {
        let provider = Provider::new();
        provider.register(&["slow"]);
        let slow = Reply::Slow(Duration::from_millis(20));
        provider.receivers.behave("slow", [slow]);
        for number in 0..20 {
            provider.end(number, &["slow"]).await;
        }
        let task = provider.task().lanes_of_a_client(lanes);
        assert_eq!(task.run_once().await.unwrap().delivered, 20);
        assert_eq!(provider.receivers.most_at_once("slow"), lanes);
    }
}

/// One that does not answer is left alone after that, and tried with one delivery; the others of its deliveries wait untried.
#[tokio::test]
async fn o6_a_client_that_does_not_answer_is_left_alone() {
    let provider = Provider::with(|builder| builder.time_limit(Duration::from_millis(200)));
    provider.register(&["hangs"]);
    provider.receivers.behave("hangs", [Reply::Hang]);
    for number in 0..50 {
        provider.end(number, &["hangs"]).await;
    }
    let task = provider.task().spawn();
    tokio::time::sleep(3 * SECOND).await;
    task.stop().await;
    let tried = provider.receivers.heard().len();
    assert!(
        (4..=7).contains(&tried),
        "four at first, then one at a time: {tried}"
    );
    let deliveries = provider.deliveries().await;
    let untried = deliveries.iter().filter(|delivery| delivery.attempts == 0);
    assert_eq!(untried.count(), 50 - tried);
    // It comes back, and gets all of them.
    provider.receivers.behave("hangs", [Reply::Status(200)]);
    provider.clock.advance(10 * SECOND);
    provider.task().run_once().await.unwrap();
    let deliveries = provider.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    );
}

/// One that is gone for good is tried so rarely that most of its deliveries never are; they end all the same, or the outbox would grow for ever.
#[tokio::test]
async fn o6_what_waits_for_a_client_that_is_gone_is_given_up_in_time() {
    let provider = Provider::with(|builder| builder.time_limit(Duration::from_millis(200)));
    provider.register(&["hangs", "a"]);
    provider.receivers.behave("hangs", [Reply::Hang]);
    for number in 0..50 {
        provider.end(number, &["hangs"]).await;
    }
    // Nobody has sent anything for a day: that is not the client's fault, and one failure tells nothing.
    provider.clock.advance(24 * 3600 * SECOND);
    for number in 50..60 {
        provider.end(number, &["hangs"]).await;
    }
    let given_up = async || {
        let deliveries = provider.deliveries().await;
        let given_up = deliveries
            .iter()
            .filter(|delivery| delivery.state == DeliveryState::GivenUp);
        given_up.count()
    };
    provider.task().run_once().await.unwrap();
    assert_eq!(given_up().await, 4, "those that were under way");
    // It is tried again half a second later, and has still not answered.
    let task = provider.task().spawn();
    tokio::time::sleep(3 * SECOND).await;
    task.stop().await;
    let deliveries = provider.deliveries().await;
    let (old, young): (Vec<_>, Vec<_>) = deliveries
        .iter()
        .partition(|delivery| delivery.created == start());
    assert_eq!((old.len(), young.len()), (50, 10));
    assert!(
        old.iter()
            .all(|delivery| delivery.state == DeliveryState::GivenUp)
    );
    assert!(old.iter().all(|delivery| delivery.failure.is_some()));
    assert!(young.iter().all(|delivery| !delivery.state.is_settled()));
}

#[tokio::test]
async fn o6_a_task_that_stops_finishes_what_is_under_way_and_puts_the_rest_back() {
    let provider = Provider::new();
    provider.register(&["slow"]);
    let slow = Reply::Slow(Duration::from_millis(300));
    provider.receivers.behave("slow", [slow]);
    for number in 0..30 {
        provider.end(number, &["slow"]).await;
    }
    let task = provider.task().lanes_of_a_client(2).spawn();
    let both = |heard: &[_]| heard.len() == 2;
    provider.receivers.until("two are under way", both).await;
    task.stop().await;
    assert_eq!(provider.receivers.heard().len(), 2);
    // No lease is left behind: another node gets all the others at once.
    let deliveries = provider.deliveries().await;
    let delivered = |state| {
        deliveries
            .iter()
            .filter(move |delivery| delivery.state == state)
    };
    assert_eq!(delivered(DeliveryState::Delivered).count(), 2);
    assert!(delivered(DeliveryState::Pending).all(|delivery| delivery.attempts == 0));
    provider.receivers.behave("slow", [Reply::Status(200)]);
    let rest = provider.task().run_once().await.unwrap();
    assert_eq!(rest.delivered, 28);
}

/// What waits for a lane is given to other nodes before its lease is over.
#[tokio::test]
async fn o6_what_waits_for_too_long_is_put_back() {
    let provider = Provider::new();
    provider.register(&["slow"]);
    let slow = Reply::Slow(Duration::from_millis(100));
    provider.receivers.behave("slow", [slow]);
    for number in 0..8 {
        provider.end(number, &["slow"]).await;
    }
    // The shortest lease there is: nothing waits for longer than 20 seconds.
    let task = provider
        .task()
        .lanes_of_a_client(1)
        .lease(Duration::ZERO)
        .spawn();
    provider
        .receivers
        .until("the first", |heard| !heard.is_empty())
        .await;
    assert_eq!(task_leases(&provider).await, 8);
    provider
        .receivers
        .until("all", |heard| heard.len() == 8)
        .await;
    task.stop().await;
    let attempts: Vec<_> = provider
        .deliveries()
        .await
        .iter()
        .map(|it| it.attempts)
        .collect();
    assert_eq!(attempts, [1; 8]);
}

/// How many deliveries somebody has taken.
async fn task_leases(provider: &Provider) -> usize {
    let deliveries = provider.deliveries().await;
    let taken = deliveries
        .iter()
        .filter(|delivery| delivery.due.is_some_and(|due| due > start()));
    taken.count()
}

/// It hears of what its own node puts in at once, and looks for the rest.
#[tokio::test]
async fn o6_a_task_hears_of_its_own_node_and_looks_for_others() {
    let provider = Provider::new();
    provider.register(&["a"]);
    let task = provider.task().poll_interval(600 * SECOND).spawn();
    tokio::time::sleep(Duration::from_millis(100)).await;
    provider.end(1, &["a"]).await;
    provider
        .receivers
        .until("at once", |heard| heard.len() == 1)
        .await;
    task.stop().await;

    let task = provider
        .task()
        .poll_interval(Duration::from_millis(100))
        .spawn();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (ended, clients) = (ended(2, &["a"]), [id("a")]);
    let put_in = provider.store.put_in(&ended, &clients, start());
    put_in.await.unwrap();
    provider
        .receivers
        .until("by looking", |heard| heard.len() == 2)
        .await;
    task.stop().await;
}
