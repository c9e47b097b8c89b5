//! A store in a folder of its own, and records to put in.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    id::{ClientId, SessionId},
    store::{Created, Device, Loaded, Record, RecordKey, SessionStore, SqliteStore},
};
use rusqlite::Connection;
use tempfile::TempDir;

/// When everything happens.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A file for a store, in a folder that goes away with it.
pub struct Place {
    _folder: TempDir,
    pub path: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        Self {
            _folder: folder,
            path,
        }
    }

    pub fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap()
    }

    /// A connection to the same file, past the store.
    pub fn connect(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }
}

/// The record of a number, whose subject is `user-0` to `user-9`.
pub fn record(number: u64) -> Record {
    let mut digest = [0; RecordKey::LEN];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    let subject = format!("user-{}", number % 10);
    Record {
        key: RecordKey::of_subject(digest, &subject),
        session_id: SessionId::parse(&format!("session-{number}")).unwrap(),
        subject,
        display_name: Some("Alice Smith".to_owned()),
        created: now(),
        renewed: now(),
        expires: now() + Duration::from_secs(3600),
        clients: vec![client("client1")],
        ticket: vec![7; 600],
        version: 1,
        device: Device::new(),
    }
}

pub fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

pub async fn create(store: &SqliteStore, number: u64) {
    let created = store.create(&record(number), None, now()).await.unwrap();
    assert!(matches!(created, Created::Created { .. }));
}

pub async fn found(store: &SqliteStore, number: u64) -> Record {
    match store.load(&record(number).key, None, now()).await.unwrap() {
        Loaded::Found(record) => *record,
        other => panic!("record {number}: {other:?}"),
    }
}

/// What an error is caused by, as it would stand in a log.
pub fn cause<T>(result: Result<T, axum_user_session::error::StoreError>) -> String {
    let error = result.err().expect("an error");
    std::error::Error::source(&error).unwrap().to_string()
}
