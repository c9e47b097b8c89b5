//! One of the processes: this test binary again, told by its environment what to do.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    ops::Add,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header::COOKIE},
};
use axum_user_session::{
    store::{PostgresStore, RedisStore},
    testing::Browser,
};
use tokio::{sync::Mutex, task::JoinSet};

use crate::{TASKS, place::Place, site::Site};

const URL: &str = "LOST_CLIENTS_URL";
const PLACE: &str = "LOST_CLIENTS_PLACE";
const WORK: &str = "LOST_CLIENTS_WORK";

/// What a process is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) process: usize,
    pub(crate) sessions: usize,
    pub(crate) registrations: usize,
}

impl Work {
    /// Its registrations: a session and a client each. All processes go round the same sessions.
    pub(crate) fn all(self) -> impl Iterator<Item = (usize, String)> {
        (0..self.registrations).map(move |number| self.registration(number))
    }

    fn registration(self, number: usize) -> (usize, String) {
        let client = format!("client-{}-{number}", self.process);
        (number % self.sessions, client)
    }

    /// Each session has one process that signs in again now and then: its browser has one place where the user types a password.
    fn signs_in_before(self, number: usize) -> bool {
        let (session, round) = (number % self.sessions, number / self.sessions);
        session % crate::PROCESSES == self.process && round % 5 == 1
    }
}

/// What a process has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) registered: usize,
    pub(crate) sign_ins: usize,
    /// Registrations during which the reference was replaced.
    pub(crate) met_another_reference: usize,
    /// Requests that came with a reference that had been replaced before.
    pub(crate) came_too_late: usize,
}

impl Add for Report {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            registered: self.registered + other.registered,
            sign_ins: self.sign_ins + other.sign_ins,
            met_another_reference: self.met_another_reference + other.met_another_reference,
            came_too_late: self.came_too_late + other.came_too_late,
        }
    }
}

/// A process that works. It is killed when it is dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(url: &str, place: &Place, work: Work) -> Self {
        let work = [work.process, work.sessions, work.registrations].map(|it| it.to_string());
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "worker::process", "--nocapture"])
            .env(URL, url)
            .env(PLACE, place.path())
            .env(WORK, work.join(" "))
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Waits until it is done.
    pub(crate) fn report(&mut self) -> Report {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let report = |line: String| Some(line.split_once(MARK)?.1.to_owned());
        let mut reports: Vec<_> = lines.map_while(Result::ok).filter_map(report).collect();
        assert!(self.0.wait().unwrap().success());
        let numbers = reports.pop().expect("it reports before it ends");
        let mut numbers = numbers.split(' ').map(|it| it.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        Report {
            registered: next(),
            sign_ins: next(),
            met_another_reference: next(),
            came_too_late: next(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tells the report from what the test harness prints.
const MARK: &str = "report> ";

/// Does nothing unless it has been started as a worker.
#[test]
fn process() {
    let Ok(url) = env::var(URL) else {
        return;
    };
    let work = env::var(WORK).unwrap();
    let work: Vec<usize> = work.split(' ').map(|it| it.parse().unwrap()).collect();
    let work = Work {
        process: work[0],
        sessions: work[1],
        registrations: work[2],
    };
    let place = Place::of_another_process(PLACE);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let report = runtime.unwrap().block_on(async {
        let site = match url.split(',').collect::<Vec<_>>()[..] {
            [url] if url.starts_with("postgres:") => {
                Site::new(PostgresStore::connect(url).await.unwrap(), &place)
            }
            [url] => Site::new(RedisStore::connect(url).await.unwrap(), &place),
            ref nodes => {
                let store = RedisStore::connect_cluster(nodes.iter().copied()).await;
                Site::new(store.unwrap(), &place)
            }
        };
        run(&site, &place, work).await
    });
    let mut out = std::io::stdout().lock();
    let Report {
        registered,
        sign_ins,
        met_another_reference,
        came_too_late,
    } = report;
    writeln!(
        out,
        "{MARK}{registered} {sign_ins} {met_another_reference} {came_too_late}"
    )
    .unwrap();
}

async fn run(site: &Site, place: &Place, work: Work) -> Report {
    // A browser signs in once at a time.
    let browsers: Arc<Vec<Mutex<()>>> =
        Arc::new((0..work.sessions).map(|_| Mutex::default()).collect());
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (site, place, browsers) = (site.clone(), place.clone(), Arc::clone(&browsers));
        tasks.spawn(async move {
            let mut report = Report::default();
            for number in (task..work.registrations).step_by(TASKS) {
                let (session, client) = work.registration(number);
                if work.signs_in_before(number) {
                    let _alone = browsers[session].lock().await;
                    place.sign_in(&site, session).await;
                    report.sign_ins += 1;
                }
                report.came_too_late += register(&site, &place, session, &client).await;
                report.registered += 1;
            }
            report
        });
    }
    let reports = tasks.join_all().await.into_iter();
    Report {
        met_another_reference: site.met_another_reference(),
        ..reports.reduce(|one, other| one + other).unwrap()
    }
}

/// Registers a client, and gives how many attempts were in vain.
async fn register(site: &Site, place: &Place, session: usize, client: &str) -> usize {
    let mut browser = Browser::new(site.router.clone());
    for attempt in 0..1000 {
        let request = Request::post(format!("/register/{session}/{client}"))
            .header(COOKIE, place.cookies(session))
            .body(Body::empty());
        let page = browser.send(request.unwrap()).await;
        match page.status {
            StatusCode::OK => return attempt,
            StatusCode::UNAUTHORIZED => {}
            other => panic!("{client}: {other}"),
        }
    }
    panic!("{client}: the session is lost");
}
