//! Operations at once have one order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use super::{at_once::at_once, fixtures::*, plain::Plain, probe::Probe, request::Request};
use crate::{
    ended::EndReason,
    id::ClientId,
    store::{Continuity, End, Filter, Limit, Record, SessionStore, Touch, Update, event_of},
};

/// Whatever happens to the sessions of one subject at once can be put into one order, in which each operation lies between its call and its
/// answer, and all of them answer as they do one after the other.
pub async fn promise_1_operations_at_once_have_one_order(store: impl SessionStore) {
    find_orders(store, 1, 30).await;
}

/// Runs operations that a seed chooses at once, over and over, and looks for their order.
///
/// The suite has a case with one seed. Run it over other seeds, and for longer, where a store is quick.
///
/// # Panics
///
/// When operations and their answers fit into no order, with all of them.
pub async fn find_orders(store: impl SessionStore, seed: u64, rounds: usize) {
    let store = Probe::new(store);
    let mut random = Random::of_seed(seed);
    for round in 0..rounds {
        let mut scene = Scene::new(&mut random, format!("subject {seed} {round}"));
        let mut calls = Calls::new(&store);
        for request in scene.opening() {
            calls.one(request).await;
        }
        let callers = (0..CALLERS).map(|_| scene.requests(EACH)).collect();
        calls.at_once(callers).await;
        for request in scene.closing() {
            calls.one(request).await;
        }
        let empty = Probe::new(Plain::default());
        let found = has_an_order(&calls.made, &empty).await;
        let made = calls.show();
        assert!(found, "seed {seed}, round {round}: no order fits\n{made}");
    }
}

const CALLERS: usize = 3;
const EACH: usize = 3;

/// A request, its answer, and when they were, by a count of all calls and answers.
#[derive(Clone)]
struct Call {
    request: Request,
    called: u64,
    answered: u64,
    answer: String,
}

struct Calls<S> {
    store: Probe<S>,
    count: Arc<AtomicU64>,
    made: Vec<Call>,
}

impl<S: SessionStore> Calls<S> {
    fn new(store: &Probe<S>) -> Self {
        Self {
            store: store.clone(),
            count: Arc::default(),
            made: Vec::new(),
        }
    }

    async fn one(&mut self, request: Request) {
        self.at_once(vec![vec![request]]).await;
    }

    /// Each caller makes its requests one after the other.
    async fn at_once(&mut self, callers: Vec<Vec<Request>>) {
        let call_all = |requests: Vec<Request>| {
            let (store, count) = (self.store.clone(), self.count.clone());
            async move {
                let mut made = Vec::with_capacity(requests.len());
                for request in requests {
                    let called = count.fetch_add(1, Ordering::SeqCst);
                    let answer = request.ask(&store).await;
                    let answered = count.fetch_add(1, Ordering::SeqCst);
                    made.push(Call {
                        request,
                        called,
                        answered,
                        answer,
                    });
                }
                made
            }
        };
        let made = at_once(callers.into_iter().map(call_all).collect()).await;
        self.made.extend(made.into_iter().flatten());
    }

    fn show(&self) -> String {
        let show = |call: &Call| {
            let Call {
                request,
                called,
                answered,
                answer,
            } = call;
            format!("{called} to {answered}: {request:?}\n   {answer}\n")
        };
        self.made.iter().map(show).collect()
    }
}

/// Whether calls fit into an order; tries all that their times allow, each for as long as its answers fit.
async fn has_an_order(calls: &[Call], plain: &Probe<Plain>) -> bool {
    let Some(first_answered) = calls.iter().map(|call| call.answered).min() else {
        return true;
    };
    for (place, call) in calls.iter().enumerate() {
        // Whatever was called after another was answered comes after it.
        if call.called > first_answered {
            continue;
        }
        let then = Probe::new(plain.inner().clone());
        if call.request.ask(&then).await != call.answer {
            continue;
        }
        let mut rest = calls.to_vec();
        rest.remove(place);
        if Box::pin(has_an_order(&rest, &then)).await {
            return true;
        }
    }
    false
}

/// What is there, and what may be asked of it.
struct Scene<'a> {
    random: &'a mut Random,
    subject: String,
    /// The first are there in the beginning; the others may come.
    records: Vec<Record>,
}

