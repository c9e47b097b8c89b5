//! A file that somebody or something has changed by hand.

use std::{fs, io::Seek, io::Write, time::Duration};

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Created, End, Filter, Loaded, Part, Query, Selection, SessionStore,
        SqliteStore,
    },
};

use crate::fixtures::{Place, cause, client, create, found, now, record};

/// A row that makes no sense is no session, and hinders no other: s8.
#[tokio::test]
async fn s8_a_senseless_row_counts_as_missing() {
    for (name, change) in [
        (
            "a session id that is none",
            "UPDATE sessions SET session_id = 'a;b' WHERE id = 2",
        ),
        (
            "clients that are none",
            "UPDATE sessions SET clients = char(10) WHERE id = 2",
        ),
        (
            "a key of another length",
            "UPDATE sessions SET key = x'00' WHERE id = 2",
        ),
        (
            "text that is not UTF-8",
            "UPDATE sessions SET subject = CAST(x'ff' AS TEXT) WHERE id = 2",
        ),
    ] {
        let place = Place::new();
        let store = place.open();
        for number in 1..=3 {
            create(&store, number).await;
        }
        place.connect().execute(change, []).unwrap();
        let key = record(2).key;

        let loaded = store.load(&key, None, now()).await.unwrap();
        assert_eq!(loaded, Loaded::Missing, "{name}");
        let everyone = Query {
            selection: Selection::Everyone,
            part: Part::Newest,
            limit: 10,
        };
        let listed = store.query(&everyone, now()).await.unwrap();
        assert_eq!(listed.len(), 2, "{name}");
        let added = store.add_client(&key, &client("c"), now()).await.unwrap();
        assert_eq!(added, ClientAdded::Missing, "{name}");
        let end = End::because(EndReason::SignOut);
        assert_eq!(
            store.delete(&key, end, now()).await.unwrap(),
            None,
            "{name}"
        );

        let later = now() + Duration::from_secs(3600);
        let expired = store.take_expired(10, later).await.unwrap();
        assert_eq!(expired.len(), 2, "{name}: the others are tidied away");
        let rows = place.connect();
        let rows = rows.query_row("SELECT count(*) FROM sessions", [], |row| {
            row.get::<_, i64>(0)
        });
        assert_eq!(rows.unwrap(), 0, "{name}: and so is this one");
    }
}

#[tokio::test]
async fn s10_senseless_rows_are_revoked_like_others() {
    let place = Place::new();
    let store = place.open();
    for number in 0..6 {
        create(&store, number * 10).await;
    }
    let change = "UPDATE sessions SET session_id = 'a;b' WHERE id > 2";
    place.connect().execute(change, []).unwrap();
    let all = Selection::from(Filter::subject("user-0").unwrap());
    let revoke = |max| store.delete_matching(&all, EndReason::Revoked, max, now());
    assert_eq!(revoke(4).await.unwrap(), 4);
    assert_eq!(revoke(4).await.unwrap(), 2);
    assert_eq!(store.count(&all, now()).await.unwrap(), 0);
}

/// One that nobody could be told of does not keep the others from being told.
#[tokio::test]
async fn s14_a_senseless_entry_of_the_log_is_dropped() {
    let place = Place::new();
    let store = place.open();
    for number in 1..=3 {
        create(&store, number).await;
        let end = End::because(EndReason::SignOut);
        store.delete(&record(number).key, end, now()).await.unwrap();
    }
    let change = "UPDATE ends SET reason = 'whim' WHERE id = 2";
    place.connect().execute(change, []).unwrap();
    let taken = store.take_ended(Duration::ZERO, 10, now()).await.unwrap();
    assert_eq!(taken.len(), 2);
    assert_eq!(
        store
            .take_ended(Duration::ZERO, 10, now())
            .await
            .unwrap()
            .len(),
        2
    );
}

/// Pages of nonsense in the middle of the file are errors and no sessions, and the store's threads survive them.
#[tokio::test]
async fn a_damaged_file_is_an_error_and_no_answer() {
    let place = Place::new();
    let store = place.open();
    for number in 0..200 {
        create(&store, number).await;
    }
    drop(store);
    place
        .connect()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let len = fs::metadata(&place.path).unwrap().len();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(&place.path)
        .unwrap();
    file.seek(std::io::SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xA5; len as usize - 4096]).unwrap();
    drop(file);

    match SqliteStore::open(&place.path) {
        Err(error) => assert!(cause(Err::<(), _>(error)).contains("malformed")),
        Ok(store) => {
            for _ in 0..3 {
                let loaded = store.load(&record(1).key, None, now()).await;
                assert!(cause(loaded).contains("malformed"));
                let created = store.create(&record(1000), None, now()).await;
                assert!(cause(created).contains("malformed"));
            }
        }
    }
}

/// What is said of a row names neither the session nor the user.
#[tokio::test]
async fn errors_name_no_values() {
    let place = Place::new();
    let store = place.open();
    create(&store, 1).await;
    place
        .connect()
        .execute_batch(
            "CREATE TRIGGER no BEFORE INSERT ON sessions BEGIN SELECT RAISE(FAIL, 'no'); END",
        )
        .unwrap();
    let refused = cause(store.create(&record(2), None, now()).await);
    assert!(
        !refused.contains("user-") && !refused.contains("session-"),
        "{refused}"
    );
    assert_eq!(found(&store, 1).await, record(1));
    assert!(matches!(
        store.create(&record(1), None, now()).await.unwrap(),
        Created::Exists
    ));
}
