//! One of the processes: this test binary again, told by its environment what to do.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum_user_session::{
    cleanup::{CleanupTask, EndedTask},
    oidc::back_channel::{DeliveryTask, LogoutDeliveries},
};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    place::Place,
    site::{Shared, Site, Way},
    together::{is_over, told_by},
};

const URL: &str = "CRASHES_URL";
const PLACE: &str = "CRASHES_PLACE";
const ROLE: &str = "CRASHES_ROLE";
const AHEAD: &str = "CRASHES_AHEAD";

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Ends sessions and tells their clients, until it is killed.
    End,
    /// Tells clients, until there is nobody left who has not heard.
    CatchUp,
    /// Tells clients, as others do at the same time, until it is to stop.
    Tell,
}

/// A process at work. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(role: Role, url: &str, place: &Place, ahead: Duration) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "process::process", "--nocapture"])
            .env(URL, url)
            .env(PLACE, place.path())
            .env(ROLE, format!("{role:?}"))
            .env(AHEAD, ahead.as_secs().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Waits until it begins with its work.
    pub(crate) fn begins(&mut self) {
        let mut line = String::new();
        while !line.contains(MARK) {
            line.clear();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "it has ended");
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL, and waits until it is dead.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn ends(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the word that work begins from what the test harness prints.
const MARK: &str = "work begins";

/// Does nothing unless it has been started as a process of its own.
#[test]
fn process() {
    let Ok(url) = env::var(URL) else {
        return;
    };
    let place = Place::of_another_process(PLACE);
    let ahead = Duration::from_secs(env::var(AHEAD).unwrap().parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let site = Arc::new(Site::open(&url, &place, ahead).await);
        writeln!(std::io::stdout().lock(), "{MARK}").unwrap();
        match &*env::var(ROLE).unwrap() {
            "End" => end(site, &place).await,
            "CatchUp" => catch_up(site).await,
            "Tell" => tell(site, &place).await,
            other => panic!("no role: {other}"),
        }
    });
}

fn deliveries(site: &Site) -> DeliveryTask {
    // A client that fails is tried again at once, so that a run takes no longer than it must.
    let soon = Duration::from_millis(20);
    DeliveryTask::new(&site.back_channel)
        .backoff(soon, 2 * soon)
        .poll_interval(Duration::from_millis(100))
}

/// Ends all sessions, four at a time in a random order.
async fn end(site: Shared, place: &Place) {
    let _news = EndedTask::new(&site.config).unwrap().spawn();
    let _deliveries = deliveries(&site).spawn();
    let sessions = place.read("sessions");
    let mut sessions: Vec<_> = sessions
        .lines()
        .map(|line| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().unwrap();
            (next(), next(), next())
        })
        .collect();
    // Shuffled, by keys that nobody has chosen.
    sessions.sort_by_cached_key(|_| rand::random::<u64>());
    let mut ending = JoinSet::new();
    for part in sessions.chunks(sessions.len().div_ceil(4)) {
        let (site, part) = (Arc::clone(&site), part.to_vec());
        ending.spawn(async move {
            for (subject, way, cookies) in part {
                let way = Way::ALL.into_iter().find(|it| format!("{it:?}") == way);
                site.end(&subject, way.unwrap(), &cookies).await;
            }
        });
    }
    ending.join_all().await;
    std::future::pending().await
}

async fn tell(site: Shared, place: &Place) {
    let (news, sending) = (EndedTask::new(&site.config).unwrap(), deliveries(&site));
    let mut told = 0;
    while !is_over(place) {
        news.run_once().await.unwrap();
        told += sending.run_once().await.unwrap().delivered;
        sleep(Duration::from_millis(5)).await;
    }
    place.write(&told_by(std::process::id()), &told.to_string());
}

async fn catch_up(site: Shared) {
    let (news, sending) = (EndedTask::new(&site.config).unwrap(), deliveries(&site));
    let admin = LogoutDeliveries::new(&site.back_channel);
    CleanupTask::new(&site.config)
        .unwrap()
        .run_once()
        .await
        .unwrap();
    loop {
        let heard = news.run_once().await.unwrap();
        sending.run_once().await.unwrap();
        let count = admin.count().await.unwrap();
        if heard == 0 && count.pending + count.failed == 0 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}
