//! The outbox in memory, held to the contract of all outboxes, and to what is its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    id::{ClientId, SessionId},
    outbox_conformance,
    store::{LogoutOutbox, MemoryStore, Outcome},
    testing::conformance::{Kept, Nodes, outbox},
};

outbox_conformance! {
    async { MemoryStore::new(10_000) }
}

/// As one value that is handed around: behind an `Arc`, on several nodes, and kept together with something.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_every_wrapping() {
    outbox::run(async || {
        let store = Arc::new(MemoryStore::new(10_000));
        Kept::new(Nodes::new([store.clone(), store]), "a temporary folder")
    })
    .await;
}

#[tokio::test]
async fn o6_a_full_outbox_refuses_and_drops_nothing_that_waits() {
    let store = MemoryStore::new(1);
    assert_eq!(put_in(&store, 0, ROOM).await, Some(ROOM as u64));
    for clients in [1, 100] {
        assert_eq!(put_in(&store, 1, clients).await, None);
    }
    let counts = store.count_deliveries().await.unwrap();
    assert_eq!(counts.pending, ROOM as u64);
    assert_eq!(put_in(&store, 0, ROOM).await, Some(0), "they are there");
    let taken = store.take_due(HOUR, ROOM + 1, &[], NOW).await.unwrap();
    assert_eq!(taken.len(), ROOM);
}

/// What is settled makes room, the oldest first; and all of an end find room or none.
#[tokio::test]
async fn o6_what_is_settled_makes_room_in_a_full_outbox() {
    let store = MemoryStore::new(1);
    put_in(&store, 0, ROOM).await;
    let taken = store.take_due(HOUR, 10, &[], NOW).await.unwrap();
    for (taken, settled) in taken.iter().zip(1..) {
        let attempt = taken.settled(Outcome::Delivered);
        let settled = NOW + Duration::from_secs(settled);
        store.settle(&[attempt], settled).await.unwrap();
    }
    assert_eq!(put_in(&store, 1, 11).await, None);
    let counts = store.count_deliveries().await.unwrap();
    assert_eq!(counts.delivered, 10, "nothing was dropped in vain");
    assert_eq!(put_in(&store, 1, 4).await, Some(4));
    let counts = store.count_deliveries().await.unwrap();
    assert_eq!((counts.delivered, counts.pending), (6, ROOM as u64 - 6));
    let left = NOW + Duration::from_secs(5);
    assert_eq!(store.forget_settled(left).await.unwrap(), 0);
}

/// More room in a larger store.
#[tokio::test]
async fn o6_there_is_room_for_eight_deliveries_of_each_session() {
    let store = MemoryStore::new(2_000);
    assert_eq!(put_in(&store, 0, 16_000).await, Some(16_000));
    assert_eq!(put_in(&store, 1, 1).await, None);
}

/// Over many histories, as this store is quick. It is its own measure here, so this looks for panics and for what it loses count of.
#[tokio::test]
async fn o6_many_histories_are_lived_through() {
    for seed in 2..60 {
        outbox::history::live_through(MemoryStore::new(10_000), seed, 300).await;
    }
}

const NOW: SystemTime = UNIX_EPOCH;
const HOUR: Duration = Duration::from_secs(3600);
/// What the smallest outbox holds.
const ROOM: usize = 10_000;

/// How many were new, or none if there was no room.
async fn put_in(store: &MemoryStore, number: u8, clients: usize) -> Option<u64> {
    let session_id = SessionId::parse("s").unwrap();
    let event = EventId::new([number; EventId::LEN]);
    let ended = Ended::new(event, "alice", session_id, EndReason::SignOut, NOW);
    let clients = (0..clients).map(|number| ClientId::parse(&number.to_string()).unwrap());
    let clients: Vec<_> = clients.collect();
    store.put_in(&ended, &clients, NOW).await.ok()
}
