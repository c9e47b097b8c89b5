//! A program that is started, stopped, killed and started again in one folder, and is gone when the test process is.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::Write,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{
    programs::{command, output, program},
    watchdog::Watchdog,
};

/// A folder with a server that runs in it, or does not at the moment.
///
/// Dropped, it ends the server and removes the folder.
pub struct Process {
    watchdog: Watchdog,
    user: Option<User>,
    child: Option<Child>,
}

/// The ids of a user that a server runs as, and of its group.
#[derive(Clone, Copy)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// Why a server did not start.
pub enum Failure {
    /// Somebody else was quicker to take its port.
    AddressInUse,
    /// It has ended; this is what it logged.
    Ended(String),
}

impl Process {
    /// A folder for a server that is still to be started. `signal` ends it quickly, but in order.
    ///
    /// With a user the folder belongs to that one, and the server runs as that one; it takes root to ask for it.
    pub fn new(name: &str, signal: &str, user: Option<User>) -> Self {
        let watchdog = Watchdog::new(name, signal);
        if let Some(User { uid, gid }) = user {
            chown(watchdog.folder(), Some(uid), Some(gid)).expect("root may give its files away");
        }
        Self {
            watchdog,
            user,
            child: None,
        }
    }

    pub fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    /// What the server has logged since it was first started.
    pub fn log(&self) -> String {
        self.log_from(0)
    }

    /// Starts the server by its program and arguments, and waits until it is ready, which `ready` tells by its pid.
    ///
    /// # Panics
    ///
    /// If it runs already, or if a minute is not enough for it.
    pub fn start(
        &mut self,
        command_line: &[OsString],
        mut ready: impl FnMut(u32) -> bool,
    ) -> Result<(), Failure> {
        assert!(!self.is_running(), "{command_line:?} runs already");
        let logged = fs::metadata(self.log_file()).map_or(0, |log| log.len());
        let pid = self.launch(command_line);
        let deadline = Instant::now() + LIMIT;
        while !ready(pid) {
            if !self.is_running() {
                self.ended();
                return Err(Failure::from_log(self.log_from(logged)));
            }
            assert!(
                Instant::now() < deadline,
                "{command_line:?} is not ready after {LIMIT:?}; its log:\n{}",
                self.log_from(logged)
            );
            sleep(MOMENT);
        }
        Ok(())
    }

    /// Whether the server runs; it may also have ended by itself.
    pub fn is_running(&mut self) -> bool {
        let Some(child) = &mut self.child else {
            return false;
        };
        let status = child.try_wait().expect("the server is our child");
        status.is_none()
    }

    /// The server's pid.
    ///
    /// # Panics
    ///
    /// If it has been stopped or killed.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it has been started").id()
    }

    /// Asks the server to stop, and waits until it has.
    ///
    /// # Panics
    ///
    /// If it does not run, or if a minute is not enough for it.
    pub fn stop(&mut self, signal: &str) {
        assert!(self.is_running(), "it has ended by itself:\n{}", self.log());
        send(signal, &[self.pid()]);
        let stopped = self.wait(LIMIT);
        assert!(stopped, "it does not stop; its log:\n{}", self.log());
        self.ended();
    }

    /// Ends the server and its children at one stroke, with no chance to write anything, as a crash does.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn kill(&mut self) {
        assert!(self.is_running(), "it has ended by itself:\n{}", self.log());
        // While it is halted it can neither have more children nor notice that it loses some.
        let server = self.pid();
        send("STOP", &[server]);
        let mut all = vec![server];
        all.extend(
            living()
                .into_iter()
                .filter(|it| it.parent == server)
                .map(|it| it.pid),
        );
        send("KILL", &all);
        assert!(self.wait(LIMIT), "a process that is killed ends");
        self.ended();
        // The children are nobody's now. A server that starts again must not meet them.
        let deadline = Instant::now() + LIMIT;
        while all.iter().any(|pid| is_alive(*pid)) {
            assert!(Instant::now() < deadline, "processes that are killed end");
            sleep(MOMENT);
        }
    }

    /// Starts a shell that waits to be told to become the server: not before the watchdog knows its pid. If this process
    /// ends in between, so does the shell.
    fn launch(&mut self, command_line: &[OsString]) -> u32 {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("the temporary folder can be written to");
        let mut shell = command("sh");
        shell
            .args(["-c", r#"read -r _ && exec "$@" </dev/null"#, "sh"])
            .args(command_line)
            .current_dir(self.folder())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file can be opened twice"))
            .stderr(log);
        if let Some(User { uid, gid }) = self.user {
            shell.uid(uid).gid(gid);
        }
        let mut child = shell.spawn().expect("sh is on the PATH");
        let pid = child.id();
        let mut gate = child.stdin.take().expect("standard input is piped");
        self.watchdog.watch(pid);
        self.child = Some(child);
        // If the shell has been killed meanwhile, that is seen by who waits for the server.
        let _ = gate.write_all(b"go\n");
        pid
    }

    fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() > deadline {
                return false;
            }
            sleep(MOMENT);
        }
        true
    }

    fn ended(&mut self) {
        self.child = None;
        self.watchdog.forget();
    }

    fn log_from(&self, byte: u64) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        let new = log.get(byte as usize..).unwrap_or_default();
        String::from_utf8_lossy(new).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.folder().join("log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watchdog.release();
        // It is the watchdog that ends the server, unless somebody has killed the watchdog.
        if !self.wait(LIMIT)
            && let Some(child) = &mut self.child
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Failure {
    fn from_log(log: String) -> Self {
        if log.to_lowercase().contains("address already in use") {
            Self::AddressInUse
        } else {
            Self::Ended(log)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressInUse => f.write_str("its address is in use"),
            Self::Ended(log) => write!(f, "it has ended; its log:\n{log}"),
        }
    }
}

fn send(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    // Some of them may have ended meanwhile. Who does not get the signal is noticed by its not ending.
    let _ = command(program("kill", "procps"))
        .args(["-s", signal])
        .args(pids)
        .stderr(Stdio::null())
        .status();
}

/// Whether a process runs, be it ours or not.
pub fn is_alive(pid: u32) -> bool {
    living().iter().any(|it| it.pid == pid)
}

struct Living {
    pid: u32,
    parent: u32,
}

/// All processes that have not ended.
fn living() -> Vec<Living> {
    let mut ps = command(program("ps", "procps"));
    let table = output(ps.args(["-A", "-o", "pid=,ppid=,stat="]));
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        let (pid, parent) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let ended = fields.next()?.starts_with('Z');
        (!ended).then_some(Living { pid, parent })
    };
    table.lines().filter_map(row).collect()
}

/// Recovery after a crash may take a while on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

const MOMENT: Duration = Duration::from_millis(10);
