//! The list of sessions, its order and its parts.

use super::{compare::same_records, fixtures::*, probe::Probe};
use crate::{
    id::SessionId,
    store::{Continuity, Part, Position, Query, Record, Selection, SessionStore, Update},
};

/// A list is ordered by when sessions began, the newest first, and then by the bytes of their ids, the greatest first.
pub async fn s10_a_list_is_ordered_by_beginning_and_then_by_id(store: impl SessionStore) {
    let store = Probe::new(store);
    // As bytes: "-" "." "0" "00" "1" "A" "B" "Z" "_" "a" "aA" "aa" "b" "z" "~"
    let ids = [
        "a", "B", "aa", "00", "~", "-", "Z", "aA", "_", "0", "z", "A", "b", "1", ".",
    ];
    let mut sessions: Vec<Record> = Vec::new();
    for (number, id) in ids.into_iter().enumerate() {
        for (more, created) in [start(), at(MS), at(SECOND)].into_iter().enumerate() {
            sessions.push(Record {
                session_id: sid(id),
                created,
                ..record(["alice", "bob", "carol"][more], number)
            });
        }
    }
    store.put_all(&sessions).await;
    sessions.sort_by_key(|record| (record.created, record.session_id.as_str().to_owned()));
    sessions.reverse();
    let listed = store.everyone(at(SECOND)).await;
    same_records(&listed, &sessions, "everyone");
    for (subject, of_subject) in ["carol", "bob", "alice"]
        .into_iter()
        .zip(sessions.chunks(15))
    {
        let filter = super::fixtures::of_subject(subject);
        let listed = store.find(&filter, 100, at(SECOND)).await;
        same_records(&listed, of_subject, subject);
    }
    let listed = store.query(&newest(named("a"), 100), at(SECOND)).await;
    same_records(&listed, &sessions[30..], "those of a name");
    for limit in [1, 2, 14, 45] {
        let everyone = newest(Selection::Everyone, limit);
        let listed = store.query(&everyone, at(SECOND)).await;
        same_records(&listed, &sessions[..limit], "the first ones");
        let found = store.find(&named("a"), limit.min(15), at(SECOND)).await;
        same_records(
            &found,
            &sessions[30..30 + limit.min(15)],
            "the first ones found",
        );
    }
}

/// A session keeps its place when it is used, changed, or signs in again.
pub async fn s10_a_session_keeps_its_place(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions = [2, 1, 0].map(|number| {
        let created = at(number as u32 * SECOND);
        record_created("alice", number, created)
    });
    store.put_all(&sessions).await;
    let (middle, now) = (&sessions[1], at(MINUTE));
    let keys = async |what: &str, middle: &Record| {
        for listed in [
            store.everyone(now).await,
            store.find(&of_subject("alice"), 10, now).await,
        ] {
            let keys: Vec<_> = listed.iter().map(|record| record.key).collect();
            assert_eq!(
                keys,
                [sessions[0].key, middle.key, sessions[2].key],
                "{what}"
            );
        }
    };
    keys("at first", middle).await;
    store.touch(&middle.key, touch(now), now).await;
    keys("used", middle).await;
    let update = Update {
        ticket: vec![],
        display_name: Some("aaa".to_owned()),
    };
    store.update(&middle.key, &update, 1, now).await;
    keys("changed", middle).await;
    let mut old = middle.clone();
    for number in 10..13 {
        let new = Record {
            created: now,
            renewed: now,
            ..next_of(&old, number)
        };
        let same = Continuity::SameSession;
        store.replace(&old.key, &new, same, None, now).await;
        keys("signed in again", &new).await;
        old = new;
    }
}

