//! The store in memory, held to the contract of all stores, and to what is its own.

use std::sync::Arc;

use axum_user_session::{
    store::MemoryStore,
    store_conformance,
    testing::{
        Counter, Faults,
        conformance::{self, Kept, Nodes},
    },
};

store_conformance! {
    async { MemoryStore::new(10_000) }
}

/// As one value that is handed around: behind an `Arc`, watched, on several nodes, and kept together with something.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_every_wrapping() {
    let counter = Counter::new();
    conformance::run(async || {
        let store = counter.around(Arc::new(MemoryStore::new(10_000)));
        let faults = Faults::new();
        let nodes = [store.clone(), store].map(|store| faults.around(store));
        Kept::new(Nodes::new(nodes), "a temporary folder")
    })
    .await;
    assert!(counter.total() > 1000, "{counter:?}");
}

/// Over many histories, as this store is quick.
#[tokio::test]
async fn promise_1_many_histories_are_answered_as_by_a_plain_store() {
    for seed in 2..200 {
        conformance::history::live_through(MemoryStore::new(10_000), seed, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_1_operations_at_once_have_one_order_many_times_over() {
    for seed in 2..30 {
        conformance::one_order::find_orders(MemoryStore::new(10_000), seed, 50).await;
    }
}
