//! Real servers for tests, each private to the test process that starts it.
//!
//! A test binary takes them in with `#[path = "support/servers/mod.rs"] mod servers;`. Only the standard library and
//! `tempfile` are needed.
//!
//! ```ignore
//! let database = Postgres::shared().create_database(); // fresh, so that tests run side by side
//! connect(&database.url);
//!
//! let redis = Redis::shared();                         // give each test a key prefix of its own
//! connect(&redis.url());
//!
//! let mut postgres = Postgres::start_durable();        // an own one, to be broken
//! postgres.kill();
//! postgres.start_again();                              // the same port, the same data
//!
//! let proxy = Proxy::to(postgres.address());           // a network, to be broken
//! connect(&Postgres::url_through(proxy.address(), "postgres"));
//! proxy.cut();
//! ```
//!
//! - A shared server is started when it is first asked for. It can't be stopped: that takes `&mut`.
//! - Every server listens on a loopback port of its own, and has its files in a temporary folder of its own.
//! - Nothing outlives the test process, however it ends, killed included: see [`watchdog`].
//! - A program that is missing is a panic that says how to install it. No test is skipped.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

mod cluster;
mod port;
mod postgres;
mod process;
mod programs;
mod proxy;
mod redis;
mod relay;
mod server;
mod watchdog;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use self::{
    cluster::Cluster,
    port::Port,
    postgres::{Database, Postgres, PostgresKind},
    process::{Failure, Process, User, is_alive},
    programs::program,
    proxy::Proxy,
    redis::{Persistence, Redis, RedisKind},
    server::{Kind, Server},
    watchdog::Watchdog,
};
