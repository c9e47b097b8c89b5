//! The outbox in memory, held to the contract of all outboxes, and to what is its own.

use axum_user_session::{outbox_conformance, store::MemoryStore, testing::conformance::outbox};

outbox_conformance! {
    async { MemoryStore::new(10_000) }
}
