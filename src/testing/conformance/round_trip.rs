//! What a store is given is what it gives back.

use std::time::{Duration, UNIX_EPOCH};

use super::{
    compare::{same_loaded, same_record, same_records},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{ClientAdded, Device, End, Filter, Loaded, Record, SessionStore, Update},
};

/// Text that is known to hurt: quotes, wildcards, escapes, formats, scripts, text in other writings, spaces at the ends.
pub(super) const HOSTILE: [&str; 22] = [
    "plain",
    "O'Brien \"the\" `tick`",
    "100%",
    "under_score",
    r"back\slash\",
    "'; DROP TABLE sessions; --",
    "${7*7} {{x}} %s %n {0} $1 :name ?",
    "a,b;c|d&e=f#g/h\\i",
    "{1,2}",
    "[\"json\"]",
    "null",
    "NULL",
    "0",
    "*?[a-z]^$",
    " spaces at the ends ",
    "\u{00E9} composed, e\u{0301} decomposed",
    "ΟΔΥΣΣΕΎΣ, ςΣσ, Straße, İstanbul, ǅ, ﬃ",
    "日本語 العربية עברית",
    "🦀👩‍👩‍👧‍👦🇪🇺",
    "\u{10FFFF}\u{E000}\u{D7FF}\u{FFFD}\u{FEFF}",
    "\u{202E}right to left\u{2028}separators\u{2029}",
    "<script>alert(1)</script>",
];

/// Each field of a record comes back as it was, wherever the record is asked for.
pub async fn s2_a_record_comes_back_in_all_its_fields(store: impl SessionStore) {
    let store = Probe::new(store);
    let device = Device::new();
    let both = device.clone().with_user_agent("Example/1.0 (äöü 🦀)");
    let both = both.with_address("2001:db8::7");
    let variants = [
        Record {
            display_name: None,
            ..record("alice", 1)
        },
        Record {
            clients: clients(["client1", "client2", "Client1"]),
            device: both,
            ..record("alice", 2)
        },
        Record {
            device: device.clone().with_user_agent("agent"),
            version: 7,
            ..record("alice", 3)
        },
        Record {
            device: device.clone().with_address("192.0.2.7"),
            ticket: (0..=u8::MAX).collect(),
            ..record("alice", 4)
        },
        Record {
            device: device.with_user_agent("").with_address(""),
            ticket: vec![],
            ..record("alice", 5)
        },
        Record {
            created: at(MS),
            renewed: at(2 * SECOND),
            expires: at(3 * HOUR),
            session_id: sid("az-AZ.09_~"),
            version: 4_000_000_000,
            ..record("alice", 6)
        },
    ];
    for record in variants {
        store.put(&record).await;
        everywhere(&store, &record, "a record with its own fields").await;
    }
}

/// Hostile text comes back as it was, in every field that holds text.
pub async fn s2_hostile_text_comes_back_as_it_was(store: impl SessionStore) {
    let store = Probe::new(store);
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let record = Record {
            display_name: Some(text.to_owned()),
            clients: clients([text, "client1"]),
            ticket: text.as_bytes().to_vec(),
            device: Device::new().with_user_agent(text).with_address(text),
            ..record(text, number)
        };
        store.put(&record).await;
        everywhere(&store, &record, text).await;
    }
}

/// Hostile text goes through the operations that change a record, and into the log of ends.
pub async fn s2_hostile_text_survives_changes(store: impl SessionStore) {
    let store = Probe::new(store);
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let mut record = record(text, number);
        store.put(&record).await;
        let added = store.add_client(&record.key, &client(text), start()).await;
        assert_eq!(added, ClientAdded::Added, "{text}");
        let update = Update {
            ticket: text.as_bytes().repeat(3),
            display_name: Some(text.to_owned()),
        };
        store.update(&record.key, &update, 1, start()).await;
        record.clients = clients([text]);
        record.ticket = update.ticket;
        record.display_name = update.display_name;
        record.version = 2;
        everywhere(&store, &record, text).await;

        let end = End::because(EndReason::SignOut);
        let ended = store.delete(&record.key, end, start()).await;
        let expected = record.ended(EndReason::SignOut, start());
        assert_eq!(ended.as_ref(), Some(&expected), "{text}");
        assert_eq!(store.drain_log(start()).await, [expected], "{text}");
    }
}

