//! Lanes: what is sent to a client goes through a few of its own, so that a client that hangs holds up nobody else.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use crate::{id::ClientId, store::TakenDelivery};

/// Who is being sent what, and who waits for a lane.
pub(super) struct Lanes {
    /// How many lanes a client has.
    width: usize,
    busy: HashMap<ClientId, Lane>,
    /// Clients that did not answer.
    troubled: HashMap<ClientId, Trouble>,
}

#[derive(Default)]
struct Lane {
    sending: usize,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    taken: TakenDelivery,
    /// When its lease is too old to begin.
    until: Instant,
}

/// A client that did not answer is left alone for a while, and then tried with one delivery.
struct Trouble {
    times: u32,
    until: Instant,
}

impl Lanes {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            busy: HashMap::new(),
            troubled: HashMap::new(),
        }
    }

    /// Takes a delivery in, which must begin before a moment.
    pub(super) fn add(&mut self, taken: TakenDelivery, until: Instant) {
        let lane = self.busy.entry(taken.client.clone()).or_default();
        lane.waiting.push_back(Waiting { taken, until });
    }

    /// The next delivery that has a lane, if there is one. It is under way from now on.
    ///
    /// The client that is sent the least comes first, so that some that are slow, and have long queues, leave room for all others.
    pub(super) fn next(&mut self) -> Option<TakenDelivery> {
        let (width, troubled) = (self.width, &self.troubled);
        let has_room = |(client, lane): &(&ClientId, &mut Lane)| {
            let has_lane = || lane.sending < width_of(width, troubled, client);
            !lane.waiting.is_empty() && (lane.sending == 0 || has_lane())
        };
        let rank = |(_, lane): &(&ClientId, &mut Lane)| {
            let since = lane.waiting.front().map(|first| first.until);
            (lane.sending, since)
        };
        let ready = self.busy.iter_mut().filter(has_room);
        let (_, lane) = ready.min_by_key(rank)?;
        let next = lane.waiting.pop_front()?;
        lane.sending += 1;
        Some(next.taken)
    }

    /// Whether a client has not answered lately.
    pub(super) fn is_troubled(&self, client: &ClientId) -> bool {
        self.troubled.contains_key(client)
    }

    /// Notes that one to a client is no longer under way, and whether the client had answered.
    ///
    /// What waits for one that did not is given back: others have better use for the time.
    pub(super) fn done(
        &mut self,
        client: &ClientId,
        answered: bool,
        now: Instant,
    ) -> Vec<TakenDelivery> {
        let Some(lane) = self.busy.get_mut(client) else {
            return Vec::new();
        };
        lane.sending = lane.sending.saturating_sub(1);
        let mut back = Vec::new();
        if answered {
            self.troubled.remove(client);
        } else {
            back.extend(lane.waiting.drain(..).map(|waiting| waiting.taken));
            self.note_trouble(client, now);
        }
        self.busy.retain(|_, lane| !lane.is_idle());
        back
    }

    /// Gives back what has waited for too long.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<TakenDelivery> {
        let mut back = Vec::new();
        for lane in self.busy.values_mut() {
            while lane.waiting.front().is_some_and(|first| first.until <= now) {
                back.extend(lane.waiting.pop_front().map(|waiting| waiting.taken));
            }
        }
        self.busy.retain(|_, lane| !lane.is_idle());
        back
    }

    /// Gives back everything that waits.
    pub(super) fn clear(&mut self) -> Vec<TakenDelivery> {
        let lanes = self.busy.values_mut();
        let back = lanes.flat_map(|lane| lane.waiting.drain(..));
        let back = back.map(|waiting| waiting.taken).collect();
        self.busy.retain(|_, lane| !lane.is_idle());
        back
    }

    /// The clients for which nothing should be taken now: their lanes are full, or they are left alone.
    pub(super) fn full(&self, now: Instant) -> Vec<ClientId> {
        let is_full = |(client, lane): &(&ClientId, &Lane)| {
            lane.sending + lane.waiting.len() >= width_of(self.width, &self.troubled, client)
        };
        let full = self.busy.iter().filter(is_full).map(|(client, _)| client);
        let left_alone = self
            .troubled
            .iter()
            .filter(|(client, trouble)| trouble.until > now && !self.busy.contains_key(*client));
        full.chain(left_alone.map(|(client, _)| client))
            .take(MOST_FULL)
            .cloned()
            .collect()
    }

    /// When the first of those that are left alone is tried again.
    pub(super) fn next_trial(&self, now: Instant) -> Option<Instant> {
        let until = self.troubled.values().map(|trouble| trouble.until);
        until.filter(|until| *until > now).min()
    }

    fn note_trouble(&mut self, client: &ClientId, now: Instant) {
        // One that is forgotten is found out again soon.
        if self.troubled.len() >= MOST_TROUBLED {
            self.troubled.retain(|_, trouble| trouble.until > now);
        }
        if self.troubled.len() >= MOST_TROUBLED {
            self.troubled.clear();
        }
        let trouble = self.troubled.entry(client.clone()).or_insert(Trouble {
            times: 0,
            until: now,
        });
        // Several that were under way together fail together: they are one sign.
        if trouble.until <= now {
            trouble.until = now + SHORTEST_REST * 2_u32.pow(trouble.times.min(MOST_DOUBLINGS));
            trouble.times += 1;
        }
    }
}

