//! The tasks beside the requests: what ends sessions that nobody comes back to (s13), and what hands ends to the host (s14).

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum_user_session::{
    AuthenticationProperties,
    admin::SessionAdmin,
    cleanup::{CleanupTask, EndedTask},
    config::WhenReached,
    ended::{EndReason, Ended},
    error::BoxError,
    hook::EndedHook,
    id::SessionId,
    store::Filter,
    testing::{Fault, Operation},
};
use support::*;

#[derive(Clone, Default)]
struct News {
    heard: Arc<Mutex<Vec<Ended>>>,
    fails: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
}

impl EndedHook for News {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let fails = self.fails.load(Ordering::Relaxed);
        if fails > 0 {
            self.fails.store(fails - 1, Ordering::Relaxed);
            return Err("the client is away".into());
        }
        self.heard.lock().unwrap().push(ended.clone());
        Ok(())
    }
}

impl News {
    fn heard(&self) -> Vec<(EndReason, String)> {
        let heard = self.heard.lock().unwrap();
        let told = heard
            .iter()
            .map(|ended| (ended.reason, ended.subject.clone()));
        told.collect()
    }
}

fn with_news() -> (Lab, Bench, News) {
    let news = News::default();
    let hook = news.clone();
    let (lab, bench) =
        Lab::in_store_with(|config| config.ended_hook(hook).issuer("https://id.example"));
    (lab, bench, news)
}

#[tokio::test]
async fn s13_the_clean_up_ends_what_has_expired_in_batches() {
    let (mut lab, bench, news) = with_news();
    lab.sign_in_all(&["a", "b", "c", "d", "e"]).await;
    lab.clock
        .set(start() + 10 * HOUR + 90 * Duration::from_secs(1));
    bench.counter.reset();
    let task = CleanupTask::new(&lab.config).unwrap().batch_size(1);
    let cleaned = task.run_once().await.unwrap();
    assert_eq!((cleaned.expired, cleaned.unheard_ends), (2, 0));
    assert_eq!(bench.counter.count(Operation::TakeExpired), 3);
    assert_eq!(bench.store.len(), 3);
    let told = EndedTask::new(&lab.config).unwrap().run_once().await;
    assert_eq!(told.unwrap(), 2);
    let expired = |subject: &str| (EndReason::Expired, subject.to_owned());
    assert_eq!(news.heard(), [expired("a"), expired("b")]);
}

#[tokio::test]
async fn s13_news_that_nobody_takes_is_dropped_some_day() {
    let (mut lab, _) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    let task = CleanupTask::new(&lab.config).unwrap();
    lab.clock.advance(6 * 24 * HOUR);
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 0);
    lab.clock.advance(25 * HOUR);
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 1);
}

#[tokio::test(start_paused = true)]
async fn s13_the_clean_up_goes_on_after_an_error_and_stops() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.clock.advance(11 * HOUR);
    bench.faults.inject(Fault::refuse());
    let task = CleanupTask::new(&lab.config)
        .unwrap()
        .interval(MINUTE)
        .spawn();
    tokio::time::sleep(5 * MINUTE).await;
    let tried = bench.counter.count(Operation::TakeExpired);
    assert!(
        (8..=12).contains(&tried),
        "{tried}: twice a minute, from a random moment on"
    );
    assert_eq!(bench.store.len(), 1);
    bench.faults.clear();
    tokio::time::sleep(2 * MINUTE).await;
    assert!(bench.store.is_empty());
    task.stop().await;
    bench.counter.reset();
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(bench.counter.total(), 0);
}

/// Nodes that start together don't work together.
#[tokio::test(start_paused = true)]
async fn s13_the_first_round_comes_at_a_random_moment() {
    let mut moments = HashSet::new();
    for _ in 0..5 {
        let (lab, bench) = Lab::in_store();
        let began = tokio::time::Instant::now();
        let task = CleanupTask::new(&lab.config)
            .unwrap()
            .interval(HOUR)
            .spawn();
        while bench.counter.total() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(began.elapsed() <= HOUR);
        moments.insert(began.elapsed().as_secs());
        task.stop().await;
    }
    assert!(moments.len() > 1, "{moments:?}");
}

#[tokio::test]
async fn s14_every_way_to_end_is_heard_of_with_its_reason() {
    let (mut lab, _, news) = with_news();
    lab.sign_in("signs-out").await;
    lab.add_client("client1").await;
    lab.sign_out().await;
    lab.sign_in("switched").await;
    lab.sign_in("replaced").await;
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse("another").unwrap());
        let user = user("replaced");
        session.sign_in_with(user, properties).await.unwrap();
    })
    .await;
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let replaced = Filter::subject("replaced").unwrap();
    assert_eq!(admin.revoke(&replaced).await.unwrap(), 1);
    lab.sign_in("expires").await;
    lab.clock.advance(10 * HOUR);
    lab.seen().await;
    let task = EndedTask::new(&lab.config).unwrap();
    assert_eq!(task.run_once().await.unwrap(), 5);
    assert_eq!(task.run_once().await.unwrap(), 0, "each once");
    let heard = news.heard();
    let expected = [
        (EndReason::SignOut, "signs-out"),
        (EndReason::UserSwitch, "switched"),
        (EndReason::Replaced, "replaced"),
        (EndReason::Revoked, "replaced"),
        (EndReason::Expired, "expires"),
    ];
    for (reason, subject) in expected {
        assert!(heard.contains(&(reason, subject.to_owned())), "{reason}");
    }
    let heard = news.heard.lock().unwrap();
    let signed_out = heard.iter().find(|ended| ended.subject == "signs-out");
    let signed_out = signed_out.unwrap();
    assert_eq!(signed_out.clients, ["client1"]);
    assert_eq!(signed_out.issuer.as_deref(), Some("https://id.example"));
    assert_eq!(signed_out.at, start());
    let events: HashSet<_> = heard.iter().map(|ended| ended.event_id).collect();
    assert_eq!(events.len(), heard.len());
}

