//! The twin of [`SessionStore`] that can be a trait object, where its operations are watched, and stores behind an [`Arc`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    key::RecordKey,
    operation::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
        TakenEnd, Touch, Touched, Update, Updated,
    },
    query::{Filter, Query, Selection},
    record::Record,
    session_store::SessionStore,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    events::{Operation, StoreCall, operation},
    hook::BoxFuture,
    id::ClientId,
};

/// Hands the signature of every operation to a macro: what it is called as a kind, what it borrows, then what it takes by value, then its answer.
macro_rules! every_operation {
    ($expand:ident) => {
        $expand! {
            Create: create(record: Record; limit: Option<Limit>, now: SystemTime) -> Created;
            Load: load(key: RecordKey; touch: Option<Touch>, now: SystemTime) -> Loaded;
            Update: update(key: RecordKey, update: Update; expected_version: u64, now: SystemTime) -> Updated;
            Touch: touch(key: RecordKey; touch: Touch, now: SystemTime) -> Touched;
            AddClient: add_client(key: RecordKey, client: ClientId; now: SystemTime) -> ClientAdded;
            RemoveClient: remove_client(key: RecordKey, client: ClientId; now: SystemTime) -> ClientRemoved;
            Replace: replace(old: RecordKey, record: Record; continuity: Continuity, limit: Option<Limit>, now: SystemTime) -> Replaced;
            Delete: delete(key: RecordKey; end: End, now: SystemTime) -> Option<Ended>;
            Find: find(filter: Filter; limit: usize, now: SystemTime) -> Vec<Record>;
            Query: query(query: Query; now: SystemTime) -> Vec<Record>;
            Count: count(selection: Selection; now: SystemTime) -> u64;
            DeleteMatching: delete_matching(selection: Selection; reason: EndReason, max: usize, now: SystemTime) -> u64;
            TakeExpired: take_expired(; max: usize, now: SystemTime) -> Vec<Ended>;
            TakeEnded: take_ended(; lease: Duration, max: usize, now: SystemTime) -> Vec<TakenEnd>;
            Acknowledge: acknowledge(events: [EventId];) -> u64;
            Purge: purge(; unheard_before: SystemTime, now: SystemTime) -> Purged;
        }
    };
}

macro_rules! boxed_twin {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        pub(crate) trait BoxedStore: Send + Sync + 'static {
            $(fn $name<'a>(
                &'a self,
                $($borrowed: &'a $place,)*
                $($value: $kind,)*
            ) -> BoxFuture<'a, Result<$answer, StoreError>>;)*

            fn searches_within_names(&self) -> bool;
        }

        impl<T: SessionStore> BoxedStore for T {
            $(fn $name<'a>(
                &'a self,
                $($borrowed: &'a $place,)*
                $($value: $kind,)*
            ) -> BoxFuture<'a, Result<$answer, StoreError>> {
                static OPERATION: Operation = operation!(stringify!($name));
                Box::pin(async move {
                    let call = StoreCall::begin(&OPERATION);
                    let answer = SessionStore::$name(self, $($borrowed,)* $($value,)*).await;
                    call.end(&answer);
                    answer
                })
            })*

            fn searches_within_names(&self) -> bool {
                SessionStore::searches_within_names(self)
            }
        }
    };
}

macro_rules! behind_an_arc {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// So that the host can keep the store that it gives away.
        impl<T: SessionStore> SessionStore for Arc<T> {
            $(async fn $name(
                &self,
                $($borrowed: &$place,)*
                $($value: $kind,)*
            ) -> Result<$answer, StoreError> {
                T::$name(self, $($borrowed,)* $($value,)*).await
            })*

            fn searches_within_names(&self) -> bool {
                T::searches_within_names(self)
            }
        }
    };
}

every_operation!(boxed_twin);
every_operation!(behind_an_arc);

#[cfg(feature = "testing")]
pub(crate) use every_operation;
