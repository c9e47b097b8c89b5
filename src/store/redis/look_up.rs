//! From entries in the indexes to records.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::SystemTime,
};

use redis::Value;

use super::{
    call::Call,
    entry::{Entry, bounds_of_prefix, is_between, pattern_of_id},
    failure::Failure,
    reply::{UNEXPECTED, bytes, count, exactly, list, pairs, text},
    row,
    script::LIST,
    store::Inner,
    walk::{Form, STEP, go_on_after},
    way::Direction,
};
use crate::{
    id::SessionId,
    store::{key::RecordKey, record::Record},
};

impl Inner {
    /// What stands for the sessions of an id, as in the index of all sessions.
    pub(super) async fn members_of_id(&self, id: &SessionId) -> Result<Vec<Vec<u8>>, Failure> {
        let mut members = HashSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let call = Call::command("HSCAN", self.keys.ids(id))
                .arg(cursor)
                .arg("MATCH")
                .arg(pattern_of_id(id))
                .args(["COUNT", "1000"]);
            let [next, found] = exactly(self.servers.call(&call).await?)?;
            for (field, subject) in pairs(found)? {
                let entry = Entry::from_id(&bytes(field)?, &bytes(subject)?);
                members.extend(entry.map(|entry| entry.as_newest()));
            }
            cursor = text(next)?;
            if cursor == "0" {
                return Ok(members.into_iter().collect());
            }
        }
    }

    /// In how many steps to look for a name among all sessions, until it is better to sort all entries that have it.
    ///
    /// Of `total` sessions `many` match. If they are spread evenly, a page of `limit` is found among `limit * total / many`. To look at a session costs as much as
    /// to read some twenty names, so no more than `many / 20` are looked at before that is done.
    pub(super) async fn steps_before_sorting(
        &self,
        folded: &str,
        limit: usize,
    ) -> Result<u64, Failure> {
        let [low, high] = bounds_of_prefix(folded);
        let many = Call::command("ZLEXCOUNT", self.keys.names());
        let calls = [
            many.arg(low).arg(high),
            Call::command("ZCARD", self.keys.newest()),
        ];
        let mut counts = self.servers.call_all(&calls).await.into_iter();
        let mut next = || count(counts.next().ok_or(UNEXPECTED)??);
        let (many, total) = (next()?, next()?);
        let most = many / 20;
        let likely = (limit as u64).saturating_mul(total) / many.max(1);
        Ok(if likely > most {
            0
        } else {
            most.div_ceil(STEP as u64)
        })
    }

    /// The first sessions in a direction whose names begin with a text, and that are between two bounds in the index of all sessions; the bounds are moved
    /// behind them. Also whether there are more.
    pub(super) async fn first_named(
        &self,
        folded: &str,
        bounds: &mut [Vec<u8>; 2],
        direction: Direction,
        most: usize,
    ) -> Result<(VecDeque<Vec<u8>>, bool), Failure> {
        let [mut low, high] = bounds_of_prefix(folded);
        let mut found = BTreeMap::new();
        let mut more = false;
        loop {
            let range = [low, high.clone()];
            let call = between(&self.keys.names(), &range, Direction::Newer, NAMES);
            let members = members(self.servers.call(&call).await?)?;
            let last = (members.len() == NAMES).then(|| members.last().map(|it| after(it)));
            for member in members {
                let Some(place) = Entry::from_name(&member).map(|entry| entry.as_newest()) else {
                    continue;
                };
                if is_between(&place, bounds) {
                    found.insert(place, member);
                }
                if found.len() > most {
                    more = true;
                    match direction {
                        Direction::Older => found.pop_first(),
                        Direction::Newer => found.pop_last(),
                    };
                }
            }
            match last.flatten() {
                Some(last) => low = last,
                None => break,
            }
        }
        let farthest = match direction {
            Direction::Older => found.first_key_value(),
            Direction::Newer => found.last_key_value(),
        };
        if let Some((place, _)) = farthest {
            go_on_after(bounds, direction, place);
        }
        let members = found.into_values();
        let members = match direction {
            Direction::Older => members.rev().collect(),
            Direction::Newer => members.collect(),
        };
        Ok((members, more))
    }

    /// The records that entries lead to, and the places of those that lead nowhere for good.
    pub(super) async fn look_up(
        &self,
        entries: &[Entry],
        form: Form,
        now: SystemTime,
    ) -> Result<(Vec<Record>, Vec<usize>), Failure> {
        let calls = entries.iter().map(|entry| {
            let key = self.keys.subject(entry.bucket(), &entry.subject);
            Call::script(&LIST, vec![key])
                .number(entry.created)
                .number(entry.created)
                .args(["newer", "-1"])
                .arg(entry.session_id.as_str())
                .arg(form.word())
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut records = Vec::new();
        let mut stale = Vec::new();
        for (at, (entry, reply)) in entries.iter().zip(replies).enumerate() {
            let (_, found) = listed(reply?, entry.bucket())?;
            if found.is_empty() && entry.may_be_dropped(now) {
                stale.push(at);
            }
            records.extend(found);
        }
        Ok((records, stale))
    }

    /// The records that members of the index of all sessions lead to. Those that lead nowhere are dropped from it.
    pub(super) async fn look_up_newest(
        &self,
        members: Vec<Vec<u8>>,
        form: Form,
        now: SystemTime,
    ) -> Result<Vec<Record>, Failure> {
        let entries = members.iter().filter_map(|it| Entry::from_newest(it));
        let entries: Vec<_> = entries.collect();
        let (records, stale) = self.look_up(&entries, form, now).await?;
        let stale = stale.into_iter();
        let calls = stale.flat_map(|at| entries[at].calls_to_remove(&self.keys, None));
        self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        Ok(records)
    }

    /// As [`look_up_newest`](Self::look_up_newest), for the index of names.
    pub(super) async fn look_up_named(
        &self,
        members: Vec<Vec<u8>>,
        form: Form,
        now: SystemTime,
    ) -> Result<Vec<Record>, Failure> {
        let named = members.iter();
        let named = named.filter_map(|member| Some((member, Entry::from_name(member)?)));
        let (members, entries): (Vec<_>, Vec<_>) = named.unzip();
        let (records, stale) = self.look_up(&entries, form, now).await?;
        if !stale.is_empty() {
            let call = Call::command("ZREM", self.keys.names());
            let call = call.args(stale.into_iter().map(|at| &members[at][..]));
            self.servers.call_all(&[call]).await;
        }
        Ok(records)
    }
}

/// Members of a sorted set without scores between two bounds.
pub(super) fn between(
    set: &[u8],
    bounds: &[Vec<u8>; 2],
    direction: Direction,
    limit: usize,
) -> Call {
    let [low, high] = bounds.clone();
    let call = Call::command("ZRANGE", set.to_vec());
    let call = match direction {
        Direction::Older => call.arg(high).arg(low).args(["BYLEX", "REV"]),
        Direction::Newer => call.arg(low).arg(high).arg("BYLEX"),
    };
    call.args(["LIMIT", "0"]).arg(limit.to_string())
}

/// The bound that leaves out a member, and what was before it.
pub(super) fn after(member: &[u8]) -> Vec<u8> {
    [b"(", member].concat()
}

pub(super) fn members(reply: Value) -> Result<Vec<Vec<u8>>, Failure> {
    list(reply)?.into_iter().map(bytes).collect()
}

/// Reads what `list.lua` gives: where it has stopped, and records.
pub(super) fn listed(reply: Value, bucket: u16) -> Result<(String, Vec<Record>), Failure> {
    let mut parts = list(reply)?.into_iter();
    let place = text(parts.next().ok_or(UNEXPECTED)?)?;
    let mut records = Vec::new();
    for part in parts {
        let [key, fields] = exactly(part)?;
        let digest = bytes(key)?.try_into().map_err(|_| UNEXPECTED)?;
        match row::record(RecordKey::new(digest, bucket), fields) {
            Ok(record) => records.extend(record),
            // One that is damaged must not hide the others.
            Err(failure) => tracing::warn!(%failure, "a session is left out of a list"),
        }
    }
    Ok((place, records))
}

/// How many names are read at once.
const NAMES: usize = 5000;
