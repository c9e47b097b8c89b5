//! Taking deliveries that are due.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use redis::Value;

use super::{
    call::Call,
    delivery::{named, taken},
    due::Due,
    failure::Failure,
    outbox::parts,
    reply::{bytes, exactly, list},
    row::millis,
    script::TAKE_DUE,
    store::Inner,
};
use crate::{error::StoreError, id::ClientId, store::delivery::TakenDelivery};

impl Inner {
    pub(super) async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        let except: HashSet<_> = except
            .iter()
            .map(|client| client.as_str().as_bytes())
            .collect();
        let mut all = Vec::new();
        loop {
            let next = match self.next_due(max - all.len(), &except, now).await {
                Ok(next) => next,
                // What has been taken is to be told.
                Err(_) if !all.is_empty() => break,
                Err(failure) => return Err(failure.into()),
            };
            let wanted = next.len();
            match self.take_named(&next, lease, now).await {
                Ok(taken) => all.extend(taken),
                Err(_) if !all.is_empty() => break,
                Err(failure) => return Err(failure.into()),
            }
            // Others may have been quicker with some, and some may make no sense, which are hidden now. There may be more behind these.
            if wanted == 0 || all.len() >= max || lease.is_zero() {
                break;
            }
        }
        Ok(all)
    }

    /// Those whose turn it is, of all parts. A node that is away does not stop those of the others.
    async fn next_due(
        &self,
        max: usize,
        except: &HashSet<&[u8]>,
        now: SystemTime,
    ) -> Result<Vec<Due>, Failure> {
        let waiting = |part| self.keys.waiting(part);
        let mut next = Vec::new();
        let mut left: Vec<u16> = parts().collect();
        let (mut from, mut of_each) = (0, FIRST_LOOK.min(max));
        while !left.is_empty() {
            let (due, failure) = self
                .due_from(&left, waiting, from, of_each, millis(now))
                .await?;
            if let (Some(failure), true, true) = (failure, due.is_empty(), next.is_empty()) {
                return Err(failure);
            }
            // Whoever has fewer than were asked for has no more.
            let mut seen: HashMap<u16, usize> = HashMap::new();
            let mut of_part: HashMap<u16, usize> = HashMap::new();
            for due in due {
                *seen.entry(due.bucket).or_default() += 1;
                if !except.contains(due.member.get(EVENT..).unwrap_or_default()) {
                    next.push(due);
                }
            }
            for due in &next {
                *of_part.entry(due.bucket).or_default() += 1;
            }
            left.retain(|part| {
                let may_have_more = seen.get(part) == Some(&of_each);
                may_have_more && of_part.get(part).is_none_or(|found| *found < max)
            });
            from += of_each;
            of_each = (of_each * 4).min(LONGEST_LOOK);
        }
        next.sort_by_key(Due::at);
        next.truncate(max);
        Ok(next)
    }

    /// Takes those that nobody else has taken meanwhile.
    async fn take_named(
        &self,
        due: &[Due],
        lease: Duration,
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, Failure> {
        let mut of_part: BTreeMap<u16, Vec<&[u8]>> = BTreeMap::new();
        for due in due {
            of_part.entry(due.bucket).or_default().push(&due.member);
        }
        // A lease past the end of time would never be over anyway.
        let until = now.checked_add(lease).map_or(i64::MAX, millis);
        let calls = of_part.iter().map(|(part, names)| {
            let call = Call::script(&TAKE_DUE, vec![self.keys.waiting(*part)]);
            let call = call.number(millis(now)).number(until);
            call.args(names.iter().copied())
        });
        let mut taken = HashMap::new();
        let mut failed = None;
        for reply in self.servers.call_all(&calls.collect::<Vec<_>>()).await {
            match reply.and_then(list) {
                Ok(entries) => {
                    for entry in entries {
                        taken.extend(taken_delivery(entry)?);
                    }
                }
                Err(failure) => failed = Some(failure),
            }
        }
        // What has been taken is told, even if not all has.
        if let (Some(failure), true) = (failed, taken.is_empty()) {
            return Err(failure);
        }
        let in_order = due.iter().filter_map(|due| taken.remove(&due.member));
        Ok(in_order.collect())
    }
}

/// Reads what `take_due.lua` gives: the delivery under its name, unless it is damaged.
fn taken_delivery(entry: Value) -> Result<Option<(Vec<u8>, TakenDelivery)>, Failure> {
    let [name, whose, created, numbers] = exactly(entry)?;
    let name = bytes(name)?;
    let parts = [
        name.clone(),
        bytes(whose)?,
        bytes(created)?,
        bytes(numbers)?,
    ];
    match taken(parts) {
        Ok(taken) => Ok(Some((name, taken))),
        // One that is damaged must not hold up the others.
        Err(failure) => {
            tracing::warn!(%failure, named = named(&name).is_ok(), "a client can't be told of the end of a session");
            Ok(None)
        }
    }
}

/// Where the client begins in a name.
const EVENT: usize = crate::ended::EventId::LEN;
/// How many of a part are looked at first, and at most in one step: those of clients that are passed by may lie in front.
const FIRST_LOOK: usize = 16;
const LONGEST_LOOK: usize = 4096;
