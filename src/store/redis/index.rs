//! What stands for sessions in the indexes outside of their buckets, and is written before them and dropped after them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use super::{
    call::Call,
    entry::{Entry, MarkedName},
    failure::Failure,
    row::millis,
    store::{Inner, lock},
    walk::Form,
    way::Index,
};

impl Inner {
    /// Drops what stands for a session that has ended, or has not begun. Whoever finds it before, or if this fails, drops it.
    pub(super) fn unindex(self: &Arc<Self>, entry: &Entry, name: Option<&MarkedName>) {
        self.in_background(entry.calls_to_remove(&self.keys, name));
    }

    /// Makes calls that nobody waits for and that may fail.
    pub(super) fn in_background(self: &Arc<Self>, calls: Vec<Call>) {
        if calls.is_empty() {
            return;
        }
        let inner = self.clone();
        tokio::spawn(async move {
            for reply in inner.servers.call_all(&calls).await {
                if let Err(failure) = reply {
                    tracing::debug!(%failure, "an entry in an index of Redis stays until it is read");
                }
            }
        });
    }
}

impl Inner {
    /// Goes on through the indexes from where the last call has stopped, and drops what leads nowhere.
    pub(super) async fn tidy_indexes(self: &Arc<Self>, now: SystemTime) -> Result<(), Failure> {
        for index in [Index::All, Index::Names] {
            let from = self.tidied.place(index);
            let mut walk = self.walk_index(index, from);
            walk.next(Form::Outline, now).await?;
            self.tidied.go_on(index, walk.place());
        }
        Ok(())
    }
}

/// How far the indexes have been tidied by this process.
#[derive(Default)]
pub(super) struct Tidied {
    places: Mutex<HashMap<Index, Vec<u8>>>,
}

impl Tidied {
    fn place(&self, index: Index) -> Vec<u8> {
        let places = lock(&self.places);
        places.get(&index).cloned().unwrap_or_else(|| b"-".to_vec())
    }

    /// None: from the beginning again.
    fn go_on(&self, index: Index, place: Option<Vec<u8>>) {
        let mut places = lock(&self.places);
        match place {
            Some(place) => places.insert(index, place),
            None => places.remove(&index),
        };
    }
}

impl Entry {
    /// Whether there is no doubt that a session that is not found has ended, and is not just about to begin.
    pub(super) fn may_be_dropped(&self, now: SystemTime) -> bool {
        let age = millis(now).saturating_sub(self.created);
        age > GRACE.as_millis() as i64
    }
}

/// How long an entry may be there before its session at most. Far longer than any operation takes.
const GRACE: Duration = Duration::from_secs(300);
