//! A cluster: every script in its slot, slots that move, and nodes that go and come back.

use std::time::{Duration, Instant};

use axum_user_session::{
    ended::EndReason,
    store::{
        Continuity, Created, End, Filter, Loaded, Part, Position, Query, Record, RedisStore,
        Replaced, Selection, SessionStore, bucket_of,
    },
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, client, eventually, found, fresh, fresh_prefix, keys, newest,
        put, record, sign_out, start, successor,
    },
    servers::{Cluster, Persistence, Redis},
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

/// Moves the slot of a bucket from one node to another, as `redis-cli --cluster reshard` does it, and calls `meanwhile` after each key.
struct Move<'a> {
    cluster: &'a Cluster,
    slot: String,
    from: usize,
    to: usize,
}

impl<'a> Move<'a> {
    fn of(cluster: &'a Cluster, tag: &str) -> Self {
        let from = cluster.node_of(tag);
        Self::between(cluster, tag, from, (from + 1) % 3)
    }

    fn between(cluster: &'a Cluster, tag: &str, from: usize, to: usize) -> Self {
        let slot = cluster.nodes()[from].command(&["CLUSTER", "KEYSLOT", tag]);
        Self {
            cluster,
            slot,
            from,
            to,
        }
    }

    fn node(&self, node: usize) -> &Redis {
        &self.cluster.nodes()[node]
    }

    fn begin(&self) {
        let id = |node| self.node(node).command(&["CLUSTER", "MYID"]);
        let set = |at: usize, state: &str, other: usize| {
            let command = ["CLUSTER", "SETSLOT", &self.slot, state, &id(other)];
            self.node(at).command(&command);
        };
        set(self.to, "IMPORTING", self.from);
        set(self.from, "MIGRATING", self.to);
    }

    /// Moves some keys; false when there are none left.
    fn step(&self, count: usize) -> bool {
        let mut raw = behind(self.node(self.from));
        let mut get = redis::cmd("CLUSTER");
        get.arg("GETKEYSINSLOT").arg(&self.slot).arg(count);
        let keys: Vec<Vec<u8>> = get.query(&mut raw).unwrap();
        for key in &keys {
            let mut migrate = redis::cmd("MIGRATE");
            migrate
                .arg("127.0.0.1")
                .arg(self.node(self.to).address().port());
            migrate.arg(key).arg(0).arg(5000);
            migrate.query::<()>(&mut raw).unwrap();
        }
        !keys.is_empty()
    }

    fn finish(&self) {
        let id = self.node(self.to).command(&["CLUSTER", "MYID"]);
        for node in [self.to, self.from, 3 - self.to - self.from] {
            self.node(node)
                .command(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &id]);
        }
    }
}

