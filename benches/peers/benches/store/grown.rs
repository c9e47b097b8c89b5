//! Which stores grow, and what they take up.

use std::fs;

use axum_user_session::store::{MemoryStore, PostgresOptions, RedisOptions, SqliteStore};

use crate::{
    contestant::Place,
    growth::{Filled, Growth, TIMES, Task},
    places::{POSTGRES_CONNECTIONS, Servers},
    servers::Redis,
};

impl Servers {
    /// What this crate's store at a place costs at two sizes.
    pub(crate) async fn grow(&self, place: Place, sizes: [u64; 2]) -> Growth {
        let name = place.name();
        match place {
            Place::Memory => {
                let stores = [(); 2].map(|()| MemoryStore::new(2 * sizes[1] as usize));
                Growth::measure(name, stores, sizes, async || resident()).await
            }
            Place::Sqlite => {
                let files = ["few", "many"].map(|name| self.file(name));
                let stores = files
                    .each_ref()
                    .map(|file| SqliteStore::open(file).expect("a file that nobody else has"));
                let bytes = async || {
                    let len = |file| fs::metadata(file).map_or(0, |file| file.len());
                    files.iter().map(len).sum()
                };
                Growth::measure(name, stores, sizes, bytes).await
            }
            Place::Postgres => {
                let databases = [(); 2].map(|()| self.postgres().create_database());
                let mut stores = Vec::new();
                for database in &databases {
                    let options = PostgresOptions::new().max_connections(POSTGRES_CONNECTIONS);
                    let store = options.connect(&database.url).await;
                    let store = store.expect("PostgreSQL runs");
                    store.migrate().await.expect("an empty database");
                    stores.push(store);
                }
                let bytes = async || {
                    // As the server does by itself, sooner or later.
                    let sizes = databases.iter().map(|database| {
                        self.postgres().sql(&database.name, "vacuum analyze");
                        self.postgres().sql(&database.name, SIZE)
                    });
                    sizes.map(|size| number(&size)).sum()
                };
                let stores = stores
                    .try_into()
                    .unwrap_or_else(|_| panic!("there are two"));
                let growth = Growth::measure(name, stores, sizes, bytes).await;
                self.print_plans(&databases[1].name, sizes[1]).await;
                growth
            }
            Place::Redis => {
                let url = self.redis().url();
                let connect = async |prefix| {
                    let store = RedisOptions::new().key_prefix(prefix).connect(&url).await;
                    store.expect("Redis runs")
                };
                let stores = [connect("few").await, connect("many").await];
                let bytes = async || used_memory(self.redis());
                Growth::measure(name, stores, sizes, bytes).await
            }
            Place::Cluster => {
                let urls = self.cluster().urls();
                let connect = async |prefix| {
                    let options = RedisOptions::new().key_prefix(prefix);
                    let store = options.connect_cluster(&urls).await;
                    store.expect("the cluster runs")
                };
                let stores = [connect("few").await, connect("many").await];
                let bytes = async || self.cluster().nodes().iter().map(used_memory).sum();
                Growth::measure(name, stores, sizes, bytes).await
            }
        }
    }

    /// How PostgreSQL does what was measured, as it says itself: which way each statement of an operation takes to the rows.
    async fn print_plans(&self, database: &str, size: u64) {
        let url = format!("{}{EXPLAIN}", self.postgres().url(database));
        let store = PostgresOptions::new().connect(&url).await;
        let store = store.expect("PostgreSQL runs");
        let filled = Filled { store, size };
        let log = || self.postgres().log();
        for task in Task::ALL {
            let before = log().len();
            task.run(&filled, TIMES).await;
            let log = log();
            let mut scans: Vec<_> = log[before..].lines().filter_map(scan).collect();
            scans.dedup();
            println!("plan of {}: {}", task.name(), scans.join("; "));
        }
    }
}

/// The part of a plan that reads rows, without its costs. What was planned and then not done is left out.
fn scan(line: &str) -> Option<&str> {
    let node = line.trim().trim_start_matches("-> ").trim();
    let is_scan = node.contains("Scan") && !node.contains("never executed");
    is_scan.then(|| node.split("  (").next().unwrap_or(node))
}

/// Of this process, which has no store but these.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.map(|line| line.trim().trim_end_matches(" kB"));
    kilobytes.map_or(0, number) * 1024
}

fn used_memory(server: &Redis) -> u64 {
    let info = server.command(&["INFO", "memory"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.map_or(0, number)
}

fn number(text: &str) -> u64 {
    text.trim().parse().expect("a number")
}

/// Tables, their indexes and what is stored beside them.
const SIZE: &str = "select sum(pg_total_relation_size(oid)) from pg_class \
    where relkind = 'r' and relnamespace = 'axum_user_session'::regnamespace";

/// Lets the server tell how it has run each statement, those within functions as well, planned without the values, which is what prepared
/// statements end with.
const EXPLAIN: &str = "?options[plan_cache_mode]=force_generic_plan\
    &options[session_preload_libraries]=auto_explain\
    &options[auto_explain.log_min_duration]=0\
    &options[auto_explain.log_nested_statements]=on\
    &options[auto_explain.log_analyze]=on\
    &options[auto_explain.log_timing]=off";
