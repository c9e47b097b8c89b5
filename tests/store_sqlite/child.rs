//! Processes of this test binary's own, to be killed and to get in each other's way.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use axum_user_session::{
    ended::EndReason,
    store::{ClientAdded, End, SessionStore, SqliteOptions, SqliteStore},
};
use rusqlite::Connection;

use crate::fixtures::{cause, client, create, now, record};

const TASK: &str = "STORE_SQLITE_TASK";
const PATH: &str = "STORE_SQLITE_PATH";

/// A command that runs a task in a process of its own.
pub fn command(task: &str, path: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child::child", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(PATH, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A task that runs, with what it prints. It is killed when it is dropped.
pub struct Running {
    pub child: Child,
    pub lines: io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(task: &str, path: &Path) -> Self {
        Self::spawn(&mut command(task, path))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that the task itself has printed, without the mark.
    pub fn line(&mut self) -> Option<String> {
        let own = |line: io::Result<String>| Some(line.ok()?.split_once(MARK)?.1.to_owned());
        self.lines.by_ref().find_map(own)
    }

    /// Reads to the end, and says whether it went well.
    pub fn succeeds(&mut self) -> bool {
        while self.line().is_some() {}
        self.child.wait().unwrap().success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells a task's lines from those of the test harness around it.
const MARK: &str = "task> ";

pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// Does nothing unless it is asked for a task.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else {
        return;
    };
    let path = PathBuf::from(env::var_os(PATH).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match &*task {
        "add clients" => runtime.block_on(add_clients(&path)),
        "write" => runtime.block_on(write(&path)),
        "deliver" => runtime.block_on(crate::outbox::deliver(&path)),
        "hold the lock" => hold_the_lock(&path),
        "create one" => runtime.block_on(async {
            create(&SqliteStore::open(&path).unwrap(), 1).await;
        }),
        "be refused" => say(&cause(SqliteStore::open(&path))),
        "fill the disk" => runtime.block_on(crate::disk_full::fill(&path)),
        "serve on a full disk" => runtime.block_on(crate::disk_full::serve(&path)),
        other => panic!("no such task: {other}"),
    }
}

/// Opens the file, which may not be there yet, and adds 100 clients to one session.
async fn add_clients(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    // Whoever comes first makes it.
    store.create(&record(0), None, now()).await.unwrap();
    let tasks = (0..100).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = client(&format!("{}-{number}", std::process::id()));
            let added = store.add_client(&record(0).key, &id, now()).await.unwrap();
            assert_eq!(added, ClientAdded::Added);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Signs in and out without end, and says what was answered.
async fn write(path: &Path) {
    let store = SqliteOptions::new().open(path).unwrap();
    let tasks = (0..8_u64).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0.. {
                let number = round * 8 + task;
                create(&store, number).await;
                say(&format!("created {number}"));
                if round % 2 == 0 {
                    let end = End::because(EndReason::SignOut);
                    let key = record(number).key;
                    say(&format!("ending {number}"));
                    assert!(store.delete(&key, end, now()).await.unwrap().is_some());
                    say(&format!("ended {number}"));
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Holds the lock for writing until standard input is closed.
fn hold_the_lock(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    say("locked");
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
