//! The outbox in a file: what becomes of it when a process is killed, when a file is older than it, and when somebody changes it by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    id::SessionId,
    store::{DeliveryFilter, DeliveryState, LogoutOutbox, Outcome, SessionStore, SqliteOptions},
};

use crate::{
    child::{Running, say},
    fixtures::{Place, client, create, found, now, record},
};

const HOUR: Duration = Duration::from_secs(3600);

/// A file that an older release has made, with a session and an end in it, is brought up to date when it is opened; nothing of it is lost.
#[tokio::test]
async fn o6_a_file_of_version_1_gets_an_outbox() {
    let place = Place::new();
    // As it was before: what a fresh store makes, without what came later.
    create(&place.open(), 1).await;
    let rows = "SELECT key, subject, session_id, display_name, created, renewed, expires, clients, version, ticket FROM newer.sessions";
    let older = Place::new();
    let connection = older.connect();
    connection.execute_batch(SCHEMA_1).unwrap();
    let attach = format!("ATTACH '{}' AS newer", place.path.display());
    connection
        .execute_batch(&format!(
            "PRAGMA application_id = 0x61787573; PRAGMA user_version = 1; {attach};
             INSERT INTO sessions (key, subject, session_id, display_name, created, renewed, expires, clients, version, ticket) {rows};
             INSERT INTO ends (event, subject, session_id, clients, reason, at)
             VALUES (x'00112233445566778899aabbccddeeff', 'alice', 's', 'client1', 'sign_out', 1);"
        ))
        .unwrap();
    drop(connection);

    let store = older.open();
    assert_eq!(found(&store, 1).await, record(1));
    let taken = store.take_ended(HOUR, 10, now()).await.unwrap();
    assert_eq!(taken.len(), 1);
    let (ended, told) = (&taken[0].ended, [client("client1")]);
    assert_eq!(store.put_in(ended, &told, now()).await.unwrap(), 1);
    drop(store);
    let store = older.open();
    assert_eq!(store.put_in(ended, &told, now()).await.unwrap(), 0);
    let version = older.connect();
    let version = version.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    assert_eq!(version.unwrap(), 2);
}

/// The tables as the first release made them: it must stay as it is.
const SCHEMA_1: &str = include_str!("../../src/store/sqlite/schema.sql");

/// A process is killed in the middle of its work, several times at different moments: what it had put in is there, and what it had settled is.
#[tokio::test]
async fn o6_a_killed_process_loses_nothing_that_it_has_answered() {
    for answers in [1, 40, 400, 1500] {
        let place = Place::new();
        let mut worker = Running::start("deliver", &place.path);
        let (mut put_in, mut settling) = (BTreeSet::new(), BTreeSet::new());
        let mut settled = BTreeSet::new();
        let began = Instant::now();
        for seen in 0.. {
            if seen == answers || began.elapsed() > Duration::from_secs(20) {
                // SIGKILL; what it has said until then is still to be read.
                worker.child.kill().unwrap();
            }
            let Some(line) = worker.line() else {
                break;
            };
            let (what, name) = line.split_once(' ').unwrap();
            match what {
                "in" => put_in.insert(name.parse::<EventId>().unwrap()),
                "settling" => {
                    settling.insert(name.to_owned());
                    true
                }
                _ => {
                    settled.insert(name.to_owned());
                    true
                }
            };
        }
        assert!(!put_in.is_empty());

        let store = place.open();
        let everything = DeliveryFilter::default();
        let all = store.deliveries(&everything, 100_000).await.unwrap();
        let mut of_end: BTreeMap<EventId, usize> = BTreeMap::new();
        for delivery in &all {
            *of_end.entry(delivery.event_id).or_default() += 1;
            let name = format!("{} {}", delivery.event_id, delivery.client);
            match delivery.state {
                DeliveryState::Delivered => assert!(settling.contains(&name), "{name}"),
                _ => assert!(!settled.contains(&name), "{name} is forgotten"),
            }
        }
        assert!(of_end.values().all(|deliveries| *deliveries == 3));
        assert!(put_in.iter().all(|event| of_end.contains_key(event)));
        // What it had taken with it comes again when its lease is over.
        let waiting = all.iter().filter(|delivery| !delivery.state.is_settled());
        let again = store.take_due(HOUR, 100_000, &[], now() + 2 * HOUR);
        assert_eq!(again.await.unwrap().len(), waiting.count());
    }
}

