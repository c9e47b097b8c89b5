//! What a store opens, and what it refuses.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use axum_user_session::store::{Selection, SessionStore, SqliteStore};

use crate::{
    child::{self, Running},
    disk_full::in_a_mount,
    fixtures::{Place, cause, create, found, now, record},
};

#[tokio::test]
async fn the_file_is_private_and_says_whose_it_is() {
    let place = Place::new();
    let store = place.open();
    create(&store, 1).await;
    for end in ["", "-wal", "-shm"] {
        let file = format!("{}{end}", place.path.display());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let connection = place.connect();
    let pragma = |name: &str| -> i64 {
        let sql = format!("PRAGMA {name}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(pragma("application_id"), 0x6178_7573);
    assert_eq!(pragma("user_version"), 2);
}

#[tokio::test]
async fn what_was_stored_is_there_when_it_is_opened_again() {
    let place = Place::new();
    create(&place.open(), 1).await;
    let store = place.open();
    assert_eq!(found(&store, 1).await, record(1));
}

/// SQLite has a meaning of its own for some names, and none of them is a file.
#[tokio::test]
async fn a_path_is_always_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x?mode=memory", "a b%20?#"] {
        let mut command = child::command("create one", Path::new(name));
        assert!(Running::spawn(command.current_dir(&folder)).succeeds());
        let path = folder.path().join(name);
        assert!(path.exists(), "{name}");
        assert_eq!(found(&SqliteStore::open(path).unwrap(), 1).await, record(1));
    }
    assert!(SqliteStore::open("").is_err());
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_was() {
    let another = "CREATE TABLE theirs (what);";
    let newer = "PRAGMA application_id = 0x61787573; PRAGMA user_version = 9;";
    for (name, content, expected) in [
        (
            "another application's",
            another,
            "is another application's database",
        ),
        (
            "marked as another's",
            "PRAGMA application_id = 1;",
            "is another application's database",
        ),
        (
            "with versions of its own",
            "PRAGMA user_version = 1;",
            "is another application's database",
        ),
        (
            "a newer release's",
            newer,
            "has version 9 of the sessions' tables",
        ),
    ] {
        let place = Place::new();
        place.connect().execute_batch(content).unwrap();
        let before = fs::read(&place.path).unwrap();
        let refused = cause(SqliteStore::open(&place.path));
        assert!(refused.contains(expected), "{name}: {refused}");
        assert!(refused.contains("sessions.db"), "{name}: {refused}");
        assert_eq!(fs::read(&place.path).unwrap(), before, "{name}");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::new();
    let text = "No database, but long enough to be one. ".repeat(100);
    fs::write(&place.path, &text).unwrap();
    assert!(cause(SqliteStore::open(&place.path)).contains("is no SQLite database"));
    assert_eq!(fs::read_to_string(&place.path).unwrap(), text);
    // And a folder, and nothing at all.
    assert!(SqliteStore::open(place.path.parent().unwrap()).is_err());
    assert!(SqliteStore::open(place.path.join("below")).is_err());
}

/// Root may write everywhere but where nobody can, so this takes a file system that is mounted for reading.
#[test]
fn a_file_that_can_not_be_written_is_refused() {
    let place = Place::new();
    drop(place.open());
    place
        .connect()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let mount = tempfile::tempdir().unwrap();
    let path = mount.path().join("sessions.db");
    let prepare = format!(
        "mount -t tmpfs tmpfs {mount} && cp {file} {mount}/sessions.db && mount -o remount,ro {mount}",
        mount = mount.path().display(),
        file = place.path.display(),
    );
    let Some(mut command) = in_a_mount(&prepare, child::command("be refused", &path)) else {
        return;
    };
    let refused = Running::spawn(&mut command).line().unwrap();
    assert!(refused.contains("can't be opened for writing"), "{refused}");
}

/// As the documentation says, by what SQLite itself offers for it.
#[tokio::test]
async fn it_can_be_copied_while_it_is_in_use() {
    let place = Place::new();
    let store = place.open();
    create(&store, 1).await;
    let copy = Place::new();
    let sql = format!("VACUUM INTO '{}'", copy.path.display());
    place.connect().execute_batch(&sql).unwrap();
    assert_eq!(found(&copy.open(), 1).await, record(1));
    create(&store, 2).await;
    assert_eq!(store.count(&Selection::Everyone, now()).await.unwrap(), 2);
}
