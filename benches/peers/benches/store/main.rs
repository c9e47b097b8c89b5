//! What sessions on a server cost, beside tower-sessions with its own stores: `cargo bench --bench store`.
//!
//! Both drive the same axum application in process, against the same servers, which are this program's own: PostgreSQL, Redis and a Redis Cluster of
//! three masters. They take turns in short rounds, so that a slow moment of the machine meets both. Rates move from machine to machine; the
//! ratios at the end are what counts.
//!
//! - `QUICK=1`: a first look, in seconds.
//! - `STORES=sqlite,redis`: these alone, of `memory`, `sqlite`, `postgres`, `redis` and `cluster`.
//! - `GROWTH=1`: instead, what this crate's stores cost with ten thousand and with a million sessions, and the bytes of one (`GROWTH=3000,6000` for
//!   other sizes).

mod asked;
mod contestant;
mod drive;
mod grown;
mod growth;
mod measure;
mod operation;
mod ours;
mod places;
mod report;
#[path = "../../../../tests/support/servers/mod.rs"]
mod servers;
mod settings;
mod stored;
mod theirs;
mod visitors;

use std::process::ExitCode;

use crate::{measure::Bench, places::Servers, report::Report, settings::Settings};

fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::FAILURE;
        }
    };
    // Before the runtime and until after it: connections end before their servers.
    let servers = Servers::start(&settings.places);
    let runtime = runtime();
    if let Some(sizes) = settings.growth {
        runtime.block_on(grow(&servers, &settings, sizes));
        return ExitCode::SUCCESS;
    }
    let bench = runtime.block_on(async {
        let mut bench = Bench::prepare(&servers, &settings).await;
        bench.run(&settings).await;
        bench
    });
    println!(
        "{} rounds; {} sessions in each store, and those that sign-ins add\n",
        settings.rounds, settings.sessions
    );
    print!("{}", Report::new(bench.finish()));
    drop(runtime);
    ExitCode::SUCCESS
}

async fn grow(servers: &Servers, settings: &Settings, sizes: [u64; 2]) {
    let mut grown = Vec::new();
    for place in &settings.places {
        grown.push(servers.grow(*place, sizes).await);
    }
    println!("\n{}", growth::head(sizes));
    grown.iter().for_each(|growth| print!("{growth}"));
    println!();
    for growth in grown {
        let (name, worst) = (growth.name(), growth.worst());
        println!("{} / {}, {name}: {worst:.2} at most", sizes[1], sizes[0]);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime on as many threads as there are cores")
}
