//! The log of ends: found by hints, and without them.

use std::{collections::HashSet, time::Duration};

use axum_user_session::{
    ended::EndReason,
    store::{Filter, RedisOptions, RedisStore, SessionStore},
};
use tokio::task::JoinSet;

use crate::{
    fixtures::{MINUTE, at, behind, eventually, fresh_prefix, put, record, sign_out, start},
    servers::Redis,
};

async fn handles<const N: usize>(prefix: &str) -> [RedisStore; N] {
    let mut handles = Vec::new();
    for _ in 0..N {
        let options = RedisOptions::new().key_prefix(prefix);
        handles.push(options.connect(Redis::shared().url()).await.unwrap());
    }
    handles.try_into().unwrap()
}

async fn put_and_sign_out(store: &RedisStore, subject: &str, number: u64) {
    put(store, &record(subject, number)).await;
    sign_out(store, &record(subject, number)).await;
}

/// A crash between the end of a session and the hint that says so, or a hint that was lost, delays what is told and loses none of it.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s14_ends_are_found_without_hints() {
    let prefix = fresh_prefix();
    let [store, other] = handles(&prefix).await;
    // The first look is at all buckets; from now on, this handle goes by hints.
    assert_eq!(store.take_ended(MINUTE, 10, start()).await.unwrap(), []);
    put_and_sign_out(&store, "alice", 1).await;
    put_and_sign_out(&store, "bob", 1).await;
    let hints = format!("{{{prefix}:ends}}");
    let mut raw = behind(Redis::shared());
    redis::cmd("DEL").arg(&hints).query::<()>(&mut raw).unwrap();

    assert_eq!(store.take_ended(MINUTE, 10, start()).await.unwrap(), []);
    let taken = other.take_ended(MINUTE, 1, start()).await.unwrap();
    assert_eq!(taken.len(), 1);
    // Whoever has looked everywhere leaves hints at what there is more.
    let rest = store.take_ended(MINUTE, 10, start()).await.unwrap();
    assert_eq!(rest.len(), 1);
    let mut subjects = [&taken[0], &rest[0]].map(|taken| &taken.ended.subject);
    subjects.sort();
    assert_eq!(subjects, ["alice", "bob"]);
}

/// Whoever ends sessions, and however, says so: a handle that goes by hints hears of each.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s14_every_way_to_end_leaves_a_hint() {
    use axum_user_session::store::{Continuity, Limit, WhenReached};
    let prefix = fresh_prefix();
    let [store, taker] = handles(&prefix).await;
    assert_eq!(taker.take_ended(MINUTE, 10, start()).await.unwrap(), []);
    let limit = Some(Limit {
        max: 1.try_into().unwrap(),
        when_reached: WhenReached::EndOldest,
    });
    for (number, reason) in [
        EndReason::SignOut,
        EndReason::LimitReached,
        EndReason::Replaced,
        EndReason::Expired,
        EndReason::Revoked,
        EndReason::UserSwitch,
    ]
    .into_iter()
    .enumerate()
    {
        let subject = format!("user{number}");
        let [one, next] = [1, 2].map(|number| record(&subject, number));
        put(&store, &one).await;
        let filter = || Filter::subject(&*subject).unwrap().into();
        match reason {
            EndReason::SignOut => sign_out(&store, &one).await,
            EndReason::LimitReached => {
                store.create(&next, limit, start()).await.unwrap();
            }
            EndReason::Replaced => {
                let new = Continuity::NewSession;
                store
                    .replace(&one.key, &next, new, None, start())
                    .await
                    .unwrap();
            }
            EndReason::Expired => {
                store.take_expired(1, one.expires).await.unwrap();
            }
            EndReason::Revoked => {
                store
                    .delete_matching(&filter(), reason, 9, start())
                    .await
                    .unwrap();
            }
            _ => {
                let named = Filter::name_begins_with(&subject).unwrap().into();
                store
                    .delete_matching(&named, reason, 9, start())
                    .await
                    .unwrap();
            }
        }
        let taken = taker
            .take_ended(MINUTE, 10, at(2 * MINUTE * number as u32))
            .await
            .unwrap();
        let of_now: Vec<_> = taken
            .iter()
            .filter(|taken| taken.ended.subject == subject)
            .collect();
        assert_eq!(of_now.len(), 1, "{reason}");
        assert_eq!(of_now[0].ended.reason, reason);
        // So that it does not expire later.
        let left = Filter::subject(&*subject).unwrap().into();
        store
            .delete_matching(&left, EndReason::SignOut, 9, start())
            .await
            .unwrap();
    }
}

