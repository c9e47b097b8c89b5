//! A cluster: every script in its slot, slots that move, and nodes that go and come back.

use std::time::{Duration, Instant};

use axum_user_session::{
    ended::EndReason,
    store::{
        Continuity, Filter, Loaded, Part, Position, Query, RedisOptions, Replaced, Selection,
        SessionStore, bucket_of,
    },
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, eventually, fresh, fresh_prefix, keys, newest, put, record,
        sign_out, start, successor,
    },
    servers::{Cluster, Persistence},
};

/// What the store's scripts rely on, with the same first line as theirs: keys of the slot may be used without being declared, keys of others may not,
/// also where they lie on the same node.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_script_can_not_leave_its_slot() {
    let cluster = Cluster::shared();
    let same_node =
        ["{1}", "{2}", "{3}", "{4}", "{5}", "{6}"].map(|key| (cluster.node_of(key), key));
    let (node, one) = same_node[0];
    let (_, other) = *same_node[1..].iter().find(|(it, _)| *it == node).unwrap();
    let run = |key: &str| {
        let script = "#!lua\nreturn redis.call('EXISTS', ARGV[1])";
        cluster.nodes()[node].try_command(&["EVAL", script, "1", one, key])
    };
    assert_eq!(run(&format!("{one}undeclared")).unwrap(), "0");
    let refused = run(other).unwrap_err();
    assert!(refused.contains("Script attempted to access"), "{refused}");
    let flagless = "return redis.call('EXISTS', ARGV[1])";
    let allowed = cluster.nodes()[node].try_command(&["EVAL", flagless, "1", one, other]);
    assert_eq!(allowed.unwrap(), "0", "without the first line it could");
}

/// A node that is away fails what is asked of its slots, at once, and of no others, if the cluster goes on without it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_node_that_is_away_fails_its_own_slots() {
    let mut cluster = Cluster::start_with(Persistence::Always);
    for node in cluster.nodes() {
        node.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let prefix = fresh_prefix();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect_cluster(cluster.urls()).await.unwrap();
    let subjects: Vec<_> = (0..30).map(|number| format!("user{number}")).collect();
    for subject in &subjects {
        put(&store, &record(subject, 1)).await;
    }
    let gone = 1;
    let is_gone: Vec<_> = subjects
        .iter()
        .map(|subject| cluster.node_of(&format!("{{{prefix}:{}}}", bucket_of(subject))) == gone)
        .collect();
    assert!(is_gone.contains(&true) && is_gone.contains(&false));
    cluster.kill(gone);
    for _ in 0..2 {
        for (subject, is_gone) in subjects.iter().zip(&is_gone) {
            let began = Instant::now();
            let loaded = store.load(&record(subject, 1).key, None, start()).await;
            assert_eq!(loaded.is_err(), *is_gone, "{subject}: {loaded:?}");
            assert!(
                began.elapsed() < Duration::from_millis(500),
                "{:?}",
                began.elapsed()
            );
        }
        // Once before the others have noticed that it is away, and once after.
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    // Who revokes everyone is told that not everyone is reached, and who takes what has expired gets what there is.
    let named = Filter::name_begins_with("user").unwrap();
    for (selection, max) in [(Selection::Everyone, 5), (named.into(), 1000)] {
        let revoked = store.delete_matching(&selection, EndReason::Revoked, max, start());
        assert!(revoked.await.is_err(), "{selection:?}");
    }
    let left = store.take_ended(MINUTE, 1000, start()).await.unwrap();
    let expired = store.take_expired(1000, at(HOUR)).await.unwrap();
    let reached = is_gone.iter().filter(|gone| !**gone).count();
    assert_eq!(expired.len() + left.len(), reached);

    cluster.start_again(gone);
    for (subject, is_gone) in subjects.iter().zip(&is_gone) {
        let loaded = eventually("the node", async || {
            store
                .load(&record(subject, 1).key, None, start())
                .await
                .ok()
        })
        .await;
        assert_eq!(matches!(loaded, Loaded::Found(_)), *is_gone, "{subject}");
    }
}

/// The whole cluster stops and comes back.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_cluster_that_comes_back_is_found_again() {
    let mut cluster = Cluster::start_with(Persistence::Always);
    let store = fresh().connect_cluster(cluster.urls()).await.unwrap();
    for number in 0..20 {
        put(&store, &record(&format!("user{number}"), number)).await;
    }
    for node in 0..3 {
        cluster.stop(node);
    }
    let began = Instant::now();
    for number in 0..20 {
        assert!(
            store
                .load(&record(&format!("user{number}"), number).key, None, start())
                .await
                .is_err()
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    for node in 0..3 {
        cluster.start_again(node);
    }
    let list = eventually("the cluster", async || {
        store
            .query(&newest(Selection::Everyone, 100), start())
            .await
            .ok()
    })
    .await;
    assert_eq!(list.len(), 20);
    sign_out(&store, &record("user3", 3)).await;
}

/// A page of the list of all sessions, over all nodes, while sessions sign in again: each is seen once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s10_sessions_that_sign_in_again_are_listed_once() {
    let store = fresh()
        .connect_cluster(Cluster::shared().urls())
        .await
        .unwrap();
    let mut first = Vec::new();
    for number in 0..120 {
        let mut one = record(&format!("user{number}"), number);
        one.created = start() + Duration::from_millis(number / 3);
        put(&store, &one).await;
        first.push(one);
    }
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let signing_in = tokio::spawn({
        let (store, stop, mut current) = (store.clone(), stop.clone(), first.clone());
        async move {
            let mut number = 1000;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for old in &mut current {
                    let next = successor(old, number);
                    number += 1;
                    let same = Continuity::SameSession;
                    let replaced = store.replace(&old.key, &next, same, None, start()).await;
                    assert!(matches!(replaced.unwrap(), Replaced::Replaced { .. }));
                    *old = next;
                }
            }
            number
        }
    });
    for _ in 0..20 {
        let (mut seen, mut part) = (Vec::new(), Part::Newest);
        loop {
            let query = Query {
                selection: Selection::Everyone,
                part,
                limit: 7,
            };
            let page = store.query(&query, start()).await.unwrap();
            let Some(last) = page.last() else { break };
            part = Part::OlderThan(Position::of(last));
            seen.extend(page.iter().map(|record| record.session_id));
        }
        let mut expected: Vec<_> = first.iter().map(Position::of).collect();
        expected.sort();
        let expected: Vec<_> = expected.iter().rev().map(|it| it.session_id).collect();
        assert_eq!(seen, expected);
        let filter = Filter::subject("user7").unwrap();
        assert_eq!(store.find(&filter, 9, start()).await.unwrap().len(), 1);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(
        signing_in.await.unwrap() > 1240,
        "they signed in while they were listed"
    );
}

/// What a cluster keeps lies where it belongs, on all of its nodes.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_sessions_are_spread_over_all_nodes() {
    let prefix = fresh_prefix();
    let cluster = Cluster::shared();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect_cluster(cluster.urls()).await.unwrap();
    for number in 0..60 {
        put(&store, &record(&format!("user{number}"), number)).await;
    }
    for node in cluster.nodes() {
        let keys = keys(&mut behind(node), &prefix);
        let records = keys
            .iter()
            .filter(|key| key.windows(2).any(|it| it == b"}r"));
        assert!(records.count() > 5);
    }
}