/// The largest values that the contract allows are kept whole.
pub async fn s2_the_largest_values_are_kept_whole(store: impl SessionStore) {
    let store = Probe::new(store);
    // Three characters each when they are folded, and of two bytes more.
    let name_that_grows = "ΐ".repeat(200);
    let subject = "🦀".repeat(255);
    let largest = Record {
        session_id: sid(&"Z".repeat(64)),
        display_name: Some("🦀".repeat(200)),
        clients: ["🦀", "k"].map(|of| client(&of.repeat(200))).to_vec(),
        ticket: (0..64 * 1024).map(|at| ((at * 31) >> 3) as u8).collect(),
        device: Device::new()
            .with_user_agent(&"🦀".repeat(Device::MAX_CHARS))
            .with_address(&"k".repeat(Device::MAX_CHARS)),
        ..record(&subject, 1)
    };
    store.put(&largest).await;
    everywhere(&store, &largest, "the largest record").await;

    let mut grown = Record {
        session_id: sid("s"),
        display_name: Some(name_that_grows.clone()),
        ..record("alice", 2)
    };
    store.put(&grown).await;
    everywhere(&store, &grown, "a name that grows when folded").await;
    let update = Update {
        ticket: vec![0xFF; 64 * 1024],
        display_name: Some("ŉ".repeat(200)),
    };
    store.update(&grown.key, &update, 1, start()).await;
    (grown.ticket, grown.display_name, grown.version) = (update.ticket, update.display_name, 2);
    everywhere(&store, &grown, "the largest update").await;
}

/// A thousand clients keep their order, one more finds its place, and the end tells all.
pub async fn s2_a_thousand_clients_keep_their_order(store: impl SessionStore) {
    let store = Probe::new(store);
    // Neither in the order of the alphabet nor in that of a hash.
    let mut clients = numbered_clients("client", 1000);
    clients.rotate_left(381);
    clients.swap(0, 500);
    let mut record = Record {
        clients,
        ..record("alice", 1)
    };
    store.put(&record).await;
    everywhere(&store, &record, "a thousand clients").await;

    let last = client("a thousand and one");
    let known = record.clients[500].clone();
    let (key, now) = (&record.key, start());
    let added = store.add_client(key, &known, now).await;
    assert_eq!(added, ClientAdded::Known);
    let added = store.add_client(key, &last, now).await;
    assert_eq!(added, ClientAdded::Added);
    record.clients.push(last);
    let end = End::because(EndReason::Revoked);
    let ended = store.delete(&record.key, end, now).await;
    let ended = ended.expect("the record is there");
    assert_eq!(ended.clients, record.clients);
    assert_eq!(store.drain_log(now).await, [ended]);
}

/// Times are kept to the millisecond, from the epoch to the year 9999.
pub async fn s2_times_are_kept_to_the_millisecond(store: impl SessionStore) {
    let store = Probe::new(store);
    let year_9999 = UNIX_EPOCH + Duration::from_millis(253_402_300_799_999);
    let times = [
        ("the epoch", UNIX_EPOCH),
        ("right after the epoch", UNIX_EPOCH + MS),
        ("a whole second", UNIX_EPOCH + SECOND),
        ("right before a second", UNIX_EPOCH + SECOND - MS),
        (
            "where 32 bits end",
            UNIX_EPOCH + Duration::from_millis(1 << 31),
        ),
        (
            "where 32 bits of seconds end",
            UNIX_EPOCH + Duration::from_secs(1 << 32) + MS,
        ),
        ("the year 9999", year_9999),
    ];
    for (number, (name, time)) in times.into_iter().enumerate() {
        let record = Record {
            created: time,
            renewed: time,
            expires: year_9999 + MS,
            ..record("alice", number)
        };
        store.put(&record).await;
        let loaded = store.load(&record.key, None, time).await;
        same_loaded(&loaded, &record, name);
        let found = store
            .find(&Filter::session_id(record.session_id), 2, time)
            .await;
        same_records(&found, [&record], name);
    }
}

/// A store goes by its caller's clock, though its own says otherwise.
pub async fn s2_a_store_goes_by_the_callers_clock(store: impl SessionStore) {
    let store = Probe::new(store);
    // No server's clock is there yet, so only the caller knows that these have expired.
    let now = UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    let record = Record {
        created: now,
        renewed: now,
        expires: now + HOUR,
        ..record("alice", 1)
    };
    store.put(&record).await;
    let everyone = of_subject("alice").into();
    let before = now + HOUR - MS;
    assert!(store.take_expired(10, before).await.is_empty());
    assert_eq!(store.count(&everyone, before).await, 1);
    let after = now + HOUR;
    assert_eq!(store.count(&everyone, after).await, 0);
    let ended = store.take_expired(10, after).await;
    assert_eq!(ended, [record.ended(EndReason::Expired, after)]);
    let gone = store.load(&record.key, None, after).await;
    assert_eq!(gone, Loaded::Gone);
    let missing = store.load(&record.key, None, after + MINUTE + MS).await;
    assert_eq!(missing, Loaded::Missing);
}

async fn everywhere<S: SessionStore>(store: &Probe<S>, record: &Record, what: &str) {
    let now = start();
    let loaded = store.found(&record.key, now).await;
    same_record(&loaded, record, what);
    let one = Filter::session_id(record.session_id);
    let one = one.and_subject(&*record.subject).expect("not empty");
    let found = store.find(&one, 10, now).await;
    same_records(&found, [record], what);
    let listed = store.query(&newest(one.clone(), 10), now).await;
    same_records(&listed, [record], what);
    assert_eq!(store.count(&one.into(), now).await, 1, "{what}");
}
