//! Finding, counting and revoking by filter.

use super::{
    compare::{same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Filter, Record, Selection, SessionStore},
};

/// Each criterion of a filter counts, and all of them must be met; what has expired is not in a list.
pub async fn s10_every_criterion_of_a_filter_is_met(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions = sessions(0);
    store.put_all(&sessions).await;
    for (name, criteria, expected) in CASES {
        let filter = filter(criteria);
        let found = store.find(&filter, 100, at(MINUTE)).await;
        let live = expected.iter().filter(|number| **number != EXPIRED);
        let expected: Vec<_> = live.map(|number| &sessions[*number]).collect();
        same_records(&found, expected.iter().copied(), name);
        let listed = store.query(&newest(filter.clone(), 100), at(MINUTE)).await;
        same_records(&listed, expected.iter().copied(), name);
        let counted = store.count(&filter.into(), at(MINUTE)).await;
        assert_eq!(counted, expected.len() as u64, "{name}");
    }
    let everyone = Selection::Everyone;
    let listed = store.everyone(at(MINUTE)).await;
    same_records(&listed, &sessions[..EXPIRED], "everyone");
    assert_eq!(store.count(&everyone, at(MINUTE)).await, 6);
}

/// A revocation ends exactly the sessions that a filter lets through, the expired included, and no others.
pub async fn s10_a_revocation_ends_what_its_filter_means(store: impl SessionStore) {
    let store = Probe::new(store);
    for (round, (name, criteria, expected)) in CASES.into_iter().enumerate() {
        let sessions = sessions(round);
        store.put_all(&sessions).await;
        let now = at(MINUTE);
        let selection = filter(criteria).into();
        let ended = store
            .delete_matching(&selection, EndReason::Revoked, 100, now)
            .await;
        assert_eq!(ended, expected.len() as u64, "{name}");
        let over: Vec<_> = expected.iter().map(|number| &sessions[*number]).collect();
        let log = store.drain_log(now).await;
        let told = ends(over, EndReason::Revoked, now);
        same_set_of_ends(&log, &told, name);
        let rest: Vec<_> = (0..EXPIRED)
            .filter(|number| !expected.contains(number))
            .collect();
        let rest: Vec<_> = rest.into_iter().map(|number| &sessions[number]).collect();
        let left = store.everyone(now).await;
        same_records(&left, rest, name);

        let everyone = Selection::Everyone;
        store
            .delete_matching(&everyone, EndReason::Revoked, 100, now)
            .await;
        store.drain_log(now).await;
    }
}

/// A text that is longer than any subject and any name is no error: it is just nobody's.
pub async fn s10_a_text_longer_than_any_finds_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    let alice = Record {
        display_name: Some("alice".repeat(40)),
        ..record("alice", 1)
    };
    store.put(&alice).await;
    let long = "alice".repeat(2000);
    for filter in [of_subject(&long), named(&long)] {
        let selection = Selection::from(filter.clone());
        assert_eq!(store.find(&filter, 10, start()).await, []);
        let listed = store.query(&newest(filter, 10), start()).await;
        assert_eq!(listed, []);
        assert_eq!(store.count(&selection, start()).await, 0);
        let reason = EndReason::Revoked;
        let ended = store.delete_matching(&selection, reason, 10, start()).await;
        assert_eq!(ended, 0);
    }
    same_records(&store.everyone(start()).await, [&alice], "who is left");
}

/// An expired session is not found and not counted, from the very moment on at which it expires.
pub async fn s10_expired_sessions_are_not_found(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let by_id = Filter::session_id(record.session_id);
    for (now, expected) in [(at(HOUR - MS), 1), (at(HOUR), 0), (at(9 * HOUR), 0)] {
        for filter in [of_subject("alice"), named("alice"), by_id.clone()] {
            let found = store.find(&filter, 10, now).await;
            assert_eq!(found.len(), expected, "{filter:?} at {now:?}");
            let listed = store.query(&newest(filter.clone(), 10), now).await;
            assert_eq!(listed.len(), expected, "{filter:?} at {now:?}");
            let counted = store.count(&filter.clone().into(), now).await;
            assert_eq!(counted, expected as u64, "{filter:?} at {now:?}");
        }
        assert_eq!(store.everyone(now).await.len(), expected);
        let counted = store.count(&Selection::Everyone, now).await;
        assert_eq!(counted, expected as u64);
    }
}

/// Newest first; the last one expires within a second, and all others later.
fn sessions(round: usize) -> [Record; 7] {
    let session = |number: usize, subject: &str, id: &str, name: Option<&str>| Record {
        session_id: sid(id),
        display_name: name.map(str::to_owned),
        ..record_created(
            subject,
            10 * round + number,
            at((10 - number as u32) * SECOND),
        )
    };
    [
        session(0, "alice", "s0", Some("Alice Smith")),
        session(1, "bob", "s1", Some("Alice Miller")),
        session(2, "alice", "s2", Some("alice")),
        session(3, "bob", "s3", None),
        session(4, "alice", "s4", None),
        session(5, "carol", "s5", Some("Malice")),
        Record {
            expires: at(SECOND),
            ..session(6, "alice", "s6", Some("Alice Smith"))
        },
    ]
}

const EXPIRED: usize = 6;

/// A name, a subject, a session id, the beginning of a name and an id that is left out, where they are not empty; and which of the sessions they let through.
type Case = (&'static str, [&'static str; 4], &'static [usize]);

const CASES: [Case; 18] = [
    ("subject", ["alice", "", "", ""], &[0, 2, 4, EXPIRED]),
    (
        "subject but for one",
        ["alice", "", "", "s2"],
        &[0, 4, EXPIRED],
    ),
    (
        "subject but for another's",
        ["alice", "", "", "s1"],
        &[0, 2, 4, EXPIRED],
    ),
    ("session", ["", "s1", "", ""], &[1]),
    ("session of a subject", ["alice", "s2", "", ""], &[2]),
    ("session of another subject", ["alice", "s1", "", ""], &[]),
    ("session but for itself", ["", "s2", "", "s2"], &[]),
    ("session but for another", ["", "s2", "", "s4"], &[2]),
    ("beginning", ["", "", "ALICE", ""], &[0, 1, 2, EXPIRED]),
    ("whole name", ["", "", "alice miller", ""], &[1]),
    ("beginning, of a subject", ["bob", "", "alice", ""], &[1]),
    ("beginning, of a session", ["", "s0", "alice s", ""], &[0]),
    (
        "another beginning, of a session",
        ["", "s0", "alice m", ""],
        &[],
    ),
    ("beginning but for one", ["", "", "alice m", "s1"], &[]),
    ("all at once", ["alice", "s2", "a", "s0"], &[2]),
    ("unknown subject", ["dave", "", "", ""], &[]),
    ("unknown session", ["", "s7", "", ""], &[]),
    ("unknown name", ["", "", "bob", ""], &[]),
];

fn filter([subject, id, beginning, except]: [&str; 4]) -> Filter {
    let mut filter = match (subject, id) {
        ("", "") => named(beginning),
        ("", id) => Filter::session_id(sid(id)),
        (subject, "") => of_subject(subject),
        (subject, id) => of_subject(subject).and_session_id(sid(id)),
    };
    if !beginning.is_empty() {
        let with_name = filter.and_name_begins_with(beginning);
        filter = with_name.expect("cases name a beginning");
    }
    match except {
        "" => filter,
        id => filter.except(sid(id)),
    }
}
