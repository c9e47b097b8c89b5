//! One subject's sessions and another's.

use super::{
    compare::{same_record, same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
    ways_to_end::Way,
};
use crate::{
    ended::EndReason,
    store::{Created, Filter, Record, SessionStore, Update},
};

/// Texts that are alike, and are different subjects.
const ALIKE: [&str; 18] = [
    "alice",
    "Alice",
    "ALICE",
    "alice ",
    " alice",
    "alic",
    "alice2",
    "alicé",
    "alice\u{301}",
    "%",
    "a%",
    "_lice",
    "al*",
    r"alice\",
    "'alice'",
    "alice,bob",
    "ａｌｉｃｅ",
    "{alice}",
];

/// A subject is its exact text, in lists, counts, limits and revocations: no case, no space, no wildcard is smoothed out.
pub async fn s10_a_subject_is_its_exact_text(store: impl SessionStore) {
    let store = Probe::new(store);
    let all: Vec<_> = ALIKE
        .into_iter()
        .enumerate()
        .map(|(number, subject)| record(subject, number))
        .collect();
    for record in &all {
        let answer = store.create(record, deny(1), start()).await;
        assert_eq!(answer, created(), "{:?} is no other", record.subject);
    }
    for record in &all {
        let subject = &record.subject;
        let selection = of_subject(subject);
        let found = store.find(&selection, 100, start()).await;
        same_records(&found, [record], subject);
        let counted = store.count(&selection.clone().into(), start()).await;
        assert_eq!(counted, 1, "{subject:?}");
        let second = self::record(subject, 100);
        let answer = store.create(&second, deny(1), start()).await;
        assert_eq!(answer, Created::Denied, "{subject:?}");
    }
    for (number, record) in all.iter().enumerate() {
        let selection = of_subject(&record.subject).into();
        let reason = EndReason::Revoked;
        let ended = store
            .delete_matching(&selection, reason, 100, start())
            .await;
        assert_eq!(ended, 1, "{:?}", record.subject);
        let left = store.everyone(start()).await;
        assert_eq!(left.len(), all.len() - number - 1, "{:?}", record.subject);
    }
    let expected = ends(&all, EndReason::Revoked, start());
    same_set_of_ends(&store.drain_log(start()).await, &expected, "the log");
}

/// A session id is its exact text.
pub async fn s10_a_session_id_is_its_exact_text(store: impl SessionStore) {
    let store = Probe::new(store);
    let ids = [
        "a", "A", "aa", "a.", ".a", "a-", "-", "_", "~", ".", "a_", "0", "00",
    ];
    let all: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(number, id)| Record {
            session_id: sid(id),
            ..record("alice", number)
        })
        .collect();
    store.put_all(&all).await;
    for record in &all {
        let id = record.session_id.as_str();
        let one = Filter::session_id(record.session_id);
        let found = store.find(&one, 100, start()).await;
        same_records(&found, [record], id);
        let others = of_subject("alice").except(record.session_id).into();
        let counted = store.count(&others, start()).await;
        assert_eq!(counted, ids.len() as u64 - 1, "all but {id}");
    }
    for record in &all {
        let one = Filter::session_id(record.session_id).into();
        let ended = store
            .delete_matching(&one, EndReason::Revoked, 100, start())
            .await;
        assert_eq!(ended, 1, "{}", record.session_id.as_str());
    }
}

/// Whatever happens to one subject's session, another's is as it was, though it has the same session id, name and clients.
pub async fn s3_nothing_of_one_subject_touches_another(store: impl SessionStore) {
    let store = Probe::new(store);
    let bob = neighbour_of("alice");

    for (round, way) in Way::ALL.into_iter().enumerate() {
        if matches!(way, Way::RevokedWithEveryone | Way::RevokedBySession) {
            continue;
        }
        let number = 10 * round;
        let alices = Record {
            clients: clients(["client1"]),
            display_name: Some("The Same Name".to_owned()),
            ..record("alice", number)
        };
        let bobs = Record {
            session_id: alices.session_id,
            display_name: alices.display_name.clone(),
            clients: alices.clients.clone(),
            expires: at(9 * HOUR),
            ..record(&bob, number)
        };
        store.put_all(&[alices.clone(), bobs.clone()]).await;
        let both = Filter::session_id(alices.session_id);
        let found = store.count(&both.clone().into(), start()).await;
        assert_eq!(found, 2, "two subjects may have the same session id");

        let now = at(30 * SECOND);
        let update = Update {
            ticket: b"another".to_vec(),
            display_name: alices.display_name.clone(),
        };
        store.update(&alices.key, &update, 1, now).await;
        store.add_client(&alices.key, &client("client2"), now).await;
        store
            .remove_client(&alices.key, &client("client1"), now)
            .await;
        way.end(&store, &alices, number).await;

        let now = way.time();
        let there = store.found(&bobs.key, now).await;
        same_record(&there, &bobs, &format!("{way:?}"));
        let own = both.and_subject(&*bob).expect("not empty");
        for filter in [of_subject(&bob), own] {
            let found = store.find(&filter, 10, now).await;
            same_records(&found, [&bobs], &format!("{way:?}"));
        }
        store
            .delete_matching(&of_subject("alice").into(), EndReason::Revoked, 10, now)
            .await;
        let ended = store
            .delete_matching(&of_subject(&bob).into(), EndReason::Revoked, 10, now)
            .await;
        assert_eq!(ended, 1, "{way:?}");
    }
}
