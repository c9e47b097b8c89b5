use std::time::{Duration, SystemTime};

use super::{
    compare::{show, show_end},
    probe::Probe,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    id::ClientId,
    store::{
        Continuity, Created, End, Filter, Limit, Loaded, Query, Record, RecordKey, Replaced,
        Selection, SessionStore, Touch, Update,
    },
};

/// Something that a store can be asked, as a value. Of lists whose order is only about right, the answer is put in order.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Create(Record, Option<Limit>, SystemTime),
    Load(RecordKey, Option<Touch>, SystemTime),
    Update(RecordKey, Update, u64, SystemTime),
    Touch(RecordKey, Touch, SystemTime),
    AddClient(RecordKey, ClientId, SystemTime),
    RemoveClient(RecordKey, ClientId, SystemTime),
    Replace(RecordKey, Record, Continuity, Option<Limit>, SystemTime),
    Delete(RecordKey, End, SystemTime),
    Find(Filter, usize, SystemTime),
    Query(Query, SystemTime),
    Count(Selection, SystemTime),
    DeleteMatching(Selection, EndReason, SystemTime),
    TakeExpired(SystemTime),
    TakeEnded(Duration, SystemTime),
    Acknowledge(Vec<EventId>),
    PurgeEnds(SystemTime, SystemTime),
}

/// Enough for all that there is.
const ALL: usize = 1000;

impl Request {
    /// Asks a store, and gives its answer in full as text.
    pub(super) async fn ask<S: SessionStore>(&self, store: &Probe<S>) -> String {
        match self {
            Self::Create(record, limit, now) => match store.create(record, *limit, *now).await {
                Created::Created { evicted } => format!("created, evicted {}", list(&evicted)),
                other => format!("{other:?}"),
            },
            Self::Load(key, touch, now) => match store.load(key, *touch, *now).await {
                Loaded::Found(record) => show(&record),
                other => format!("{other:?}"),
            },
            Self::Update(key, update, version, now) => {
                format!("{:?}", store.update(key, update, *version, *now).await)
            }
            Self::Touch(key, touch, now) => format!("{:?}", store.touch(key, *touch, *now).await),
            Self::AddClient(key, client, now) => {
                format!("{:?}", store.add_client(key, client, *now).await)
            }
            Self::RemoveClient(key, client, now) => {
                format!("{:?}", store.remove_client(key, client, *now).await)
            }
            Self::Replace(old, new, continuity, limit, now) => {
                match store.replace(old, new, *continuity, *limit, *now).await {
                    Replaced::Replaced {
                        created,
                        clients,
                        ended,
                    } => format!("{created:?} {clients:?}, ended {}", list(&ended)),
                    other => format!("{other:?}"),
                }
            }
            Self::Delete(key, end, now) => list(store.delete(key, *end, *now).await.as_slice()),
            Self::Find(filter, limit, now) => records(store.find(filter, *limit, *now).await),
            Self::Query(query, now) => records(store.query(query, *now).await),
            Self::Count(selection, now) => store.count(selection, *now).await.to_string(),
            Self::DeleteMatching(selection, reason, now) => {
                let ended = store.delete_matching(selection, *reason, ALL, *now).await;
                ended.to_string()
            }
            Self::TakeExpired(now) => sorted(store.take_expired(ALL, *now).await, show_end),
            Self::TakeEnded(lease, now) => {
                let taken = store.take_ended(*lease, ALL, *now).await;
                sorted(taken, |taken| {
                    format!("{} attempt {}", show_end(&taken.ended), taken.attempts)
                })
            }
            Self::Acknowledge(events) => store.acknowledge(events).await.to_string(),
            Self::PurgeEnds(unheard_before, now) => {
                // A call may leave some to the next.
                let mut total = 0;
                for _ in 0..3 {
                    total += store.purge(*unheard_before, *now).await.unheard_ends;
                }
                total.to_string()
            }
        }
    }
}

fn list(ended: &[Ended]) -> String {
    let ended: Vec<_> = ended.iter().map(show_end).collect();
    format!("[{}]", ended.join("\n   "))
}

fn records(records: Vec<Record>) -> String {
    let records: Vec<_> = records.iter().map(show).collect();
    format!("[{}]", records.join("\n   "))
}

fn sorted<T>(some: Vec<T>, show: impl Fn(&T) -> String) -> String {
    let mut texts: Vec<_> = some.iter().map(show).collect();
    texts.sort();
    format!("[{}]", texts.join("\n   "))
}
