//! Long histories of many different operations, whose answers are held against those of the plainest store.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use super::{fixtures::*, plain::Plain, probe::Probe, request::Request};
use crate::{
    ended::EndReason,
    id::ClientId,
    store::{
        Continuity, End, Filter, Limit, Loaded, Part, Position, Query, Record, Selection,
        SessionStore, TOMBSTONE, Touch, Update, event_of,
    },
};

/// A history of some hundred operations is answered as by the plainest store that keeps the contract.
pub async fn promise_1_a_history_is_answered_as_by_a_plain_store(store: impl SessionStore) {
    live_through(store, 1, 600).await;
}

/// Asks a fresh store for `steps` operations that a seed chooses, and holds each answer against that of the plainest store.
///
/// The suite has a case with one seed. Run it over other seeds, and for longer, where a store is quick.
///
/// # Panics
///
/// When an answer is another, with the seed, the step and both answers.
pub async fn live_through(store: impl SessionStore, seed: u64, steps: usize) {
    let store = Probe::new(store);
    let plain = Probe::new(Plain::default());
    let mut author = Author::of_seed(seed);
    for step in 0..steps {
        let request = author.next(plain.inner());
        let expected = request.ask(&plain).await;
        let got = request.ask(&store).await;
        assert!(
            got == expected,
            "seed {seed}, step {step}: {request:?}\n got:\n   {got}\n expected:\n   {expected}\n"
        );
    }
}

/// Thinks out what may happen next.
struct Author {
    random: Random,
    now: SystemTime,
    times: BTreeSet<SystemTime>,
    /// All that was ever to be put in, whether or not it was.
    records: Vec<Record>,
    last_replace: Option<Request>,
}

const SUBJECTS: [&str; 2] = ["alice", "bob"];
const NAMES: [&str; 4] = ["Alice Smith", "ALICE", "Al", "Bob"];
const LEASES: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(90)];

impl Author {
    fn of_seed(seed: u64) -> Self {
        Self {
            random: Random::of_seed(seed),
            now: start(),
            times: BTreeSet::new(),
            records: Vec::new(),
            last_replace: None,
        }
    }

    fn next(&mut self, plain: &Plain) -> Request {
        self.let_time_pass();
        let now = self.now;
        if self.records.is_empty() {
            return self.create();
        }
        let one = self.one();
        let key = one.key;
        match self.random.below(100) {
            0..15 => self.create(),
            15..30 => self.replace(),
            30..40 => Request::Load(key, self.maybe_touch(), self.now_or_before()),
            40..45 => Request::Touch(key, self.touch(), self.now_or_before()),
            45..52 => Request::Update(key, self.update(), 1 + self.random.below(3) as u64, now),
            52..60 => Request::AddClient(key, self.client(), now),
            60..64 => Request::RemoveClient(key, self.client(), now),
            64..69 => Request::Delete(key, self.end(), now),
            69..74 => Request::Find(self.filter(), 1 + self.random.below(4), now),
            74..80 => Request::Query(self.query(), now),
            80..84 => Request::Count(self.selection(), now),
            84..87 => Request::DeleteMatching(self.rarely_all(), EndReason::Revoked, now),
            87..90 => Request::TakeExpired(now),
            90..93 => Request::TakeEnded(*self.random.pick(&LEASES), now),
            93..95 => {
                let events = (0..4).map(|_| event_of(&self.one().key));
                let events: BTreeSet<_> = events.collect();
                Request::Acknowledge(events.into_iter().collect())
            }
            95..96 => Request::PurgeEnds(now - 5 * MINUTE, now),
            _ => self.again(plain),
        }
    }

    /// By some seconds, but not to the very moment at which a memory or a lease is over.
    fn let_time_pass(&mut self) {
        self.now += self.random.below(9000) as u32 * MS;
        while self.is_an_end(self.now) {
            self.now += MS;
        }
        self.times.insert(self.now);
    }

    /// The clock may step back for those whose answer does not depend on which of two times was first.
    fn now_or_before(&mut self) -> SystemTime {
        let before = self.now - self.random.below(1500) as u32 * MS;
        match self.random.below(5) {
            0 if !self.is_an_end(before) => before,
            _ => self.now,
        }
    }

    fn is_an_end(&self, time: SystemTime) -> bool {
        let lasts = [TOMBSTONE, LEASES[0], LEASES[1]];
        lasts
            .iter()
            .any(|last| self.times.contains(&(time - *last)))
    }

    /// One of those that were to be put in lately, or any.
    fn one(&mut self) -> Record {
        let all = self.records.len();
        let among = if self.random.below(8) == 0 {
            all
        } else {
            all.min(6)
        };
        self.records[all - 1 - self.random.below(among)].clone()
    }

