//! PostgreSQL.

use std::{
    ffi::OsString,
    fs,
    net::SocketAddr,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    process::User,
    programs::{command, output, postgres_programs, try_output},
    server::{Kind, Server},
};

/// A PostgreSQL server. Whoever connects to it from this machine is its superuser.
pub type Postgres = Server<PostgresKind>;

/// An empty database for one test.
#[derive(Clone, Debug)]
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Postgres {
    /// The server that all tests of this process share, each with a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server for one test.
    ///
    /// It does not wait for the disk, which makes tests fast: what it has committed last is lost when it is killed.
    pub fn start() -> Self {
        Self::launch(PostgresKind::new(false))
    }

    /// Starts a server that keeps what it has committed when it is killed, as it is run in production.
    pub fn start_durable() -> Self {
        Self::launch(PostgresKind::new(true))
    }

    /// Makes an empty database with a name that no other has here.
    pub fn create_database(&self) -> Database {
        let number = self.kind.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        let url = self.url(&name);
        Database { name, url }
    }

    /// Where a database is reached. The database `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        Self::url_through(self.address(), database)
    }

    /// Where it is reached by way of a proxy at this address.
    pub fn url_through(proxy: SocketAddr, database: &str) -> String {
        format!("postgres://{SUPERUSER}@{proxy}/{database}")
    }

    /// Runs SQL statements, and gives the rows of their results: a line each, with `|` between the columns.
    ///
    /// # Panics
    ///
    /// If one of them fails.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        self.try_sql(database, statements)
            .unwrap_or_else(|complaint| panic!("{complaint}"))
    }

    /// As [`sql`](Self::sql), with the server's complaint as the error.
    pub fn try_sql(&self, database: &str, statements: &str) -> Result<String, String> {
        Self::try_sql_at(&self.url(database), statements)
    }

    /// As [`try_sql`](Self::try_sql), for any URL, such as one through a proxy.
    pub fn try_sql_at(url: &str, statements: &str) -> Result<String, String> {
        let mut psql = command(postgres_programs().join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1"])
            .args(["--dbname", url])
            .args(["--command", statements]);
        let rows = try_output(&mut psql)?;
        Ok(rows.trim_end().to_owned())
    }
}

/// How PostgreSQL is run.
pub struct PostgresKind {
    programs: PathBuf,
    user: Option<User>,
    durable: bool,
    databases: AtomicUsize,
}

impl PostgresKind {
    pub fn new(durable: bool) -> Self {
        Self {
            programs: postgres_programs(),
            user: user(),
            durable,
            databases: AtomicUsize::new(0),
        }
    }
}

impl Kind for PostgresKind {
    const NAME: &'static str = "postgres";
    const STOP: &'static str = "INT";
    const END: &'static str = "QUIT";

    fn user(&self) -> Option<User> {
        self.user
    }

    fn prepare(&self, folder: &Path) {
        let mut initdb = command(self.programs.join("initdb"));
        // Texts are ordered by code points, as everywhere, but `lower` knows letters outside ASCII.
        initdb
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .args(["--auth=trust", "--username", SUPERUSER, "--pgdata"])
            .arg(data(folder))
            .current_dir(folder);
        if let Some(User { uid, gid }) = self.user {
            initdb.uid(uid).gid(gid);
        }
        output(&mut initdb);
    }

    fn command_line(&self, folder: &Path, port: u16) -> Vec<OsString> {
        let mut settings = vec![
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            // The path of a socket may be too long, and nobody needs one.
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            // In the folder: elsewhere it would be left behind by a crash, and is often short in a container.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ];
        if !self.durable {
            let off = ["fsync", "synchronous_commit", "full_page_writes"];
            settings.extend(off.map(|setting| format!("{setting}=off")));
        }
        let mut command_line = vec![
            self.programs.join("postgres").into(),
            "-D".into(),
            data(folder).into(),
        ];
        for setting in settings {
            command_line.extend(["-c".into(), setting.into()]);
        }
        command_line
    }

    /// By what `pg_ctl` waits for: the pid in the first line of this file, and the state in the eighth.
    fn is_ready(&self, folder: &Path, _address: SocketAddr, pid: u32) -> bool {
        let state = fs::read_to_string(state_file(folder)).unwrap_or_default();
        let mut lines = state.lines().map(str::trim);
        lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
    }

    /// A small segment of System V shared memory, of which the seventh line of this file tells the key and the id.
    fn tidy_after_crash(&self, folder: &Path) {
        let state = fs::read_to_string(state_file(folder)).unwrap_or_default();
        let segment = state.lines().nth(6).unwrap_or_default();
        if let Some(id) = segment.split_whitespace().nth(1) {
            // Nothing depends on it, and there may be no such program.
            let _ = Command::new("ipcrm").args(["-m", id]).output();
        }
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn state_file(folder: &Path) -> PathBuf {
    data(folder).join("postmaster.pid")
}

/// The server refuses to run as root, so root runs it as the user that its package has made.
fn user() -> Option<User> {
    let ours = tempfile::tempfile().and_then(|file| file.metadata());
    if ours.expect("there is a folder for temporary files").uid() != 0 {
        return None;
    }
    let id = |which: &str| {
        let id = try_output(command("id").args([which, "postgres"]));
        let id = id.unwrap_or_else(|complaint| {
            panic!(
                "root runs PostgreSQL as the user `postgres`, whom its package makes: {complaint}"
            )
        });
        id.trim().parse().expect("an id is a number")
    };
    Some(User {
        uid: id("-u"),
        gid: id("-g"),
    })
}

const SUPERUSER: &str = "postgres";
