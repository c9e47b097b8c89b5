//! Stores, records and times for the tests here, and a way to look behind a store.

use std::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::EndReason,
    error::StoreError,
    id::{ClientId, SessionId},
    store::{
        Created, Device, End, Loaded, Part, Query, Record, RecordKey, RedisOptions, RedisStore,
        Selection, SessionStore,
    },
};

use crate::servers::{Cluster, Redis};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Options with a prefix that nobody else in this process has.
pub(crate) fn fresh() -> RedisOptions {
    RedisOptions::new().key_prefix(fresh_prefix())
}

pub(crate) fn fresh_prefix() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) async fn on(server: &Redis) -> RedisStore {
    let store = fresh().connect(server.url()).await;
    store.expect("a server of our own is fit")
}

pub(crate) async fn on_one_server() -> RedisStore {
    on(Redis::shared()).await
}

pub(crate) async fn on_a_cluster() -> RedisStore {
    let store = fresh().connect_cluster(Cluster::shared().urls()).await;
    store.expect("a cluster of our own is fit")
}

/// A time long ago, and a while later.
pub(crate) fn at(after: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_500_000_000) + after
}

pub(crate) fn start() -> SystemTime {
    at(Duration::ZERO)
}

/// A session that begins at the start and may be idle for an hour.
pub(crate) fn record(subject: &str, number: u64) -> Record {
    let mut digest = [0; RecordKey::LEN];
    let mut state = number.wrapping_mul(31);
    for byte in subject.bytes().chain([0; 8]) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    for chunk in digest.chunks_mut(8) {
        state = state
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E_F767_814F);
        chunk.copy_from_slice(&(state ^ (state >> 29)).to_be_bytes());
    }
    let id = digest[16..].iter().map(|byte| format!("{byte:02X}"));
    Record {
        key: RecordKey::of_subject(digest, subject),
        subject: subject.to_owned(),
        session_id: SessionId::parse(&id.collect::<String>()).unwrap(),
        display_name: Some(format!("{subject} No. {number}")),
        created: start(),
        renewed: start(),
        expires: at(HOUR),
        clients: vec![client("first")],
        ticket: format!("\0ticket {number} of {subject}\r\n").into_bytes(),
        version: 1,
        device: Device::new().with_user_agent("Example/1.0"),
    }
}

pub(crate) fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

/// A record in the place of another, in the same session.
pub(crate) fn successor(of: &Record, number: u64) -> Record {
    Record {
        session_id: of.session_id,
        ..record(&of.subject, number)
    }
}

pub(crate) async fn put(store: &RedisStore, record: &Record) {
    let created = store.create(record, None, record.renewed).await.unwrap();
    assert_eq!(created, Created::Created { evicted: vec![] });
}

pub(crate) async fn found(store: &RedisStore, record: &Record) -> Record {
    match store.load(&record.key, None, start()).await.unwrap() {
        Loaded::Found(record) => *record,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn sign_out(store: &RedisStore, record: &Record) {
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&record.key, end, start()).await.unwrap();
    assert_eq!(ended, Some(record.ended(EndReason::SignOut, start())));
}

pub(crate) fn newest(selection: impl Into<Selection>, limit: usize) -> Query {
    Query {
        selection: selection.into(),
        part: Part::Newest,
        limit,
    }
}

/// What an error says, with its causes.
pub(crate) fn words(error: &StoreError) -> String {
    let source = error.source().map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

/// Waits for what happens in the background.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} does not come")
}

/// A connection that looks behind a store.
pub(crate) fn behind(server: &Redis) -> redis::Connection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_connection().unwrap()
}

/// All keys that begin with a prefix.
pub(crate) fn keys(raw: &mut redis::Connection, prefix: &str) -> Vec<Vec<u8>> {
    let (mut keys, mut cursor) = (Vec::new(), 0);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor)
            .arg("MATCH")
            .arg(format!("{{{prefix}:*"))
            .arg("COUNT")
            .arg(1000);
        let (next, some): (u64, Vec<Vec<u8>>) = scan.query(raw).unwrap();
        keys.extend(some);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

/// The key of a record, as the documentation of the layout says.
pub(crate) fn key_of(prefix: &str, record: &Record) -> Vec<u8> {
    let mut key = format!("{{{prefix}:{}}}r", record.key.bucket()).into_bytes();
    key.extend_from_slice(record.key.as_bytes());
    key
}
