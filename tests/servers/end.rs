//! How a server ends: with the test, or with the test process, however that ends.

use std::{
    env,
    io::{BufRead, BufReader, Read, stdin},
    os::unix::process::CommandExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::servers::{Kind, Postgres, Redis, Server, Watchdog, is_alive};

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn a_test_that_panics_leaves_no_server() {
    let mut trace = None;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let server = Redis::start();
        trace = Some(Trace::of(&server));
        panic!("as a failed assertion does");
    }));
    assert!(panic.is_err());
    // At once: it waits for the end.
    assert!(trace.expect("it has started").is_gone());
}

/// The pid of a server that has been stopped may soon be somebody else's.
#[test]
fn nobody_is_ended_in_place_of_a_server_that_has_been_stopped() {
    for (name, forget, lives) in [("watched", false, false), ("forgotten", true, true)] {
        let mut somebody = Command::new("sleep").arg("600").spawn().unwrap();
        let mut watchdog = Watchdog::new("test", "KILL");
        watchdog.watch(somebody.id());
        if forget {
            watchdog.forget();
        }
        drop(watchdog);
        assert_eq!(is_alive(somebody.id()), lives, "{name}");
        somebody.kill().unwrap();
        somebody.wait().unwrap();
    }
}

/// A test process of its own, which runs this very test.
#[test]
#[ignore = "needs PostgreSQL and Redis: bash tests/run.sh"]
fn no_server_outlives_the_test_process() {
    if env::var_os(VICTIM).is_some() {
        return be_the_victim();
    }
    for (name, end) in [
        // Its shared servers are statics, which nobody drops.
        ("it returns", Victim::let_return as fn(&mut Victim)),
        ("it is killed", Victim::kill),
        ("all of its group are killed", Victim::kill_group),
    ] {
        let mut victim = Victim::start();
        assert_eq!(victim.traces.len(), 5, "{name}");
        for trace in &victim.traces {
            assert!(trace.is_fresh(), "{name}: {trace:?}");
        }

        end(&mut victim);
        let deadline = Instant::now() + Duration::from_secs(30);
        for trace in &victim.traces {
            while !trace.is_gone() {
                assert!(Instant::now() < deadline, "{name}: {trace:?} remains");
                sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Set where the test is run by itself.
const VICTIM: &str = "SERVERS_OF_A_VICTIM";

fn be_the_victim() {
    let own_postgres = Postgres::start_durable();
    let own_redis = Redis::start();
    let mut stopped = Redis::start();
    let trace = Trace::of(&stopped);
    stopped.stop();
    for trace in [
        Trace::of(Postgres::shared()),
        Trace::of(Redis::shared()),
        Trace::of(&own_postgres),
        Trace::of(&own_redis),
        Trace { pid: None, ..trace },
    ] {
        println!("{}", trace.to_line());
    }
    println!("{READY}");
    // Until the end of this pipe, or of this process.
    let _ = stdin().read(&mut [0]);
}

struct Victim {
    process: Child,
    traces: Vec<Trace>,
    /// Kept open, because the test harness writes more.
    _output: BufReader<ChildStdout>,
}

impl Victim {
    fn start() -> Self {
        let this = env::current_exe().expect("the system tells it");
        let name = "end::no_server_outlives_the_test_process";
        let mut process = Command::new(this)
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env(VICTIM, "yes")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test can be run again");
        let output = process.stdout.take().expect("standard output is piped");
        let mut output = BufReader::new(output);
        let lines = output.by_ref().lines().map_while(Result::ok);
        let traces = lines
            .take_while(|line| line != READY)
            .filter_map(|line| Trace::from_line(&line))
            .collect();
        Self {
            process,
            traces,
            _output: output,
        }
    }

    fn let_return(&mut self) {
        self.process.stdin = None;
        assert!(self.process.wait().expect("it is our child").success());
    }

    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it is our child");
    }

    /// As a time limit may do it. Ctrl-C at a terminal is milder, and ignored by what runs in the background.
    fn kill_group(&mut self) {
        let group = format!("-{}", self.process.id());
        let sent = Command::new("kill")
            .args(["-s", "KILL", "--", &group])
            .status();
        assert!(sent.expect("kill is on the PATH").success());
        self.process.wait().expect("it is our child");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a server would leave.
#[derive(Debug)]
struct Trace {
    /// None, if it has been stopped.
    pid: Option<u32>,
    folder: PathBuf,
}

impl Trace {
    fn of<K: Kind>(server: &Server<K>) -> Self {
        Self {
            pid: Some(server.pid()),
            folder: server.folder().to_owned(),
        }
    }

    fn is_fresh(&self) -> bool {
        self.pid.is_none_or(is_alive) && self.folder.exists()
    }

    fn is_gone(&self) -> bool {
        !self.pid.is_some_and(is_alive) && !self.folder.exists()
    }

    fn to_line(&self) -> String {
        let pid = self.pid.map(|pid| pid.to_string()).unwrap_or_default();
        format!("{TRACE}{pid} {}", self.folder.display())
    }

    fn from_line(line: &str) -> Option<Self> {
        let (pid, folder) = line.strip_prefix(TRACE)?.split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok(),
            folder: folder.into(),
        })
    }
}

const TRACE: &str = "trace: ";
const READY: &str = "ready";