impl Lane {
    fn is_idle(&self) -> bool {
        self.sending == 0 && self.waiting.is_empty()
    }
}

fn width_of(width: usize, troubled: &HashMap<ClientId, Trouble>, client: &ClientId) -> usize {
    match troubled.contains_key(client) {
        true => 1,
        false => width,
    }
}

/// How long a client is left alone after it did not answer; doubled each time, up to a minute or so.
const SHORTEST_REST: Duration = Duration::from_millis(500);
const MOST_DOUBLINGS: u32 = 7;
/// How many of them are remembered, and how many clients are left out in one question to the outbox.
const MOST_TROUBLED: usize = 10_000;
const MOST_FULL: usize = 500;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{ended::EventId, id::SessionId};

    fn id(client: &str) -> ClientId {
        ClientId::parse(client).unwrap()
    }

    fn taken(client: &str) -> TakenDelivery {
        let (event, session) = (EventId::new([0; 16]), SessionId::parse("s").unwrap());
        TakenDelivery::new(event, id(client), "a", session, SystemTime::UNIX_EPOCH)
    }

    fn begin(lanes: &mut Lanes) -> Vec<String> {
        let mut begun: Vec<_> = std::iter::from_fn(|| lanes.next())
            .map(|taken| taken.client.to_string())
            .collect();
        begun.sort();
        begun
    }

    #[tokio::test]
    async fn o6_a_client_has_so_many_lanes_and_the_others_have_theirs() {
        let (mut lanes, now) = (Lanes::new(2), Instant::now());
        let later = now + Duration::from_secs(30);
        for client in ["a", "a", "a", "a", "b"] {
            lanes.add(taken(client), later);
        }
        assert_eq!(begin(&mut lanes), ["a", "a", "b"]);
        assert_eq!(lanes.full(now), [id("a")]);
        assert!(lanes.done(&id("a"), true, now).is_empty());
        assert_eq!(begin(&mut lanes), ["a"]);
        assert_eq!(
            lanes.overdue(later).len(),
            1,
            "the fourth has waited for too long"
        );
        lanes.done(&id("a"), true, now);
        lanes.done(&id("a"), true, now);
        lanes.done(&id("b"), true, now);
        assert!(lanes.busy.is_empty() && lanes.full(now).is_empty());
    }

    /// Whoever has a queue that never ends takes turns with the others: first those that are sent the least, and of these who has waited longest.
    #[tokio::test]
    async fn o6_those_that_have_the_fewest_lanes_come_first() {
        let (mut lanes, now) = (Lanes::new(4), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        let busy: Vec<_> = (0..20).map(|number| format!("busy {number}")).collect();
        for client in &busy {
            lanes.add(taken(client), later(1));
            lanes.add(taken(client), later(1));
        }
        assert_eq!(begin(&mut lanes).len(), 40);
        for client in &busy {
            lanes.add(taken(client), later(2));
        }
        for (client, since) in [("third", 5), ("first", 3), ("second", 4)] {
            lanes.add(taken(client), later(since));
        }
        let next: Vec<_> = (0..3)
            .map(|_| lanes.next().unwrap().client.to_string())
            .collect();
        assert_eq!(next, ["first", "second", "third"]);
    }

    #[tokio::test]
    async fn o6_a_client_that_does_not_answer_is_left_alone_for_a_while() {
        let (mut lanes, mut now) = (Lanes::new(4), Instant::now());
        let later = now + Duration::from_secs(3000);
        for _ in 0..6 {
            lanes.add(taken("a"), later);
        }
        assert_eq!(begin(&mut lanes).len(), 4);
        assert_eq!(
            lanes.done(&id("a"), false, now).len(),
            2,
            "what waited is given back"
        );
        assert!(lanes.done(&id("a"), false, now).is_empty());
        lanes.done(&id("a"), false, now);
        lanes.done(&id("a"), false, now);
        let mut rests = Vec::new();
        for _ in 0..10 {
            assert_eq!(lanes.full(now), [id("a")]);
            let trial = lanes.next_trial(now).unwrap();
            rests.push((trial - now).as_millis());
            now = trial;
            assert!(lanes.full(now).is_empty());
            lanes.add(taken("a"), later);
            lanes.add(taken("a"), later);
            assert_eq!(begin(&mut lanes).len(), 1, "it is tried with one");
            assert_eq!(lanes.full(now), [id("a")]);
            assert_eq!(lanes.done(&id("a"), false, now).len(), 1);
        }
        assert_eq!(
            rests,
            [
                500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 64000, 64000
            ]
        );
        now += Duration::from_secs(64);
        lanes.add(taken("a"), later);
        assert_eq!(begin(&mut lanes).len(), 1);
        lanes.done(&id("a"), true, now);
        for _ in 0..6 {
            lanes.add(taken("a"), later);
        }
        assert_eq!(
            begin(&mut lanes).len(),
            4,
            "it has answered, so it has all its lanes"
        );
        assert_eq!(lanes.clear().len(), 2);
    }
}
