//! Going through a list page by page, while it stands still and while it does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{
    at_once::{Over, both_at_once, running},
    compare::same_records,
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    id::SessionId,
    store::{
        Continuity, End, Filter, Part, Position, Query, Record, Replaced, Selection, SessionStore,
    },
};

/// One page after the other, forward and then back, gives the whole list in its order, whatever the size of a page.
pub async fn s10_pages_make_up_the_list(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut sessions: Vec<_> = (0..17)
        .map(|number| {
            // Some begin at the same time.
            let created = at(number as u32 / 2 * SECOND);
            record_created(["alice", "bob"][number % 2], number, created)
        })
        .collect();
    store.put_all(&sessions).await;
    sessions.sort_by_key(|record| (record.created, record.session_id));
    sessions.reverse();
    let of_alice: Vec<_> = sessions
        .iter()
        .filter(|one| one.subject == "alice")
        .collect();
    let all: Vec<_> = sessions.iter().collect();
    for (selection, expected) in [
        (Selection::Everyone, all),
        (of_subject("alice").into(), of_alice.clone()),
        (named("ALICE").into(), of_alice),
    ] {
        for size in [1, 2, 5, 9, 17, 100] {
            let what = format!("in pages of {size}, {selection:?}");
            let forward = forward(&store, &selection, size, at(MINUTE)).await;
            same_records(&forward, expected.iter().copied(), &what);
            let oldest = forward.last().map(Position::of).expect("a list");
            let mut back = backward(&store, &selection, size, oldest, at(MINUTE)).await;
            back.push(forward[forward.len() - 1].clone());
            same_records(&back, expected.iter().copied(), &format!("back {what}"));
        }
    }
}

/// While others come, end and sign in again, a session that is there throughout is on exactly one page, in its place; forward and back.
pub async fn s10_no_session_is_left_out_or_repeated(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..3 {
        let staying: Vec<_> = (0..10)
            .map(|number| {
                let created = at((10 * number as u32 + 5) * SECOND);
                record_created("stays", 1000 * round + number, created)
            })
            .collect();
        let leaving: Vec<_> = (0..10)
            .map(|number| {
                let created = at(10 * number as u32 * SECOND);
                record_created("leaves", 1000 * round + number, created)
            })
            .collect();
        store.put_all(&staying).await;
        store.put_all(&leaving).await;
        let (running, over) = running();
        let churn = Churn {
            store: store.clone(),
            staying: staying.clone(),
            leaving,
            over,
        };
        let reader = store.clone();
        let expected: BTreeMap<_, _> = staying.iter().map(place_of).collect();
        let reading = async move {
            let _running = running;
            for size in [1, 3, 4, 7] {
                let everyone = Selection::Everyone;
                let pages = forward(&reader, &everyone, size, at(30 * MINUTE)).await;
                each_once(&pages, &expected, &format!("forward in pages of {size}"));
                let oldest = Position {
                    created: start() - SECOND,
                    session_id: sid("0"),
                };
                let pages = backward(&reader, &everyone, size, oldest, at(30 * MINUTE)).await;
                each_once(&pages, &expected, &format!("back in pages of {size}"));
            }
        };
        both_at_once(reading, churn.run(1000 * round)).await;
        let everyone = Selection::Everyone;
        store
            .delete_matching(&everyone, EndReason::Revoked, 1000, at(30 * MINUTE))
            .await;
    }
}

/// A session that signs in again and again is found exactly once by whoever looks meanwhile.
pub async fn s10_a_session_that_signs_in_again_is_found_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..4 {
        let first = record("alice", 100 * round);
        store.put(&first).await;
        let (signer, mut old) = (store.clone(), first.clone());
        let (running, over) = running();
        let signing_in = async move {
            let _running = running;
            for number in 1..=10 {
                let new = next_of(&old, 100 * round + number);
                let same = Continuity::SameSession;
                let answer = signer.replace(&old.key, &new, same, None, at(SECOND)).await;
                assert!(matches!(answer, Replaced::Replaced { .. }), "{answer:?}");
                old = new;
            }
        };
        let looker = store.clone();
        let looking = async move {
            let by_id = Filter::session_id(first.session_id);
            let selections = [of_subject("alice"), by_id].map(Selection::from);
            while !over.yet() {
                for selection in &selections {
                    let query = newest(selection.clone(), 10);
                    let listed = looker.query(&query, at(SECOND)).await;
                    assert_eq!(listed.len(), 1, "{selection:?} gives {listed:?}");
                    assert_eq!(listed[0].session_id, first.session_id);
                    assert_eq!(listed[0].created, first.created);
                }
                let counted = looker.count(&selections[0], at(SECOND)).await;
                assert_eq!(counted, 1);
            }
        };
        both_at_once(signing_in, looking).await;
        let alices = of_subject("alice").into();
        store
            .delete_matching(&alices, EndReason::Revoked, 10, at(SECOND))
            .await;
    }
}