/// Hints at buckets with nothing in them go away, but not before whatever they hint at must have come.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s14_hints_are_forgotten_when_their_buckets_have_been_idle_for_a_while() {
    let prefix = fresh_prefix();
    let [store] = handles(&prefix).await;
    put_and_sign_out(&store, "alice", 1).await;
    put_and_sign_out(&store, "bob", 1).await;
    let taken = store.take_ended(MINUTE, 1, start()).await.unwrap();
    store.acknowledge(&[taken[0].ended.event_id]).await.unwrap();
    let hints = || -> Vec<String> {
        let key = format!("{{{prefix}:ends}}");
        let mut raw = behind(Redis::shared());
        redis::cmd("ZRANGE")
            .arg(key)
            .arg(0)
            .arg(-1)
            .query(&mut raw)
            .unwrap()
    };
    let began = std::time::Instant::now();
    let left = eventually("the end of a hint", async || {
        store
            .take_ended(MINUTE, 1, start() - MINUTE - MINUTE)
            .await
            .unwrap();
        let hints = hints();
        tokio::time::sleep(Duration::from_millis(200)).await;
        (hints.len() < 2).then_some(hints)
    })
    .await;
    assert!(
        began.elapsed() > Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    // The other one is still to be told of.
    assert_eq!(left.len(), 1);
    assert_eq!(
        store
            .take_ended(MINUTE, 9, start() + MINUTE)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// A handle that has not given out an event does not know its bucket.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s14_another_handle_can_acknowledge() {
    let [store, other] = handles(&fresh_prefix()).await;
    for number in 0..50 {
        put_and_sign_out(&store, &format!("user{number}"), number).await;
    }
    let taken = store.take_ended(MINUTE, 100, start()).await.unwrap();
    let events: Vec<_> = taken.iter().map(|taken| taken.ended.event_id).collect();
    assert_eq!(events.len(), 50);
    assert_eq!(other.acknowledge(&events).await.unwrap(), 50);
    assert_eq!(store.acknowledge(&events).await.unwrap(), 0);
    assert_eq!(
        other.take_ended(MINUTE, 100, at(2 * MINUTE)).await.unwrap(),
        []
    );
}

/// Several takers at once, while sessions go on to end: each end goes to one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s14_each_end_is_handed_to_one_of_many_takers() {
    let prefix = fresh_prefix();
    let stores: [RedisStore; 4] = handles(&prefix).await;
    let mut enders = JoinSet::new();
    for (lane, store) in stores.clone().into_iter().enumerate() {
        enders.spawn(async move {
            for number in 0..100 {
                put_and_sign_out(&store, &format!("user{lane} {number}"), number).await;
            }
        });
    }
    let mut takers = JoinSet::new();
    for store in stores {
        takers.spawn(async move {
            let mut events = Vec::new();
            let mut idle = 0;
            while idle < 40 {
                let taken = store.take_ended(MINUTE, 7, start()).await.unwrap();
                idle = if taken.is_empty() { idle + 1 } else { 0 };
                if taken.is_empty() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                assert!(taken.iter().all(|taken| taken.attempts == 1));
                events.extend(taken.into_iter().map(|taken| taken.ended.event_id));
            }
            events
        });
    }
    enders.join_all().await;
    let events = takers.join_all().await.concat();
    assert_eq!(events.len(), 400);
    assert_eq!(events.iter().collect::<HashSet<_>>().len(), 400);
}

/// Far more than fit into one look at a bucket.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s13_many_expired_sessions_of_one_subject_are_taken_in_one_call() {
    let [store] = handles(&fresh_prefix()).await;
    for number in 0..700 {
        put(&store, &record("alice", number)).await;
    }
    let later = record("alice", 0).expires;
    assert_eq!(store.take_expired(650, later).await.unwrap().len(), 650);
    assert_eq!(store.take_expired(650, later).await.unwrap().len(), 50);
    let taken = store.take_ended(MINUTE, 690, later).await.unwrap();
    assert_eq!(taken.len(), 690);
}
