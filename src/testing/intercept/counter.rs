use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    intercepted::{Intercepted, Interceptor},
    operation::Operation,
};
use crate::{error::StoreError, store::SessionStore};

/// Counts what a store is asked for, so that a test can say how often that may be; clones are one counter.
///
/// An operation counts when it begins, whether or not it succeeds.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::SystemTime;
/// use axum_user_session::{
///     store::{MemoryStore, RecordKey, SessionStore},
///     testing::{Counter, Operation},
/// };
///
/// let counter = Counter::new();
/// let store = counter.around(MemoryStore::new(10));
/// store.load(&RecordKey::of_subject([1; 32], "alice"), None, SystemTime::now()).await.unwrap();
/// assert_eq!(counter.count(Operation::Load), 1);
/// assert_eq!(counter.total(), 1);
/// counter.reset();
/// assert_eq!(counter.total(), 0);
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Counter {
    counts: Arc<[AtomicU64; Operation::ALL.len()]>,
}

impl Counter {
    /// A counter that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The store, with this counter in front.
    pub fn around<S: SessionStore>(&self, store: S) -> Intercepted<S, Self> {
        Intercepted::new(store, self.clone())
    }

    /// How often an operation has begun.
    pub fn count(&self, operation: Operation) -> u64 {
        self.counter(operation).load(Ordering::Relaxed)
    }

    /// How many operations have begun, of all kinds.
    pub fn total(&self) -> u64 {
        let counts = self.counts.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Begins again at zero.
    pub fn reset(&self) {
        for count in self.counts.iter() {
            count.store(0, Ordering::Relaxed);
        }
    }

    fn counter(&self, operation: Operation) -> &AtomicU64 {
        &self.counts[operation as usize]
    }
}

impl Interceptor for Counter {
    async fn before(&self, operation: Operation) -> Result<(), StoreError> {
        self.counter(operation).fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl fmt::Debug for Counter {
    /// Shows what has been counted, for the message of a failed assertion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Operation::ALL.iter();
        let counts = counts.map(|operation| (operation, self.count(*operation)));
        f.debug_map()
            .entries(counts.filter(|(_, count)| *count > 0))
            .finish()
    }
}
