//! Sessions are listed and counted.

use std::{cmp::Reverse, collections::HashSet, sync::Arc, time::SystemTime};

use super::{call::Call, failure::Failure, reply::count, row::millis, store::Inner, walk::Form};
use crate::{
    error::StoreError,
    store::{
        key::RecordKey,
        query::{Part, Position, Query, Selection},
        record::Record,
    },
};

impl Inner {
    pub(super) async fn query(
        self: &Arc<Self>,
        query: &Query,
        now: SystemTime,
    ) -> Result<Vec<Record>, StoreError> {
        let Query {
            selection,
            part,
            limit,
        } = query;
        let mut walk = self.walk_part(selection, part, *limit).await?;
        let mut known = HashSet::new();
        let mut found = Vec::new();
        while found.len() < *limit
            && let Some(records) = walk.next(Form::Whole, now).await?
        {
            let meant = |record: &Record| {
                !record.has_expired(now)
                    && part.contains(&Position::of(record))
                    && selection.matches(record)
            };
            for record in records {
                if meant(&record) && known.insert(record.key) {
                    found.push(record);
                }
            }
        }
        found.sort_by_cached_key(|record| Reverse(Position::of(record)));
        // What lies nearest to where the part begins is the part.
        if let Part::NewerThan(_) = part {
            found.drain(..found.len().saturating_sub(*limit));
        }
        found.truncate(*limit);
        Ok(found)
    }

    pub(super) async fn count(
        self: &Arc<Self>,
        selection: &Selection,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        if let Selection::Everyone = selection {
            return Ok(self.count_everyone(now).await?);
        }
        let mut walk = self.walk_all(selection).await?;
        let mut known = HashSet::new();
        while let Some(records) = walk.next(Form::Outline, now).await? {
            let meant = |record: &&Record| !record.has_expired(now) && selection.matches(record);
            known.extend(records.iter().filter(meant).map(|record| record.key));
        }
        Ok(known.len() as u64)
    }

    /// The expiry sets know it exactly.
    async fn count_everyone(&self, now: SystemTime) -> Result<u64, Failure> {
        let calls = (0..RecordKey::BUCKETS).map(|bucket| {
            let call = Call::command("ZCOUNT", self.keys.expiry(bucket));
            call.arg(format!("({}", millis(now))).arg("+inf")
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut total = 0;
        for reply in replies {
            total += count(reply?)?;
        }
        Ok(total)
    }
}
