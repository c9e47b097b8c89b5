use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    ended::{Ended, EventId},
    error::StoreError,
    id::{ClientId, SessionId},
    store::delivery::{
        Attempt, Deliveries, Delivery, DeliveryFilter, DeliveryState, Outcome, TakenDelivery,
    },
};

/// Deliveries, in the orders in which they are asked for.
pub(super) struct Outbox {
    of_end: HashMap<EventId, BTreeMap<ClientId, Entry>>,
    newest: BTreeSet<(Reverse<SystemTime>, Name)>,
    /// Those that are not settled, by the time from which they may be taken.
    waiting: BTreeSet<(SystemTime, Name)>,
    /// Those that are, by the time when they were.
    settled: BTreeSet<(SystemTime, Name)>,
    counts: Deliveries,
    most: usize,
}

type Name = (EventId, ClientId);

struct Entry {
    /// One text for all deliveries of an end.
    subject: Arc<str>,
    session_id: SessionId,
    state: DeliveryState,
    attempts: u32,
    /// Grows whenever the delivery is taken or given back.
    turn: u64,
    created: SystemTime,
    /// When it was due before it was taken.
    due: SystemTime,
    free_from: SystemTime,
    settled: Option<SystemTime>,
    failure: Option<Box<str>>,
}

impl Outbox {
    /// An empty one, for a store of so many sessions.
    pub(super) fn new(sessions: usize) -> Self {
        Self {
            of_end: HashMap::new(),
            newest: BTreeSet::new(),
            waiting: BTreeSet::new(),
            settled: BTreeSet::new(),
            counts: Deliveries::default(),
            most: sessions.saturating_mul(FOR_EACH_SESSION).max(AT_LEAST),
        }
    }

    pub(super) fn put_in(
        &mut self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let names = clients
            .iter()
            .map(|client| (ended.event_id, client.clone()));
        let new: BTreeSet<Name> = names.filter(|name| self.entry(name).is_none()).collect();
        // Before anything is put in, so that all are or none.
        self.make_room(new.len())?;
        let subject: Arc<str> = ended.subject.as_str().into();
        let count = new.len() as u64;
        for name in new {
            self.newest.insert((Reverse(now), name.clone()));
            self.waiting.insert((now, name.clone()));
            let entry = Entry {
                subject: subject.clone(),
                session_id: ended.session_id,
                state: DeliveryState::Pending,
                attempts: 0,
                turn: 0,
                created: now,
                due: now,
                free_from: now,
                settled: None,
                failure: None,
            };
            let (event_id, client) = name;
            self.of_end
                .entry(event_id)
                .or_default()
                .insert(client, entry);
        }
        self.counts.pending += count;
        Ok(count)
    }

    /// Makes room for so many more, by forgetting what was settled longest ago, or fails and forgets nothing.
    fn make_room(&mut self, more: usize) -> Result<(), StoreError> {
        let excess = (self.newest.len() + more).saturating_sub(self.most);
        if excess > self.settled.len() {
            return Err(StoreError::new("the outbox in memory is full"));
        }
        for _ in 0..excess {
            self.forget_first_settled();
        }
        Ok(())
    }

