use std::{
    future::Future,
    panic::Location,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::fixtures::{MINUTE, created, newest};
use crate::{
    ended::{EndReason, Ended, EventId},
    id::ClientId,
    store::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Filter, Limit, Loaded, Purged, Query,
        Record, RecordKey, Replaced, Selection, SessionStore, TakenEnd, Touch, Touched, Update,
        Updated, every_operation,
    },
};

/// A store in a case: an error that it gives fails the case, there and then. Clones are one store.
pub(super) struct Probe<S> {
    store: Arc<S>,
}

macro_rules! sure_of_an_answer {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[allow(clippy::ptr_arg, reason = "these are the signatures of the trait")]
        impl<S: SessionStore> Probe<S> {
            $(
                #[track_caller]
                pub(super) fn $name(
                    &self,
                    $($borrowed: &$place,)*
                    $($value: $kind,)*
                ) -> impl Future<Output = $answer> + Send {
                    let asked_at = Location::caller();
                    async move {
                        let answer = self.store.$name($($borrowed,)* $($value,)*).await;
                        answer.unwrap_or_else(|error| panic!(
                            "{} failed, asked at {asked_at}: {error:?}", stringify!($name)
                        ))
                    }
                }
            )*
        }
    };
}

every_operation!(sure_of_an_answer);

impl<S: SessionStore> Probe<S> {
    pub(super) fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
        }
    }

    /// The store itself, for cases that expect an error.
    pub(super) fn inner(&self) -> &S {
        &self.store
    }

    /// Creates a record, without a limit.
    #[track_caller]
    pub(super) fn put(&self, record: &Record) -> impl Future<Output = ()> + Send {
        let put_at = Location::caller();
        async move {
            let answer = self.create(record, None, record.renewed).await;
            assert_eq!(answer, created(), "{record:?} was not created, at {put_at}");
        }
    }

    /// Creates records, without a limit.
    pub(super) async fn put_all(&self, records: &[Record]) {
        for record in records {
            self.put(record).await;
        }
    }

    /// The record of a key, which must be there; a plain read.
    #[track_caller]
    pub(super) fn found(
        &self,
        key: &RecordKey,
        now: SystemTime,
    ) -> impl Future<Output = Record> + Send {
        let asked_at = Location::caller();
        async move {
            match self.load(key, None, now).await {
                Loaded::Found(record) => *record,
                other => panic!("{key:?} is {other:?} and should be there, at {asked_at}"),
            }
        }
    }

    /// All sessions that have not expired, newest first.
    pub(super) async fn everyone(&self, now: SystemTime) -> Vec<Record> {
        self.query(&newest(Selection::Everyone, 1000), now).await
    }

    /// Takes all of the log of ends, acknowledges it, and gives it in the order of the events' names. Nobody may have taken any of it before.
    pub(super) async fn drain_log(&self, now: SystemTime) -> Vec<Ended> {
        let mut log = Vec::new();
        loop {
            let taken = self.take_ended(MINUTE, 1000, now).await;
            if taken.is_empty() {
                break;
            }
            let events: Vec<_> = taken.iter().map(|taken| taken.ended.event_id).collect();
            let acknowledged = self.acknowledge(&events).await;
            assert_eq!(acknowledged, events.len() as u64, "entries were lost");
            let attempts = taken.iter().all(|taken| taken.attempts == 1);
            assert!(attempts, "somebody has taken entries before");
            log.extend(taken.into_iter().map(|taken| taken.ended));
            assert!(log.len() < 10_000, "the log has no end");
        }
        log.sort_by_key(|ended| ended.event_id);
        log
    }
}

impl<S> Clone for Probe<S> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
        }
    }
}