#[tokio::test(start_paused = true)]
async fn s14_what_the_hook_fails_at_is_handed_out_again_when_its_lease_is_over() {
    let (mut lab, _, news) = with_news();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    news.fails.store(2, Ordering::Relaxed);
    let task = EndedTask::new(&lab.config).unwrap().lease(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 0);
    assert_eq!(task.run_once().await.unwrap(), 0, "it is leased");
    lab.clock.advance(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 0);
    lab.clock.advance(MINUTE);
    // One that hangs is given up in time for another to try.
    news.hangs.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    assert_eq!(task.run_once().await.unwrap(), 0);
    assert_eq!(began.elapsed(), MINUTE / 2);
    news.hangs.store(false, Ordering::Relaxed);
    lab.clock.advance(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 1);
    assert_eq!(news.heard().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s14_the_task_hears_of_its_own_nodes_ends_at_once() {
    let (mut lab, bench, news) = with_news();
    let task = EndedTask::new(&lab.config)
        .unwrap()
        .poll_interval(HOUR)
        .spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.counter.reset();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(news.heard().len(), 1);
    task.stop().await;
}

struct Panics;

impl EndedHook for Panics {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        panic!("at {}", ended.reason)
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_hook_that_panics_does_not_end_the_task() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.ended_hook(Panics));
    lab.sign_in("alice").await;
    lab.sign_out().await;
    let task = EndedTask::new(&lab.config).unwrap().spawn();
    tokio::time::sleep(MINUTE).await;
    let polls = bench.counter.count(Operation::TakeEnded);
    assert!(polls > 10, "{polls}");
    task.stop().await;
}

#[tokio::test]
async fn s14_in_cookies_the_hook_is_called_in_the_request() {
    let news = News::default();
    let hook = news.clone();
    let mut lab = Lab::with(|config| config.ended_hook(hook));
    lab.sign_in("alice").await;
    lab.sign_in("bob").await;
    lab.sign_out().await;
    lab.sign_out().await;
    news.fails.store(1, Ordering::Relaxed);
    lab.sign_in("carol").await;
    lab.sign_out().await;
    let told = [
        (EndReason::UserSwitch, "alice".to_owned()),
        (EndReason::SignOut, "bob".to_owned()),
    ];
    assert_eq!(news.heard(), told);
}

#[tokio::test(start_paused = true)]
async fn s14_in_cookies_a_hook_that_hangs_is_given_up() {
    let news = News::default();
    let hook = news.clone();
    let mut lab = Lab::with(|config| config.ended_hook(hook).write_limit(Duration::from_secs(3)));
    lab.sign_in("alice").await;
    news.hangs.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    let page = lab.sign_out().await;
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert!(is_expired(&page, AUTH), "signed out all the same");
    news.hangs.store(false, Ordering::Relaxed);
    lab.sign_in("bob").await;
    lab.sign_out().await;
    assert_eq!(news.heard(), [(EndReason::SignOut, "bob".to_owned())]);
}

/// Nobody has asked for these ends.
#[tokio::test(start_paused = true)]
async fn s14_ends_by_limit_damage_and_a_lost_response_are_heard_of() {
    let news = News::default();
    let hook = news.clone();
    let (mut lab, bench) = Lab::in_store_with(|config| {
        config
            .ended_hook(hook)
            .session_limit(1, WhenReached::EndOldest)
    });
    lab.sign_in_all(&["evicted", "evicted", "damaged"]).await;
    let damaged = bench.records(lab.now()).await.remove(0);
    assert_eq!(damaged.subject, "damaged");
    let mut record = damaged.clone();
    record.ticket[50] ^= 1;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");

    // The browser goes away after the sign-in, and before the response.
    lab.browser = lab.other_browser();
    let visit = lab.visit(|session| async move {
        session.sign_in(user("lost")).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert!(tokio::time::timeout(MINUTE, visit).await.is_err());
    while bench.records(lab.now()).await.len() > 1 {
        tokio::task::yield_now().await;
    }
    let task = EndedTask::new(&lab.config).unwrap();
    task.run_once().await.unwrap();
    let mut heard = news.heard();
    heard.sort_by(|a, b| a.1.cmp(&b.1));
    let expected = [
        (EndReason::RecordRejected, "damaged"),
        (EndReason::LimitReached, "evicted"),
        (EndReason::ResponseLost, "lost"),
    ];
    assert_eq!(heard, expected.map(|(reason, of)| (reason, of.to_owned())));
}

/// A task with no pause would keep the store busy, and nothing else.
#[tokio::test(start_paused = true)]
async fn s13_s14_tasks_rest_for_a_second_at_least() {
    let (lab, bench, _) = with_news();
    let cleanup = CleanupTask::new(&lab.config)
        .unwrap()
        .interval(Duration::ZERO)
        .spawn();
    let news = EndedTask::new(&lab.config)
        .unwrap()
        .poll_interval(Duration::ZERO)
        .spawn();
    tokio::time::sleep(MINUTE).await;
    for operation in [Operation::TakeExpired, Operation::TakeEnded] {
        let rounds = bench.counter.count(operation);
        assert!((59..=62).contains(&rounds), "{operation:?}: {rounds}");
    }
    cleanup.stop().await;
    news.stop().await;
}