/// Puts in, takes and settles without end, and says what was answered. For the test above, in a process of its own.
pub async fn deliver(path: &Path) {
    let store = SqliteOptions::new().open(path).unwrap();
    let tasks = (0..4_u64).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0.. {
                let ended = ended(round * 4 + task);
                let told = ["a", "b", "c"].map(client);
                store.put_in(&ended, &told, now()).await.unwrap();
                say(&format!("in {}", ended.event_id));
                let taken = store.take_due(HOUR, 2, &[], now()).await.unwrap();
                for taken in taken {
                    let name = format!("{} {}", taken.event_id, taken.client);
                    say(&format!("settling {name}"));
                    let attempt = taken.settled(Outcome::Delivered);
                    assert_eq!(store.settle(&[attempt], now()).await.unwrap(), 1);
                    say(&format!("settled {name}"));
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// A row that makes no sense is told to nobody, and keeps no other from being told.
#[tokio::test]
async fn o6_a_senseless_row_hinders_no_other() {
    for (name, change, listed) in [
        ("a state that is none", "state = 'whim'", 4),
        ("no state", "state = ''", 4),
        ("due and settled", "state = 'delivered'", 5),
        ("an end of another length", "event = x'00'", 4),
        ("a client that is none", "client = ''", 4),
        ("a client with a line feed", "client = char(10)", 4),
        ("a session id that is none", "session_id = 'a;b'", 4),
        ("text that is not UTF-8", "subject = CAST(x'ff' AS TEXT)", 4),
        (
            "a client that is not UTF-8",
            "client = CAST(x'ff' AS TEXT)",
            4,
        ),
        ("too many attempts", "attempts = 9223372036854775807", 4),
        ("fewer than none", "attempts = -1", 4),
        ("the last turn", "turn = 9223372036854775807", 5),
        ("a turn before all", "turn = -7", 5),
    ] {
        let place = Place::new();
        let store = place.open();
        for number in 0..5 {
            let told = [client("client1")];
            let now = now() + Duration::from_secs(number);
            store.put_in(&ended(number), &told, now).await.unwrap();
        }
        let change = format!("UPDATE deliveries SET {change} WHERE id = 1");
        place.connect().execute(&change, []).unwrap();

        let (mut taken, later) = (Vec::new(), now() + HOUR);
        for expected in [2, 2, 0] {
            let batch = store.take_due(HOUR, 2, &[], later).await.unwrap();
            assert_eq!(batch.len(), expected, "{name}");
            taken.extend(batch);
        }
        let list = store.deliveries(&DeliveryFilter::default(), 10).await;
        assert_eq!(list.unwrap().len(), listed, "{name}");
        store.count_deliveries().await.unwrap();
        let attempts = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
        let attempts: Vec<_> = attempts.collect();
        assert_eq!(store.settle(&attempts, later).await.unwrap(), 4, "{name}");
        assert_eq!(
            store.forget_settled(later + HOUR).await.unwrap(),
            4,
            "{name}"
        );
        let again = store.take_due(HOUR, 2, &[], later + HOUR).await.unwrap();
        assert!(again.is_empty(), "{name}");
    }
}

/// What failures say names neither the session nor the user.
#[tokio::test]
async fn o6_errors_name_no_values() {
    let place = Place::new();
    let store = place.open();
    let no = "CREATE TRIGGER no BEFORE INSERT ON deliveries BEGIN SELECT RAISE(FAIL, 'no'); END";
    place.connect().execute_batch(no).unwrap();
    let refused = store.put_in(&ended(1), &[client("client1")], now()).await;
    let refused = format!("{:?}", refused.unwrap_err());
    for value in ["alice", "session-1", "client1"] {
        assert!(!refused.contains(value), "{refused}");
    }
}

/// What a delivery costs; the documentation of the store says so.
#[tokio::test]
async fn o6_a_delivery_takes_as_much_room_as_the_documentation_says() {
    let place = Place::new();
    let store = place.open();
    let size = || {
        let connection = place.connect();
        let pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let size = connection.query_row(pages, [], |row| row.get::<_, i64>(0));
        size.unwrap()
    };
    let before = size();
    let told: Vec<_> = (0..4)
        .map(|number| client(&format!("client-number-{number:06}")))
        .collect();
    for number in 0..2_500_u64 {
        let mut event = [0; EventId::LEN];
        event[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let subject = "0123456789abcdef0123456789abcdef0123";
        let id = SessionId::parse(&format!("{number:032}")).unwrap();
        let ended = Ended::new(EventId::new(event), subject, id, EndReason::SignOut, now());
        store.put_in(&ended, &told, now()).await.unwrap();
    }
    let each = (size() - before) / 10_000;
    println!("{each} bytes a delivery");
    assert!(each < 900, "{each} bytes");
}

fn ended(number: u64) -> Ended {
    let mut event = [0; EventId::LEN];
    event[..8].copy_from_slice(&number.to_be_bytes());
    let session_id = record(number).session_id;
    Ended::new(
        EventId::new(event),
        "alice",
        session_id,
        EndReason::SignOut,
        now(),
    )
}