/// While a slot moves, a request may fail, and then it has done nothing; what is answered holds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_slot_may_move_at_any_time() {
    let cluster = Cluster::start();
    let prefix = fresh_prefix();
    let options = RedisStore::options().key_prefix(&prefix);
    let store = options.connect_cluster(cluster.urls()).await.unwrap();
    let tag = format!("{{{prefix}:{}}}", bucket_of("alice"));
    let mut there: Vec<Record> = Vec::new();
    for number in 0..40 {
        put(&store, &record("alice", number)).await;
        there.push(record("alice", number));
    }
    let (mut next, mut failed, mut over) = (100, 0, Vec::new());
    for round in 0..2 {
        // There and back.
        let owner = cluster.node_of(&tag);
        let (from, to) = [(owner, (owner + 1) % 3), ((owner + 1) % 3, owner)][round];
        let mover = Move::between(&cluster, &tag, from, to);
        mover.begin();
        loop {
            let moved_on = mover.step(3);
            // Everything that can be done to a session, one after the other.
            let new = record("alice", next);
            next += 1;
            match store.create(&new, None, start()).await {
                Ok(Created::Created { .. }) => there.push(new),
                Ok(other) => panic!("{other:?}"),
                Err(_) => {
                    failed += 1;
                    let loaded = store.load(&new.key, None, start()).await;
                    assert!(matches!(loaded, Ok(Loaded::Missing) | Err(_)), "{loaded:?}");
                }
            }
            let at_random = next as usize * 7 % there.len();
            let old = there[at_random].clone();
            let follower = successor(&old, next);
            next += 1;
            let same = Continuity::SameSession;
            match store
                .replace(&old.key, &follower, same, None, start())
                .await
            {
                Ok(Replaced::Replaced { .. }) => there[at_random] = follower,
                Ok(other) => panic!("{other:?}"),
                Err(_) => failed += 1,
            }
            let at_random = next as usize * 3 % there.len();
            let end = End::because(EndReason::SignOut);
            match store.delete(&there[at_random].key, end, start()).await {
                Ok(ended) => {
                    assert!(ended.is_some());
                    over.push(there.swap_remove(at_random));
                }
                Err(_) => failed += 1,
            }
            let at_random = next as usize * 5 % there.len();
            let added = store
                .add_client(&there[at_random].key, &client("late"), start())
                .await;
            match added {
                Ok(_) if !there[at_random].clients.contains(&client("late")) => {
                    there[at_random].clients.push(client("late"));
                }
                Ok(_) => {}
                Err(_) => failed += 1,
            }
            if !moved_on {
                break;
            }
        }
        mover.finish();
        // At once, by whatever is known of slots.
        for record in &there {
            let now = found(&store, record).await;
            assert_eq!(now.clients, record.clients, "round {round}");
        }
    }
    assert!(failed > 0, "the slot was never between two nodes");
    let list = store
        .query(&newest(Selection::Everyone, 1000), start())
        .await
        .unwrap();
    let ids = |records: &[Record]| {
        let mut ids: Vec<_> = records.iter().map(|record| record.key).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&list), ids(&there));
    let taken = store.take_ended(MINUTE, 1000, start()).await.unwrap();
    assert_eq!(taken.len(), over.len());
    let expired = store.take_expired(1000, at(HOUR)).await.unwrap();
    assert_eq!(expired.len(), there.len());
}

/// Without a word to the store: it hears of it from the nodes, and from then on asks the right one.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_moved_slots_are_learnt() {
    let cluster = Cluster::start();
    let prefix = fresh_prefix();
    let options = RedisStore::options().key_prefix(&prefix);
    let store = options.connect_cluster(cluster.urls()).await.unwrap();
    for subject in ["alice", "bob", "carol"] {
        put(&store, &record(subject, 1)).await;
        let mover = Move::of(&cluster, &format!("{{{prefix}:{}}}", bucket_of(subject)));
        mover.begin();
        while mover.step(100) {}
        mover.finish();
    }
    let list = store
        .query(&newest(Selection::Everyone, 9), start())
        .await
        .unwrap();
    assert_eq!(list.len(), 3);
    let refused = |cluster: &Cluster| -> u64 {
        let count = |node: &Redis| {
            let stats = node.command(&["INFO", "errorstats"]);
            let moved = stats
                .lines()
                .find_map(|line| line.strip_prefix("errorstat_MOVED:count="));
            moved.map_or(0, |count| count.trim().parse().unwrap())
        };
        cluster.nodes().iter().map(count).sum()
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    store
        .load(&record("alice", 1).key, None, start())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = refused(&cluster);
    for _ in 0..10 {
        for subject in ["alice", "bob", "carol"] {
            assert_eq!(found(&store, &record(subject, 1)).await, record(subject, 1));
        }
    }
    assert_eq!(
        refused(&cluster),
        before,
        "nobody is asked in vain any more"
    );
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
    let options = RedisStore::options().key_prefix(&prefix);
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
    // What spans the cluster works on the rest of it.
    let expired = store.take_expired(1000, at(HOUR)).await.unwrap();
    assert_eq!(expired.len(), is_gone.iter().filter(|gone| !**gone).count());

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
    let options = RedisStore::options().key_prefix(&prefix);
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