/// What follows after a place and what comes before it are told by the place alone, though nothing may be at it any more.
pub async fn s10_parts_of_a_list_are_told_by_a_place(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut sessions: Vec<_> = (0..12)
        .map(|number| Record {
            session_id: sid(&format!("s{}x{}", number % 3, number / 3)),
            // Three at each time.
            ..record_created("alice", number, at(number as u32 / 3 * SECOND))
        })
        .collect();
    store.put_all(&sessions).await;
    sessions.sort_by_key(|record| (record.created, record.session_id));
    sessions.reverse();
    let listed = store.everyone(at(MINUTE)).await;
    same_records(&listed, &sessions, "all of them");

    let place = |created, id: &str| Position {
        created,
        session_id: sid(id),
    };
    let between = at(SECOND + MS);
    let places = [
        ("the first", Position::of(&sessions[0]), 0_usize, 1_usize),
        ("one of three at a time", Position::of(&sessions[4]), 4, 5),
        (
            "the last of three at a time",
            Position::of(&sessions[5]),
            5,
            6,
        ),
        ("the last", Position::of(&sessions[11]), 11, 12),
        ("between two times", place(between, "s1"), 6, 6),
        ("between two ids", place(at(SECOND), "s1z"), 7, 7),
        ("before a longer id", place(at(SECOND), "s"), 9, 9),
        ("above all ids", place(at(SECOND), "~"), 6, 6),
        ("newer than all", place(at(HOUR), "s"), 0, 0),
        ("older than all", place(start(), "-"), 12, 12),
    ];
    for selection in [
        Selection::Everyone,
        of_subject("alice").into(),
        named("alice").into(),
    ] {
        for (name, place, before, after) in places {
            for limit in [1, 3, 100] {
                let part = |part| Query {
                    selection: selection.clone(),
                    part,
                    limit,
                };
                let older = store.query(&part(Part::OlderThan(place)), at(MINUTE)).await;
                let expected = &sessions[after..(after + limit).min(12)];
                same_records(&older, expected, &format!("{limit} older than {name}"));
                let newer = store.query(&part(Part::NewerThan(place)), at(MINUTE)).await;
                let expected = &sessions[before.saturating_sub(limit)..before];
                same_records(&newer, expected, &format!("{limit} newer than {name}"));
            }
        }
    }
}

/// A page is full when there are enough sessions for it, however many others lie between.
pub async fn s10_a_page_is_full_though_others_lie_between(store: impl SessionStore) {
    let store = Probe::new(store);
    // Of a hundred and fifty the oldest three and one in the middle are wanted; all others have another name, another subject, or have expired.
    let wanted = |number: usize| number < 3 || number == 70;
    let sessions: Vec<_> = (0..150)
        .map(|number| {
            let created = at(number as u32 * SECOND);
            let other = record_created(&format!("subject {}", number % 7), number, created);
            match number {
                _ if wanted(number) => Record {
                    display_name: Some("Wanted".to_owned()),
                    ..record_created("wanted", number, created)
                },
                _ if number % 3 == 0 => Record {
                    display_name: Some("Wanted".to_owned()),
                    expires: at(MINUTE),
                    subject: "wanted".to_owned(),
                    ..record_created("wanted", number, created)
                },
                _ => other,
            }
        })
        .collect();
    for record in &sessions {
        let answer = store.create(record, None, start()).await;
        assert_eq!(answer, created());
    }
    let expected = [70, 2, 1, 0].map(|number| &sessions[number]);
    let now = at(10 * MINUTE);
    let session = |number: usize| -> SessionId { sessions[number].session_id };
    for filter in [
        of_subject("wanted"),
        named("wanted"),
        named("wan").except(session(149)),
        of_subject("wanted")
            .and_name_begins_with("w")
            .expect("not empty"),
    ] {
        let listed = store.query(&newest(filter.clone(), 4), now).await;
        same_records(&listed, expected, &format!("the newest, {filter:?}"));
        let place = Position::of(&sessions[70]);
        let part = |part| Query {
            selection: filter.clone().into(),
            part,
            limit: 2,
        };
        let older = store.query(&part(Part::OlderThan(place)), now).await;
        same_records(&older, expected[1..3].iter().copied(), "the older ones");
        let place = Position::of(&sessions[0]);
        let newer = store.query(&part(Part::NewerThan(place)), now).await;
        same_records(&newer, expected[1..3].iter().copied(), "the newer ones");
        assert_eq!(store.count(&filter.into(), now).await, 4);
    }
    // All that are there, at once.
    let live = sessions
        .iter()
        .rev()
        .filter(|record| !record.has_expired(now));
    same_records(&store.everyone(now).await, live, "everyone");
}
