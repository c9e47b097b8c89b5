//! Slots of a cluster that move from node to node.

use std::time::Duration;

use axum_user_session::{
    ended::EndReason,
    store::{
        Continuity, Created, End, Loaded, Record, RedisOptions, Replaced, Selection, SessionStore,
        bucket_of,
    },
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, client, found, fresh_prefix, newest, put, record, start,
        successor,
    },
    servers::{Cluster, Redis},
};

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
    let options = RedisOptions::new().key_prefix(&prefix);
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
    let options = RedisOptions::new().key_prefix(&prefix);
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
