//! Giving a record another ticket and name.

use super::{at_once::at_once, compare::same_record, fixtures::*, probe::Probe};
use crate::{
    ended::EndReason,
    store::{ClientAdded, Continuity, End, Record, SessionStore, Touched, Update, Updated},
};

/// An update of the version that was expected changes ticket and name, and counts the version up by one.
pub async fn s3_an_update_changes_ticket_and_name(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut record = Record {
        clients: clients(["client1"]),
        ..record("alice", 1)
    };
    store.put(&record).await;
    let updates = [
        ("both", "another ticket", Some("Alice")),
        ("the same again", "another ticket", Some("Alice")),
        ("no name", "a third", None),
        ("a name again", "a third", Some("Alice Smith")),
        ("no ticket", "", Some("Alice Smith")),
    ];
    for (name, ticket, display_name) in updates {
        let update = update(ticket, display_name);
        let expected = record.version;
        let updated = store
            .update(&record.key, &update, expected, at(SECOND))
            .await;
        record.version += 1;
        record.ticket = update.ticket;
        record.display_name = update.display_name;
        let version = record.version;
        assert_eq!(updated, Updated::Updated { version }, "{name}");
        let there = store.found(&record.key, at(SECOND)).await;
        same_record(&there, &record, name);
    }
}

/// An update of any other version is a conflict and changes nothing; so is the second attempt after a lost reply.
pub async fn s3_an_update_of_another_version_is_a_conflict(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut record = Record {
        version: 3,
        ..record("alice", 1)
    };
    store.put(&record).await;
    let another = update("another ticket", None);
    for version in [0, 1, 2, 4, 1_000_000] {
        let updated = store.update(&record.key, &another, version, start()).await;
        assert_eq!(updated, Updated::Conflict, "version {version}");
    }
    let there = store.found(&record.key, start()).await;
    same_record(&there, &record, "after conflicts");

    let updated = store.update(&record.key, &another, 3, start()).await;
    assert_eq!(updated, Updated::Updated { version: 4 });
    let again = store.update(&record.key, &another, 3, start()).await;
    assert_eq!(again, Updated::Conflict, "the second attempt");
    (record.version, record.ticket) = (4, another.ticket);
    record.display_name = None;
    let there = store.found(&record.key, start()).await;
    same_record(&there, &record, "after the second attempt");
}

/// After an update the session is found by its new name, and not by the old one.
pub async fn s10_an_updated_name_is_what_is_searched(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = Record {
        display_name: Some("Alice Smith".to_owned()),
        ..record("alice", 1)
    };
    store.put(&record).await;
    let steps = [
        (Some("Bob Miller"), [false, true]),
        (None, [false, false]),
        (Some("ALICE"), [true, false]),
    ];
    for (version, (name, expected)) in (1..).zip(steps) {
        let update = update("ticket", name);
        store.update(&record.key, &update, version, start()).await;
        for (beginning, expected) in ["alice", "bob"].into_iter().zip(expected) {
            let found = store.find(&named(beginning), 10, start()).await;
            assert_eq!(
                found.len(),
                usize::from(expected),
                "{beginning} in {name:?}"
            );
            let counted = store.count(&named(beginning).into(), start()).await;
            assert_eq!(counted, u64::from(expected), "{beginning} in {name:?}");
        }
    }
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&record.key, end, start()).await;
    let ended = ended.expect("the record is there");
    assert_eq!(ended.display_name.as_deref(), Some("ALICE"));
}

/// No update puts a record in, or brings one back that is over or has expired; and none follows to a successor.
pub async fn s6_an_update_brings_nothing_back(store: impl SessionStore) {
    let store = Probe::new(store);
    let [ended, replaced, expired] = [1, 2, 3].map(|number| record("alice", number));
    store
        .put_all(&[ended.clone(), replaced.clone(), expired.clone()])
        .await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, start()).await;
    let mut next = next_of(&replaced, 4);
    next.expires = at(9 * HOUR);
    let same = Continuity::SameSession;
    store
        .replace(&replaced.key, &next, same, None, start())
        .await;

    let now = at(HOUR);
    let another = update("another ticket", None);
    for (name, key) in [
        ("unknown", &key("alice", 5)),
        ("ended", &ended.key),
        ("replaced", &replaced.key),
        ("just expired", &expired.key),
    ] {
        for version in [0, 1, 2] {
            let updated = store.update(key, &another, version, now).await;
            assert_eq!(updated, Updated::Missing, "{name}, version {version}");
        }
    }
    let listed = store.find(&of_subject("alice"), 10, now).await;
    assert_eq!(listed.len(), 1, "only the successor is there");
    let next = Record {
        created: replaced.created,
        ..next
    };
    same_record(&listed[0], &next, "the successor");
    let there = store.found(&expired.key, now).await;
    same_record(&there, &expired, "the expired record");
}

/// Of many updates of one version at once, one succeeds, and the others conflict.
pub async fn s3_one_of_many_updates_of_a_version_succeeds(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut record = record("alice", 1);
    store.put(&record).await;
    for _ in 0..20 {
        let attempt = |number: usize| {
            let (store, key, version) = (store.clone(), record.key, record.version);
            let update = update(&format!("ticket of {number}"), Some("Alice"));
            async move { store.update(&key, &update, version, start()).await }
        };
        let answers = at_once((0..5).map(attempt).collect()).await;
        let version = record.version + 1;
        let succeeded = |answer: &Updated| *answer == Updated::Updated { version };
        let winner = answers.iter().position(succeeded);
        let winner = winner.expect("one succeeds");
        let conflicts = answers.iter().filter(|a| **a == Updated::Conflict);
        assert_eq!(conflicts.count(), 4, "{answers:?}");

        record.version = version;
        record.ticket = format!("ticket of {winner}").into_bytes();
        record.display_name = Some("Alice".to_owned());
        let there = store.found(&record.key, start()).await;
        same_record(&there, &record, "the update that succeeded");
    }
}

/// Clients and signs of life stand outside the version: at the same time as updates, none of them is lost, and none of them conflicts.
pub async fn s3_updates_touches_and_clients_do_not_disturb_each_other(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let record = record("alice", round);
        store.put(&record).await;
        let key = record.key;
        let now = at(MINUTE);
        let task = |number: usize| {
            let store = store.clone();
            let update = update("another ticket", Some("another name"));
            async move {
                match number {
                    0 => {
                        let updated = store.update(&key, &update, 1, now).await;
                        assert_eq!(updated, Updated::Updated { version: 2 });
                    }
                    1 => {
                        let touched = store.touch(&key, touch(now), now).await;
                        assert_eq!(touched, Touched::Touched);
                    }
                    _ => {
                        let client = client(&format!("client{number}"));
                        let added = store.add_client(&key, &client, now).await;
                        assert_eq!(added, ClientAdded::Added);
                    }
                }
            }
        };
        at_once((0..4).map(task).collect()).await;
        let mut there = store.found(&key, now).await;
        there.clients.sort();
        let expected = Record {
            ticket: b"another ticket".to_vec(),
            display_name: Some("another name".to_owned()),
            version: 2,
            renewed: now,
            expires: now + HOUR,
            clients: clients(["client2", "client3"]),
            ..record
        };
        same_record(&there, &expected, "after all four");
    }
}

fn update(ticket: &str, display_name: Option<&str>) -> Update {
    Update {
        ticket: ticket.as_bytes().to_vec(),
        display_name: display_name.map(str::to_owned),
    }
}
