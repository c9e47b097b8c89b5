//! Several processes tell the clients of the same sessions, and no client hears twice (o6): it is not a matter of one process's memory who sends what.

use std::time::{Duration, Instant};

use crate::{
    place::Place,
    process::{Process, Role},
    receivers::Reply,
    run::Runs,
    site::{CLIENTS, Way},
};

const PROCESSES: usize = 3;

impl Runs {
    /// Sessions end here, and the processes tell.
    pub(crate) async fn tell_together(&self) {
        let soon = Duration::ZERO;
        let mut processes: Vec<_> = (0..PROCESSES)
            .map(|_| Process::start(Role::Tell, &self.url, &self.place, soon))
            .collect();
        processes.iter_mut().for_each(Process::begins);
        // Long enough for another process to come upon what is being sent.
        let slowly = Reply::Slow(Duration::from_millis(30));
        self.receivers.behave("c1", [slowly]);
        let sessions = self.begin(0).await;
        // Some end only when time has passed.
        let now = |way| !matches!(way, Way::Refused | Way::Late | Way::CleanedUp);
        let ending: Vec<_> = sessions.iter().filter(|it| now(it.way)).collect();
        for session in &ending {
            self.site
                .end(&session.subject, session.way, &session.cookies)
                .await;
        }
        let expected = ending.len() * CLIENTS.len();
        let began = Instant::now();
        while self.heard().len() < expected {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "not all are told"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.nobody_heard_twice();
        self.place.write(STOP, "");
        let told = processes.into_iter().map(|process| {
            let name = told_by(process.id());
            process.ends();
            self.place.read(&name).parse().unwrap()
        });
        let told: Vec<usize> = told.collect();
        println!("{expected} notifications, sent by {PROCESSES} processes: {told:?}");
        assert_eq!(told.iter().sum::<usize>(), expected);
        let idle = told.iter().filter(|told| **told == 0).count();
        assert!(idle < PROCESSES - 1, "one has done everything: {told:?}");
        self.nobody_heard_twice();
    }

    fn nobody_heard_twice(&self) {
        for (of, times) in self.heard() {
            assert_eq!(times, 1, "{of:?} was told more than once");
        }
    }
}

/// Whether a process is to stop.
pub(crate) fn is_over(place: &Place) -> bool {
    place.path().join(STOP).exists()
}

/// The file in which a process says how many notifications were accepted of those that it has sent.
pub(crate) fn told_by(process: u32) -> String {
    format!("told-by-{process}")
}

const STOP: &str = "stop";
