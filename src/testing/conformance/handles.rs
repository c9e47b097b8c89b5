use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Filter, Limit, Loaded, Purged, Query,
        Record, RecordKey, Replaced, Selection, SessionStore, TakenEnd, Touch, Touched, Update,
        Updated, every_operation,
    },
};

/// Several handles to the same data, as several nodes have them: each operation goes to the next of them.
///
/// Run the suite over it to find what one node keeps to itself, such as what it has read before.
///
/// ```
/// use axum_user_session::{store::MemoryStore, store_conformance, testing::conformance::Nodes};
///
/// store_conformance! {
///     async {
///         let store = MemoryStore::new(10_000);
///         Nodes::new([store.clone(), store])
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Nodes<S> {
    nodes: Vec<S>,
    next: AtomicUsize,
}

impl<S> Nodes<S> {
    /// Takes turns among handles.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn new(handles: impl IntoIterator<Item = S>) -> Self {
        let nodes: Vec<_> = handles.into_iter().collect();
        assert!(!nodes.is_empty(), "there must be at least one node");
        Self {
            nodes,
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn pick(&self) -> &S {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        &self.nodes[next % self.nodes.len()]
    }
}

/// A store, and something else that must be there for as long as it is: a temporary folder, a server's process.
///
/// The store is dropped first.
#[derive(Debug)]
pub struct Kept<S, T> {
    store: S,
    _kept: T,
}

impl<S, T> Kept<S, T> {
    /// Keeps `kept` while the store is there.
    pub fn new(store: S, kept: T) -> Self {
        Self { store, _kept: kept }
    }

    pub(super) fn pick(&self) -> &S {
        &self.store
    }
}

macro_rules! hand_on {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        hand_on! { impl [S: SessionStore] for [Nodes<S>]
            $($name($($borrowed: $place),*; $($value: $kind),*) -> $answer;)* }
        hand_on! { impl [S: SessionStore, T: Send + Sync + 'static] for [Kept<S, T>]
            $($name($($borrowed: $place),*; $($value: $kind),*) -> $answer;)* }
    };
    (impl [$($of:tt)*] for [$handle:ty]
        $($name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl<$($of)*> SessionStore for $handle {
            $(async fn $name(
                &self,
                $($borrowed: &$place,)*
                $($value: $kind,)*
            ) -> Result<$answer, StoreError> {
                self.pick().$name($($borrowed,)* $($value,)*).await
            })*

            fn searches_within_names(&self) -> bool {
                self.pick().searches_within_names()
            }
        }
    };
}

every_operation!(hand_on);
