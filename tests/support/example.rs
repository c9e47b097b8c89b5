//! The example as a process of its own. A test binary takes this in as its module `server`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A folder that outlives the server, as a machine's disk does: it holds the key file and the log.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("there is a folder for temporary files"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        // The server makes the folder too.
        self.path().join("keys").join("keys.json")
    }

    /// The database that a server on this disk uses unless it is told another.
    pub(crate) fn database(&self) -> String {
        format!("sqlite:{}", self.sessions_file().display())
    }

    pub(crate) fn sessions_file(&self) -> PathBuf {
        self.path().join("sessions.db")
    }

    /// Writes a file, such as the list of client applications.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("the temporary folder can be written to");
        path
    }

    fn log_file(&self) -> PathBuf {
        self.path().join("log")
    }

    /// Waits until the log has a text: what follows after a response takes a moment.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let began = Instant::now();
        while !self.log().contains(text) {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{text} is not logged:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What all servers on this disk have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

/// A running identity provider. It is killed at the end of the test, whatever that is.
pub(crate) struct Server {
    process: Child,
    origin: String,
}

impl Server {
    pub(crate) fn start(disk: &Disk) -> Self {
        Self::with_database(disk, &disk.database())
    }

    /// Keeps its sessions there, or in cookies alone if that is `none`.
    pub(crate) fn with_database(disk: &Disk, database: &str) -> Self {
        Self::run(command("127.0.0.1:0", disk, database), disk)
    }

    pub(crate) fn listening_on(listen: &str, disk: &Disk) -> Self {
        Self::run(command(listen, disk, &disk.database()), disk)
    }

    /// With client applications of its own, and more settings as environment variables.
    pub(crate) fn with_clients(
        disk: &Disk,
        database: &str,
        clients: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = command("127.0.0.1:0", disk, database);
        command
            .env("CLIENTS_FILE", disk.write("clients.toml", clients))
            .envs(settings.iter().copied());
        Self::run(command, disk)
    }

    fn run(mut command: Command, disk: &Disk) -> Self {
        let mut process = command.spawn().expect("the example can be run");
        let mut address = String::new();
        let output = process.stdout.take().expect("standard output is piped");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("standard output can be read");
        // From here on it is killed if an assertion fails.
        let mut server = Self {
            process,
            origin: String::new(),
        };
        let origin = address
            .strip_prefix("http://")
            .and_then(|rest| rest.strip_suffix("/\n"));
        let Some(origin) = origin else {
            panic!(
                "the server prints {address:?} and not its address; its log:\n{}",
                disk.log()
            );
        };
        server.origin = format!("http://{origin}");
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Asks the server to stop, as a service manager does, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        assert!(asked.expect("kill can be run").success());
        self.process.wait().expect("the server is our child")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a server that ends by itself, because it can't start.
pub(crate) fn failing(listen: &str, disk: &Disk, database: &str) -> ExitStatus {
    command(listen, disk, database)
        .status()
        .expect("the example can be run")
}

/// Runs a server that ends by itself, because something about its clients, its settings or its disk is wrong.
pub(crate) fn refusing(disk: &Disk, clients: &str, settings: &[(&str, &str)]) -> ExitStatus {
    command("127.0.0.1:0", disk, &disk.database())
        .env("CLIENTS_FILE", disk.write("clients.toml", clients))
        .envs(settings.iter().copied())
        .status()
        .expect("the example can be run")
}

fn command(listen: &str, disk: &Disk, database: &str) -> Command {
    let log = File::options()
        .create(true)
        .append(true)
        .open(disk.log_file())
        .expect("the temporary folder can be written to");
    let mut command = Command::new(example("identity_provider"));
    command
        .env("LISTEN", listen)
        .env("KEY_FILE", disk.key_file())
        .env("DATABASE_URL", database)
        .env("RUST_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    command
}

/// Where cargo has put an example. It builds them for `cargo test`, but not for `cargo test --test identity_provider`.
pub(crate) fn example(name: &str) -> PathBuf {
    let example = target()
        .join("examples")
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION);
    let built = modified(&example).unwrap_or_else(|| {
        panic!(
            "{} is missing: run `cargo build --examples` first, or `cargo test` without naming a target",
            example.display()
        )
    });
    // An old one would be tested without a word.
    let sources = fs::read_to_string(example.with_extension("d")).expect("cargo lists the sources");
    for source in sources.split_whitespace().skip(1) {
        assert!(
            modified(Path::new(source)).is_none_or(|changed| changed <= built),
            "{} is older than {source}: run `cargo build --examples` first",
            example.display()
        );
    }
    example
}

/// The folder of cargo's that this test's profile is built in.
pub(crate) fn target() -> PathBuf {
    // The test is `deps/NAME-...` in it.
    let test = env::current_exe().expect("the system tells it");
    let target = test.ancestors().nth(2).expect("cargo has put it there");
    target.to_owned()
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).and_then(|found| found.modified()).ok()
}
