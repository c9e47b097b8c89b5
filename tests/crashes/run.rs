//! A run: sessions begin, a process ends them and is killed, another one takes over, and the clients say what they have heard.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum_user_session::id::SessionId;
use tokio::task::JoinSet;

use crate::{
    place::Place,
    process::{Process, Role},
    receivers::{Authority, Receivers, Reply},
    site::{CLIENTS, Site, Way},
};

/// How many sessions a run has that end in one way.
const OF_A_WAY: usize = 4;
/// A process is killed when so many notifications have come at most, and so much later: all along its way, however quick the machine is.
const MOST_HEARD: usize = 110;
const LATER: Duration = Duration::from_millis(40);
/// How far a process is ahead of the one before it: more than any lease.
const STEP: Duration = Duration::from_secs(180);

/// Runs on one store.
pub(crate) struct Runs {
    name: &'static str,
    pub(crate) url: String,
    pub(crate) place: Place,
    pub(crate) receivers: Receivers,
    /// Of the process that watches.
    pub(crate) site: Site,
}

/// A session, as it was before a process had a hand in it.
pub(crate) struct Begun {
    pub(crate) subject: String,
    pub(crate) way: Way,
    session_id: SessionId,
    pub(crate) cookies: String,
}

/// What has become of one run.
struct Outcome {
    killed_after: Duration,
    /// Sessions that had ended when the process was killed, and clients that had not heard of that.
    ended: usize,
    unheard: usize,
    /// The process that took over was killed as well.
    twice: bool,
    /// Afterwards: sessions that have ended, what was heard, and how much of that was heard more than once.
    ended_at_last: usize,
    heard: usize,
    again: usize,
}

impl Runs {
    pub(crate) async fn new(name: &'static str, url: &str) -> Self {
        let authority = Authority::new();
        let receivers = Receivers::start(&authority);
        let place = Place::new(&authority, &receivers);
        Self {
            name,
            url: url.to_owned(),
            site: Site::open(url, &place, Duration::ZERO).await,
            place,
            receivers,
        }
    }

    pub(crate) async fn make(&self, runs: usize) {
        println!(
            "{}: {} sessions with {} clients each in a run",
            self.name,
            OF_A_WAY * Way::ALL.len(),
            CLIENTS.len()
        );
        println!(
            "run | killed after | sessions ended then | clients unheard then | killed again | ended at last | heard | of these again"
        );
        let mut with_unheard = 0;
        for number in 0..runs {
            let outcome = self.run(number).await;
            let Outcome {
                killed_after,
                ended,
                unheard,
                twice,
                ended_at_last,
                heard,
                again,
            } = outcome;
            let twice = if twice { "yes" } else { "no" };
            println!(
                "{number:3} | {killed_after:.1?} | {ended} | {unheard} | {twice} | {ended_at_last} | {heard} | {again}"
            );
            with_unheard += usize::from(unheard > 0);
        }
        println!(
            "{}: {with_unheard} of {runs} runs had clients that had not heard when the process was killed",
            self.name
        );
        assert!(with_unheard * 4 >= runs * 3, "too few: {with_unheard}");
    }

    async fn run(&self, number: usize) -> Outcome {
        self.receivers.forget();
        self.receivers
            .behave("c1", [Reply::Slow(Duration::from_millis(15))]);
        let fails = vec![Reply::Status(500); 5];
        self.receivers
            .behave("c2", [fails, vec![Reply::Status(200)]].concat());
        let sessions = self.begin(number).await;
        let lines = sessions.iter().map(|session| {
            let Begun {
                subject,
                way,
                cookies,
                ..
            } = session;
            format!("{subject}\t{way:?}\t{cookies}\n")
        });
        self.place.write("sessions", &lines.collect::<String>());

        // An hour ahead, some sessions have expired, and others are looked at again.
        let mut ahead = Duration::from_secs(3600);
        let mut process = Process::start(Role::End, &self.url, &self.place, ahead);
        process.begins();
        let killed_after = self.random_moment(MOST_HEARD).await;
        process.kill();
        let (ended, unheard) = self.unheard(&sessions).await;

        let twice = number % 4 == 3;
        if twice {
            ahead += STEP;
            let mut process = Process::start(Role::CatchUp, &self.url, &self.place, ahead);
            process.begins();
            self.random_moment(MOST_HEARD / 4).await;
            process.kill();
        }
        ahead += STEP;
        Process::start(Role::CatchUp, &self.url, &self.place, ahead).ends();

        let (ended_at_last, still_unheard) = self.unheard(&sessions).await;
        assert_eq!(still_unheard, 0, "run {number}: clients were never told");
        let heard = self.heard();
        for session in &sessions {
            let is_there = self.site.has(&session.subject, session.session_id).await;
            let key = |client: &str| (session.session_id.as_str().to_owned(), client.to_owned());
            let told = CLIENTS
                .iter()
                .any(|client| heard.contains_key(&key(client)));
            assert!(
                !(is_there && told),
                "run {number}: told of a session that has not ended"
            );
        }
        Outcome {
            killed_after,
            ended,
            unheard,
            twice,
            ended_at_last,
            heard: heard.values().sum(),
            again: heard.values().map(|times| times - 1).sum(),
        }
    }

    /// Waits until some more notifications have come, and a little longer; gives the time that this took.
    async fn random_moment(&self, most_heard: usize) -> Duration {
        let began = Instant::now();
        let enough = self.receivers.count() + rand::random_range(0..=most_heard);
        // Those that are left may be fewer.
        while self.receivers.count() < enough && began.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(LATER.mul_f64(rand::random())).await;
        began.elapsed()
    }

    pub(crate) async fn begin(&self, run: usize) -> Vec<Begun> {
        let mut beginning = JoinSet::new();
        for way in Way::ALL {
            for number in 0..OF_A_WAY {
                let site = self.site.clone();
                beginning.spawn(async move {
                    let subject = format!("{run}-{way:?}-{number}");
                    let cookies = site.begin(&subject, way).await;
                    let session_id = site.session_of(&subject).await;
                    Begun {
                        subject,
                        way,
                        session_id,
                        cookies,
                    }
                });
            }
        }
        beginning.join_all().await
    }

    /// How many sessions have ended, and how many of their clients have not heard of that.
    async fn unheard(&self, sessions: &[Begun]) -> (usize, usize) {
        let heard = self.heard();
        let (mut ended, mut unheard) = (0, 0);
        for Begun {
            subject,
            session_id,
            ..
        } in sessions
        {
            if self.site.has(subject, *session_id).await {
                continue;
            }
            ended += 1;
            let key = |client: &str| (session_id.as_str().to_owned(), client.to_owned());
            unheard += CLIENTS
                .iter()
                .filter(|client| !heard.contains_key(&key(client)))
                .count();
        }
        (ended, unheard)
    }

    /// How often each client has accepted the news of each session.
    pub(crate) fn heard(&self) -> HashMap<(String, String), usize> {
        let mut times = HashMap::new();
        for heard in self.receivers.heard() {
            if heard.accepted {
                *times.entry((heard.claim("sid"), heard.client)).or_default() += 1;
            }
        }
        times
    }
}