    pub(super) fn take_due(
        &mut self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Vec<TakenDelivery> {
        let except: HashSet<_> = except.iter().collect();
        let due = self.waiting.iter().take_while(|(from, _)| *from <= now);
        let due = due.filter(|(_, (_, client))| !except.contains(client));
        let due: Vec<_> = due.take(max).cloned().collect();
        let free_from = now.checked_add(lease).unwrap_or_else(far_off);
        let taken = due.into_iter().filter_map(|place| {
            self.waiting.remove(&place);
            let name = place.1;
            let entry = entry_mut(&mut self.of_end, &name)?;
            entry.attempts = entry.attempts.saturating_add(1);
            entry.turn += 1;
            entry.free_from = free_from;
            self.waiting.insert((free_from, name.clone()));
            let (event_id, client) = name;
            let mut taken = TakenDelivery::new(
                event_id,
                client,
                &*entry.subject,
                entry.session_id,
                entry.created,
            );
            taken.attempt = entry.attempts;
            taken.turn = entry.turn;
            Some(taken)
        });
        taken.collect()
    }

    /// Whether it counted.
    pub(super) fn settle(&mut self, attempt: &Attempt, now: SystemTime) -> bool {
        let name = (attempt.event_id, attempt.client.clone());
        let Some(entry) = entry_mut(&mut self.of_end, &name) else {
            return false;
        };
        if entry.state.is_settled() || entry.turn != attempt.turn {
            return false;
        }
        self.waiting.remove(&(entry.free_from, name.clone()));
        // A second word of the same taker does not count.
        entry.turn += 1;
        *self.counts.of(entry.state) -= 1;
        match attempt.outcome.state() {
            Some(state) => entry.state = state,
            None => entry.attempts = entry.attempts.saturating_sub(1),
        }
        *self.counts.of(entry.state) += 1;
        if let Some(why) = attempt.outcome.why() {
            entry.failure = Some(why.into());
        }
        if let Outcome::Failed { again, .. } = attempt.outcome {
            entry.due = again;
        }
        if entry.state.is_settled() {
            entry.settled = Some(now);
            self.settled.insert((now, name));
        } else {
            entry.free_from = entry.due;
            self.waiting.insert((entry.due, name));
        }
        true
    }

    pub(super) fn deliveries(&self, filter: &DeliveryFilter, limit: usize) -> Vec<Delivery> {
        let listed = |(_, name): &(Reverse<SystemTime>, Name)| {
            let delivery = self.entry(name)?.delivery(name);
            filter.matches(&delivery).then_some(delivery)
        };
        match filter.event_id {
            None => self.newest.iter().filter_map(listed).take(limit).collect(),
            Some(event_id) => {
                let of_end = self.of_end.get(&event_id).into_iter().flatten();
                let place = |(client, entry): (&ClientId, &Entry)| {
                    (Reverse(entry.created), (event_id, client.clone()))
                };
                let mut places: Vec<_> = of_end.map(place).collect();
                places.sort_unstable();
                places.iter().filter_map(listed).take(limit).collect()
            }
        }
    }

    pub(super) fn counts(&self) -> Deliveries {
        self.counts
    }

    /// Drops what was settled before a time, and gives the number.
    pub(super) fn forget_settled(&mut self, before: SystemTime) -> u64 {
        let mut forgotten = 0;
        while forgotten < MOST_FORGOTTEN && self.first_was_settled_before(before) {
            self.forget_first_settled();
            forgotten += 1;
        }
        forgotten
    }

    fn first_was_settled_before(&self, time: SystemTime) -> bool {
        self.settled.first().is_some_and(|(at, _)| *at < time)
    }

    fn forget_first_settled(&mut self) {
        let Some((_, name)) = self.settled.pop_first() else {
            return;
        };
        let Some(of_end) = self.of_end.get_mut(&name.0) else {
            return;
        };
        if let Some(entry) = of_end.remove(&name.1) {
            *self.counts.of(entry.state) -= 1;
            self.newest.remove(&(Reverse(entry.created), name.clone()));
        }
        if self.of_end.get(&name.0).is_some_and(BTreeMap::is_empty) {
            self.of_end.remove(&name.0);
        }
    }

    fn entry(&self, (event_id, client): &Name) -> Option<&Entry> {
        self.of_end.get(event_id)?.get(client)
    }
}

fn entry_mut<'a>(
    of_end: &'a mut HashMap<EventId, BTreeMap<ClientId, Entry>>,
    (event_id, client): &Name,
) -> Option<&'a mut Entry> {
    of_end.get_mut(event_id)?.get_mut(client)
}

impl Entry {
    fn delivery(&self, (event_id, client): &Name) -> Delivery {
        let mut delivery = Delivery::new(
            *event_id,
            client.clone(),
            &*self.subject,
            self.session_id,
            self.created,
        );
        delivery.state = self.state;
        delivery.attempts = self.attempts;
        delivery.due = self.settled.is_none().then_some(self.free_from);
        delivery.settled = self.settled;
        delivery.failure = self.failure.as_deref().map(str::to_owned);
        delivery
    }
}

/// Where a lease ends that lasts past the end of time: no clock ever gets there.
fn far_off() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(i64::MAX.unsigned_abs())
}

/// How many deliveries there may be for each session of the store.
const FOR_EACH_SESSION: usize = 8;
/// A small store has room for the clients of some sessions too.
const AT_LEAST: usize = 10_000;
/// The most that one call takes away, so that nobody waits long for the lock.
const MOST_FORGOTTEN: u64 = 10_000;