    fn fresh(&mut self, subject: &str) -> Record {
        let number = self.records.len();
        let life = *self.random.pick(&[20 * SECOND, 2 * MINUTE, 10 * MINUTE]);
        let name = self.random.below(NAMES.len() + 1);
        let record = Record {
            renewed: self.now,
            expires: self.now + life,
            display_name: NAMES.get(name).map(|name| (*name).to_owned()),
            clients: numbered_clients("client", self.random.below(3)),
            // Which of two ends for a newcomer must not be left to chance.
            ..record_created(subject, number, self.now + number as u32 * MS)
        };
        self.records.push(record.clone());
        record
    }

    fn create(&mut self) -> Request {
        let subject = *self.random.pick(&SUBJECTS);
        let (record, limit) = (self.fresh(subject), self.limit());
        Request::Create(record, limit, self.now)
    }

    fn replace(&mut self) -> Request {
        let old = self.one();
        let fresh = self.fresh(&old.subject);
        let (continuity, session_id) = match self.random.below(10) {
            0..3 => (Continuity::NewSession, fresh.session_id),
            3 => (Continuity::SameSession, fresh.session_id),
            _ => (Continuity::SameSession, old.session_id),
        };
        let new = Record {
            session_id,
            ..fresh
        };
        // Later steps look for the session that it is in.
        if let Some(last) = self.records.last_mut() {
            *last = new.clone();
        }
        let limit = self.limit();
        let request = Request::Replace(old.key, new, continuity, limit, self.now);
        self.last_replace = Some(request.clone());
        request
    }

    /// What was asked before, as after a lost reply, while its outcome is told by the contract.
    fn again(&mut self, plain: &Plain) -> Request {
        if let Some(Request::Replace(old, new, continuity, limit, _)) = self.last_replace.clone()
            && self.random.below(2) == 0
            && self.is_settled(plain, &new)
        {
            return Request::Replace(old, new, continuity, limit, self.now);
        }
        let record = self.one();
        match plain.knows(&record.key, self.now) {
            Loaded::Missing => Request::Load(record.key, None, self.now),
            _ => Request::Create(record, None, self.now),
        }
    }

    /// Keys are never chosen twice, so nothing is said of one whose record is forgotten, nor of a repetition so late that the record has expired.
    fn is_settled(&self, plain: &Plain, new: &Record) -> bool {
        match plain.knows(&new.key, self.now) {
            Loaded::Found(record) => !record.has_expired(self.now),
            Loaded::Gone => true,
            Loaded::Missing => false,
        }
    }

    fn limit(&mut self) -> Option<Limit> {
        let max = 1 + self.random.below(4) as u32;
        match self.random.below(4) {
            0 => deny(max),
            1 => end_oldest(max),
            _ => None,
        }
    }

    fn touch(&mut self) -> Touch {
        Touch {
            every: *self.random.pick(&[Duration::ZERO, 5 * SECOND, MINUTE]),
            expires: self.now + *self.random.pick(&[SECOND, 3 * MINUTE]),
        }
    }

    fn maybe_touch(&mut self) -> Option<Touch> {
        (self.random.below(2) == 0).then(|| self.touch())
    }

    fn update(&mut self) -> Update {
        let name = self.random.below(NAMES.len() + 1);
        Update {
            ticket: vec![self.random.below(256) as u8; 5],
            display_name: NAMES.get(name).map(|name| (*name).to_owned()),
        }
    }

    fn client(&mut self) -> ClientId {
        client(&format!("client {}", self.random.below(5)))
    }

    fn end(&mut self) -> End {
        match self.random.below(2) {
            0 => End::if_expired(),
            _ => End::because(EndReason::SignOut),
        }
    }

    fn filter(&mut self) -> Filter {
        let one = self.one();
        let by_id = || Filter::session_id(one.session_id);
        let by_subject = || of_subject(&one.subject);
        let beginning = *self.random.pick(&["al", "ALICE", "b", "x"]);
        let of_name = by_subject().and_name_begins_with(beginning);
        match self.random.below(6) {
            0 => by_id(),
            1 => by_subject(),
            2 => by_subject().except(one.session_id),
            3 => by_subject().and_session_id(one.session_id),
            4 => of_name.expect("not empty"),
            _ => named(beginning),
        }
    }

    fn selection(&mut self) -> Selection {
        match self.random.below(3) {
            0 => Selection::Everyone,
            _ => self.filter().into(),
        }
    }

    fn rarely_all(&mut self) -> Selection {
        let by_id = Filter::session_id(self.one().session_id);
        match self.random.below(4) {
            0 => self.selection(),
            _ => by_id.into(),
        }
    }

    fn query(&mut self) -> Query {
        let place = Position::of(&self.one());
        let part = match self.random.below(3) {
            0 => Part::Newest,
            1 => Part::OlderThan(place),
            _ => Part::NewerThan(place),
        };
        Query {
            selection: self.selection(),
            part,
            limit: 1 + self.random.below(5),
        }
    }
}
