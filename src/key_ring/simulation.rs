//! A site of several nodes, whose keys operators change: what one node seals must open on all of them, for as long as it lives.
//!
//! Time goes by in seconds. In each of them every node seals two tickets by its own clock: with the newest keys, and with those of five
//! seconds ago.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{
    error::KeyRingError,
    key::{Key, KeyId},
    keys::{Keys, NOTICE},
};
use crate::clock::Timestamp;

/// How far the clocks of the nodes are off. More than 25 s between any two is more than `NOTICE` allows for, and is found here.
const CLOCKS: [i64; 3] = [-13, 0, 12];
/// How late a change is seen.
const BEHIND: u64 = 5;
const RETENTION: u64 = 600;

struct Site {
    second: u64,
    /// The keys, and since when they are these.
    history: Vec<(u64, Keys)>,
    /// The second in which a key came.
    came: HashMap<KeyId, u64>,
    /// The second in which a key's last ticket is over on the node that is the last to think so.
    needed_until: HashMap<KeyId, u64>,
}

#[derive(Clone, Debug)]
struct Change {
    /// Seconds since the change before.
    pause: u64,
    /// Whose node, and so whose clock, it is made on.
    clock: i64,
    what: What,
    /// Which of the keys, counted round.
    key: usize,
}

#[derive(Clone, Debug)]
enum What {
    Rotate { more_lead: u64 },
    Schedule { ahead: u64 },
    Promote,
    Retire,
}

impl Site {
    fn new() -> Self {
        let first = key(0);
        let id = first.id;
        let mut keys = Keys::default().with(first).unwrap();
        keys.retention = Duration::from_secs(RETENTION);
        Self {
            second: 100,
            history: vec![(0, keys)],
            came: HashMap::from([(id, 0)]),
            needed_until: HashMap::new(),
        }
    }

    fn seal_everywhere(&mut self) {
        let views = [
            self.keys_at(self.second),
            self.keys_at(self.second - BEHIND),
        ];
        let mut sealed = Vec::new();
        for (clock, keys) in CLOCKS
            .iter()
            .flat_map(|clock| views.map(|keys| (clock, keys)))
        {
            let now = self.second.strict_add_signed(*clock);
            let id = keys.primary(seconds(now)).unwrap().id;
            assert!(
                views.iter().all(|elsewhere| elsewhere.find(id).is_some()),
                "{id} seals in second {} and does not open everywhere",
                self.second
            );
            let slowest = CLOCKS.into_iter().min().unwrap();
            sealed.push((id, (now + RETENTION).strict_add_signed(-slowest)));
        }
        for (id, until) in sealed {
            let needed = self.needed_until.entry(id).or_default();
            *needed = until.max(*needed);
        }
    }

    fn change(&mut self, change: &Change) {
        let now = self.second.strict_add_signed(change.clock);
        let keys = self.keys_at(self.second).clone();
        let id = keys.all()[change.key % keys.all().len()].id;
        // Only a rotation looks after this; whoever makes a key the primary in any other way has been told to wait.
        let is_everywhere = self.came[&id] + NOTICE.as_secs() <= self.second;
        let changed = match change.what {
            What::Rotate { more_lead } => {
                let new = key(self.second);
                self.came.insert(new.id, self.second);
                let lead = NOTICE + Duration::from_secs(more_lead);
                keys.rotated_at(new, lead, seconds(now))
            }
            What::Retire => keys.retired_at(id, seconds(now)),
            _ if !is_everywhere => return,
            What::Schedule { ahead } => keys.scheduled_at(id, seconds(now + ahead), seconds(now)),
            What::Promote => keys.promoted_at(id, seconds(now)),
        };
        match changed {
            Ok(keys) => self.history.push((self.second, keys)),
            Err(KeyRingError::PrimaryKey | KeyRingError::TooEarly { .. }) => return,
            Err(error) => panic!("{error}"),
        }
        for (id, until) in &self.needed_until {
            assert!(
                self.keys_at(self.second).find(*id).is_some() || *until <= self.second,
                "{id} went in second {}, and is needed until {until}",
                self.second
            );
        }
    }

    fn keys_at(&self, second: u64) -> &Keys {
        let mut newest_first = self.history.iter().rev();
        let (_, keys) = newest_first.find(|(since, _)| *since <= second).unwrap();
        keys
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let what = prop_oneof![
        (0..300_u64).prop_map(|more_lead| What::Rotate { more_lead }),
        (0..300_u64).prop_map(|ahead| What::Schedule { ahead }),
        Just(What::Promote),
        Just(What::Retire),
    ];
    let clock = prop::sample::select(&CLOCKS[..]);
    let change =
        (1..200_u64, clock, what, 0..4_usize).prop_map(|(pause, clock, what, key)| Change {
            pause,
            clock,
            what,
            key,
        });
    prop::collection::vec(change, 1..30)
}

proptest! {
    #[test]
    fn k10_what_anybody_seals_opens_everywhere_as_long_as_it_lives(changes in changes()) {
        let mut site = Site::new();
        for change in changes {
            for _ in 0..change.pause {
                site.second += 1;
                site.seal_everywhere();
            }
            site.change(&change);
        }
    }
}

fn key(number: u64) -> Key {
    let id = KeyId(number.to_be_bytes());
    Key::new(id, Zeroizing::new([7; 32]), Timestamp(0))
}

fn seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1000)
}
