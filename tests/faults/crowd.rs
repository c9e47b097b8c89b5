//! Many users at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum_user_session::store::SessionStore;
use tokio::{task::JoinSet, time::sleep};

use crate::{journey::Journey, site::site};

/// Users who use the application until they are told to go home.
pub(crate) struct Crowd {
    users: JoinSet<Outcome>,
    signs: Arc<Signs>,
}

/// What users and test tell each other.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    enough: AtomicBool,
    /// How many rounds without an error each user has made, since somebody last looked.
    good_rounds: [AtomicUsize; USERS],
}

/// What happened to the users.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answered: usize,
    pub(crate) unavailable: usize,
    pub(crate) slowest: Duration,
}

const USERS: usize = 16;

impl Crowd {
    /// They have all begun when this returns.
    pub(crate) async fn gather(store: impl SessionStore) -> Self {
        let site = site(store);
        let signs = Arc::<Signs>::default();
        let mut users = JoinSet::new();
        for user in 0..USERS {
            let journey = Journey::begin(site.clone(), user);
            let signs = Arc::clone(&signs);
            users.spawn(async move {
                let mut journey = journey;
                while !signs.enough.load(Ordering::Relaxed) {
                    if journey.round().await {
                        signs.good_rounds[user].fetch_add(1, Ordering::Relaxed);
                    }
                }
                journey.end().await
            });
        }
        let crowd = Self { users, signs };
        crowd.goes_on().await;
        crowd
    }

    /// Waits until every user has been served as usual, twice.
    pub(crate) async fn goes_on(&self) {
        let rounds = &self.signs.good_rounds;
        for round in rounds {
            round.store(0, Ordering::Relaxed);
        }
        let began = Instant::now();
        while rounds.iter().any(|it| it.load(Ordering::Relaxed) < 2) {
            assert!(began.elapsed() < Duration::from_secs(30), "{rounds:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends all journeys, each of which looks whether all is as it should be.
    pub(crate) async fn goes_home(self) -> Outcome {
        self.signs.enough.store(true, Ordering::Relaxed);
        let outcomes = self.users.join_all().await.into_iter();
        let total = outcomes.fold(Outcome::default(), |one, other| Outcome {
            answered: one.answered + other.answered,
            unavailable: one.unavailable + other.unavailable,
            slowest: one.slowest.max(other.slowest),
        });
        println!("{total:?}");
        total
    }
}