impl<'a> Scene<'a> {
    fn new(random: &'a mut Random, subject: String) -> Self {
        let session = |number: usize| Record {
            clients: clients(["client 0"]),
            // Which of two ends for a newcomer must not be left to chance.
            ..record_created(&subject, number, at(number as u32 * MS))
        };
        let mut records: Vec<_> = (0..2).map(session).collect();
        // Two that may go on with the first, one with the second, and two others.
        records.extend([2, 3].map(|number| next_of(&records[0], number)));
        records.push(next_of(&records[1], 4));
        records.extend([5, 6].map(session));
        Self {
            random,
            subject,
            records,
        }
    }

    fn opening(&self) -> Vec<Request> {
        let there = self.records[..2].iter();
        there
            .map(|record| Request::Create(record.clone(), None, start()))
            .collect()
    }

    /// Looks at all that is left, and ends it.
    fn closing(&self) -> Vec<Request> {
        let (now, all) = (now(), of_subject(&self.subject));
        let events = self.records.iter();
        let events: Vec<_> = events.map(|record| event_of(&record.key)).collect();
        let records = self.records.iter();
        let mut closing: Vec<_> = records
            .map(|record| Request::Load(record.key, None, now))
            .collect();
        closing.extend([
            Request::Find(all.clone(), 100, now),
            Request::TakeEnded(MINUTE, now),
            Request::Acknowledge(events.clone()),
            Request::DeleteMatching(all.into(), EndReason::Revoked, now),
            Request::TakeEnded(MINUTE, now),
            Request::Acknowledge(events),
        ]);
        closing
    }

    fn requests(&mut self, count: usize) -> Vec<Request> {
        (0..count).map(|_| self.request()).collect()
    }

    fn request(&mut self) -> Request {
        let key = self.random.pick(&self.records[..5]).key;
        let now = now();
        match self.random.below(20) {
            0..5 => self.replace(),
            5 => Request::Load(key, None, now),
            6 => Request::Load(key, Some(touch(now)), now),
            7 => Request::Touch(key, touch(now), now),
            8 => self.update(),
            9..12 => Request::AddClient(key, self.client(), now),
            12 => Request::RemoveClient(key, self.client(), now),
            13 => Request::Delete(key, End::because(EndReason::SignOut), now),
            14 => self.at_its_end(),
            15 => Request::DeleteMatching(self.selection().into(), EndReason::Revoked, now),
            16 => Request::Find(of_subject(&self.subject), 100, now),
            17 => Request::Count(self.selection().into(), now),
            _ => {
                let record = self.random.pick(&self.records[5..]).clone();
                Request::Create(record, self.limit(), now)
            }
        }
    }

    fn replace(&mut self) -> Request {
        let choice = self.random.below(6);
        let (old, new, continuity) = match choice {
            0 => (0, 2, Continuity::SameSession),
            1 => (0, 3, Continuity::SameSession),
            2 => (2, 3, Continuity::SameSession),
            3 => (1, 4, Continuity::SameSession),
            4 => (0, 5, Continuity::NewSession),
            _ => (1, 6, Continuity::NewSession),
        };
        let new = self.records[new].clone();
        let limit = self.limit();
        Request::Replace(self.records[old].key, new, continuity, limit, now())
    }

    fn update(&mut self) -> Request {
        let key = self.random.pick(&self.records[..3]).key;
        let update = Update {
            ticket: vec![self.random.below(256) as u8],
            display_name: None,
        };
        Request::Update(key, update, 1, now())
    }

    /// A sign of life in the last moment, or the end of what has expired in the next.
    fn at_its_end(&mut self) -> Request {
        let key = self.random.pick(&self.records[..2]).key;
        let late = at(HOUR);
        let touch = Touch {
            every: MINUTE,
            expires: late + HOUR,
        };
        match self.random.below(2) {
            0 => Request::Touch(key, touch, late - MS),
            _ => Request::Delete(key, End::if_expired(), late),
        }
    }

    fn client(&mut self) -> ClientId {
        client(&format!("client {}", self.random.below(3)))
    }

    fn selection(&mut self) -> Filter {
        let all = of_subject(&self.subject);
        let one = self.random.pick(&self.records).session_id;
        match self.random.below(3) {
            0 => all,
            1 => all.except(one),
            _ => all.and_session_id(one),
        }
    }

    fn limit(&mut self) -> Option<Limit> {
        match self.random.below(4) {
            0 => deny(2),
            1 => end_oldest(2),
            2 => end_oldest(1),
            _ => None,
        }
    }
}

/// When all of it happens, but for what happens in the last moments of a session.
fn now() -> SystemTime {
    at(2 * MINUTE)
}