/// Lets sessions come and go, and those that stay sign in again.
struct Churn<S> {
    store: Probe<S>,
    staying: Vec<Record>,
    leaving: Vec<Record>,
    over: Over,
}

impl<S: SessionStore> Churn<S> {
    async fn run(mut self, first: usize) {
        for number in first + 100.. {
            if self.over.yet() || number > first + 300 {
                break;
            }
            let turn = number % 10;
            let new = next_of(&self.staying[turn], number);
            let old = std::mem::replace(&mut self.staying[turn], new);
            let new = &self.staying[turn];
            let same = Continuity::SameSession;
            let answer = self
                .store
                .replace(&old.key, new, same, None, at(SECOND))
                .await;
            assert!(matches!(answer, Replaced::Replaced { .. }), "{answer:?}");

            let coming = record_created("leaves", number, at(turn as u32 * 9 * SECOND));
            let going = std::mem::replace(&mut self.leaving[turn], coming);
            let end = End::because(EndReason::SignOut);
            self.store.delete(&going.key, end, at(SECOND)).await;
            self.store.put(&self.leaving[turn]).await;
        }
    }
}

fn place_of(record: &Record) -> (SessionId, SystemTime) {
    (record.session_id, record.created)
}

#[track_caller]
fn each_once(pages: &[Record], expected: &BTreeMap<SessionId, SystemTime>, what: &str) {
    let places = pages.iter().map(Position::of);
    let places: Vec<_> = places.collect();
    assert!(
        places.is_sorted_by(|newer, older| newer > older),
        "{what}: out of order, or twice"
    );
    let seen: BTreeSet<_> = pages.iter().map(place_of).collect();
    for (session_id, created) in expected {
        let one = (*session_id, *created);
        assert!(seen.contains(&one), "{what}: a session is left out");
    }
}

/// More than was ever put in.
const NO_END: usize = 1000;

async fn forward<S: SessionStore>(
    store: &Probe<S>,
    selection: &Selection,
    limit: usize,
    now: SystemTime,
) -> Vec<Record> {
    let mut pages: Vec<Record> = Vec::new();
    loop {
        let part = match pages.last() {
            None => Part::Newest,
            Some(last) => Part::OlderThan(Position::of(last)),
        };
        let page = ask(store, selection, part, limit, now).await;
        let is_last = page.len() < limit;
        pages.extend(page);
        if is_last {
            return pages;
        }
        assert!(pages.len() < NO_END, "the list has no end");
    }
}

/// From right before a place to the newest.
async fn backward<S: SessionStore>(
    store: &Probe<S>,
    selection: &Selection,
    limit: usize,
    from: Position,
    now: SystemTime,
) -> Vec<Record> {
    let mut pages: Vec<Record> = Vec::new();
    loop {
        let place = pages.first().map_or(from, Position::of);
        let mut page = ask(store, selection, Part::NewerThan(place), limit, now).await;
        let is_last = page.len() < limit;
        page.append(&mut pages);
        pages = page;
        if is_last {
            return pages;
        }
        assert!(pages.len() < NO_END, "the list has no beginning");
    }
}

async fn ask<S: SessionStore>(
    store: &Probe<S>,
    selection: &Selection,
    part: Part,
    limit: usize,
    now: SystemTime,
) -> Vec<Record> {
    let query = Query {
        selection: selection.clone(),
        part,
        limit,
    };
    store.query(&query, now).await
}
