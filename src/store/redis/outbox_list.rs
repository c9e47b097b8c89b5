//! What an administrator sees of the outbox.

use std::cmp::Reverse;

use redis::Value;

use super::{
    call::Call,
    delivery::{delivery, letter, marked, name_of},
    failure::Failure,
    outbox::parts,
    reply::{UNEXPECTED, bytes, exactly, list, pairs, text},
    script::LIST_DELIVERIES,
    store::Inner,
};
use crate::{
    ended::EventId,
    error::StoreError,
    id::{ClientId, SessionId},
    store::delivery::{Delivery, DeliveryFilter},
};

impl Inner {
    pub(super) async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut all = match filter.event_id {
            Some(event) => self.deliveries_of(&event).await?,
            None => self.newest_deliveries(filter, limit).await?,
        };
        all.retain(|delivery| filter.matches(delivery));
        all.sort_by_cached_key(|delivery| {
            let name = name_of(&delivery.event_id, &delivery.client);
            (Reverse(delivery.created), name)
        });
        all.truncate(limit);
        Ok(all)
    }

    /// Those of one end, which are together.
    async fn deliveries_of(&self, event: &EventId) -> Result<Vec<Delivery>, Failure> {
        let call = Call::command("HGETALL", self.keys.deliveries_of(event));
        let (mut whose, mut written) = (Vec::new(), Vec::new());
        for (field, value) in pairs(self.servers.call(&call).await?)? {
            match &bytes(field)?[..] {
                b"s" => whose = bytes(value)?,
                [b'c', client @ ..] => {
                    let name = [event.as_bytes(), client].concat();
                    written.push((name, bytes(value)?));
                }
                _ => {}
            }
        }
        let read = written
            .iter()
            .filter_map(|(name, written)| readable(delivery(name, &whose, written)));
        Ok(read.collect())
    }

    /// The first of each part that meet a filter, in all parts at once, until there are enough.
    async fn newest_deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, Failure> {
        let mut all = Vec::new();
        let mut walks: Vec<_> = parts().map(|part| (part, "-inf".to_owned(), 0)).collect();
        let mut look_at = limit.clamp(FEWEST, MOST);
        while !walks.is_empty() {
            let calls = walks.iter().map(|(part, from, _)| {
                Call::script(&LIST_DELIVERIES, vec![self.keys.all(*part)])
                    .arg(from.as_str())
                    .arg(look_at.to_string())
                    .arg(marked(filter.session_id.as_ref().map(SessionId::as_str)))
                    .arg(marked(filter.subject.as_deref()))
                    .arg(marked(filter.client.as_ref().map(ClientId::as_str)))
                    .arg(marked(filter.state.map(letter)))
            });
            let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
            let mut going_on = Vec::new();
            for ((part, _, found), reply) in walks.into_iter().zip(replies) {
                let (place, more) = page(reply?)?;
                let found = found + more.len();
                all.extend(more);
                if !place.is_empty() && found < limit {
                    going_on.push((part, format!("({place}"), found));
                }
            }
            walks = going_on;
            look_at = MOST;
        }
        Ok(all)
    }
}

/// Reads what `list_deliveries.lua` gives: where the walk goes on, and what was found.
fn page(reply: Value) -> Result<(String, Vec<Delivery>), Failure> {
    let mut parts = list(reply)?.into_iter();
    let place = text(parts.next().ok_or(UNEXPECTED)?)?;
    let mut found = Vec::new();
    for entry in parts {
        let [name, whose, written] = exactly(entry)?;
        let read = delivery(&bytes(name)?, &bytes(whose)?, &bytes(written)?);
        found.extend(readable(read));
    }
    Ok((place, found))
}

/// One that is damaged is left out.
fn readable(read: Result<Delivery, Failure>) -> Option<Delivery> {
    match read {
        Ok(delivery) => Some(delivery),
        Err(failure) => {
            tracing::warn!(%failure, "a delivery in the outbox is left out");
            None
        }
    }
}

/// How many of a part are looked at in one step.
const FEWEST: usize = 16;
const MOST: usize = 500;
