//! The outbox, which is spread over parts by the ends that are to be told.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use redis::Value;
use tokio::sync::OnceCell;

use super::{
    call::Call,
    check::claim_outbox,
    delivery::{letter, marked, name_of, state, whose},
    failure::Failure,
    keys::part_of,
    reply::{count, number, pairs, text},
    row::millis,
    script::{FORGET_SETTLED, PUT_IN, SETTLE},
    store::{Inner, RedisStore},
};
use crate::{
    ended::Ended,
    error::StoreError,
    id::ClientId,
    store::{
        delivery::{Attempt, Deliveries, Delivery, DeliveryFilter, Outcome, TakenDelivery},
        outbox::LogoutOutbox,
    },
};

/// What this process knows of the outbox.
#[derive(Default)]
pub(super) struct Outbox {
    /// Whether it has been seen to be written in our way.
    claimed: OnceCell<()>,
}

impl LogoutOutbox for RedisStore {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let inner = self.inner();
        inner.claim_outbox().await?;
        if clients.is_empty() {
            return Ok(0);
        }
        let keys = &inner.keys;
        let part = part_of(&ended.event_id);
        let of_end = keys.deliveries_of(&ended.event_id);
        let sets = [keys.waiting(part), keys.all(part), keys.counts(part)];
        let call = Call::script(&PUT_IN, [of_end].into_iter().chain(sets).collect())
            .arg(*ended.event_id.as_bytes())
            .number(millis(now))
            .number(-millis(now))
            .arg(whose(ended))
            .args(clients.iter().map(ClientId::as_str));
        Ok(count(inner.servers.call(&call).await?)?)
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        self.inner().claim_outbox().await?;
        self.inner().take_due(lease, max, except, now).await
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        let inner = self.inner();
        inner.claim_outbox().await?;
        let mut of_part: BTreeMap<u16, Vec<&Attempt>> = BTreeMap::new();
        for attempt in attempts {
            let part = part_of(&attempt.event_id);
            of_part.entry(part).or_default().push(attempt);
        }
        let calls = of_part.iter().map(|(part, attempts)| {
            let keys = &inner.keys;
            let keys = vec![keys.waiting(*part), keys.settled(*part), keys.counts(*part)];
            let call = Call::script(&SETTLE, keys).number(millis(now));
            attempts.iter().fold(call, with_attempt)
        });
        inner.sum(&calls.collect::<Vec<_>>()).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.inner().claim_outbox().await?;
        self.inner().list_deliveries(filter, limit).await
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        let inner = self.inner();
        inner.claim_outbox().await?;
        let calls = parts().map(|part| Call::command("HGETALL", inner.keys.counts(part)));
        let replies = inner.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut counts = Deliveries::default();
        for reply in replies {
            add_counts(reply?, &mut counts)?;
        }
        Ok(counts)
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        let inner = self.inner();
        inner.claim_outbox().await?;
        let calls = parts().map(|part| {
            let keys = &inner.keys;
            let keys = vec![keys.settled(part), keys.all(part), keys.counts(part)];
            let call = Call::script(&FORGET_SETTLED, keys).number(millis(before));
            call.arg(MOST_FORGOTTEN)
        });
        inner.sum(&calls.collect::<Vec<_>>()).await
    }
}

impl Inner {
    /// Sees to it, once, that what is there was written in our way.
    async fn claim_outbox(&self) -> Result<(), StoreError> {
        let claim = || claim_outbox(&self.servers, &self.keys);
        self.outbox.claimed.get_or_try_init(claim).await?;
        Ok(())
    }

    /// Makes calls of which each gives a number.
    async fn sum(&self, calls: &[Call]) -> Result<u64, StoreError> {
        let mut sum = 0;
        for reply in self.servers.call_all(calls).await {
            sum += count(reply?)?;
        }
        Ok(sum)
    }
}

pub(super) fn parts() -> impl Iterator<Item = u16> {
    0..super::keys::PARTS
}

/// Adds an attempt to a call, as `settle.lua` reads it.
fn with_attempt(call: Call, attempt: &&Attempt) -> Call {
    let again = match attempt.outcome {
        Outcome::Failed { again, .. } => millis(again),
        _ => 0,
    };
    call.arg(name_of(&attempt.event_id, &attempt.client))
        .arg(attempt.turn.to_string())
        .arg(attempt.outcome.state().map_or("b", letter))
        .number(again)
        .arg(marked(attempt.outcome.why().as_deref()))
}

/// Adds those of a part. What is no state, or no count, is none of ours.
fn add_counts(reply: Value, counts: &mut Deliveries) -> Result<(), Failure> {
    for (of, number_of) in pairs(reply)? {
        if let Some(state) = state(&text(of)?) {
            *counts.of(state) += u64::try_from(number(number_of)?).unwrap_or_default();
        }
    }
    Ok(())
}

/// The most that one call takes away of each part, so that nobody waits long for it.
const MOST_FORGOTTEN: &str = "500";
