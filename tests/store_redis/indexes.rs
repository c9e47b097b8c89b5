//! The indexes outside of buckets: written before a session is there, and dropped after it.

use std::time::{Duration, SystemTime};

use axum_user_session::store::{
    Continuity, Created, Filter, Limit, Part, Position, Query, RedisOptions, RedisStore, Selection,
    SessionStore, Update, WhenReached,
};

use crate::{
    fixtures::{
        MINUTE, at, behind, eventually, fresh_prefix, newest, put, record, start, successor,
    },
    servers::Redis,
};

/// A store, and the prefix of its keys.
async fn store() -> (RedisStore, String) {
    let prefix = fresh_prefix();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(Redis::shared().url()).await.unwrap();
    (store, prefix)
}

/// How many entries the index of all sessions, that of names and those of session ids have.
fn sizes(prefix: &str) -> [u64; 3] {
    let mut raw = behind(Redis::shared());
    let mut card = |name: &str| -> u64 {
        let key = format!("{{{prefix}:{name}}}");
        redis::cmd("ZCARD").arg(key).query(&mut raw).unwrap()
    };
    let (all, names) = (card("new"), card("name"));
    let mut ids = 0;
    let begins = format!("{{{prefix}:id:");
    for key in crate::fixtures::keys(&mut raw, prefix) {
        if key.starts_with(begins.as_bytes()) {
            let len = redis::cmd("HLEN").arg(key).query::<u64>(&mut raw);
            ids += len.unwrap();
        }
    }
    [all, names, ids]
}

/// As if the process had crashed between the index and the bucket: what a session has in its bucket goes, with no end.
fn lose_bucket(prefix: &str, subject: &str) {
    let mut raw = behind(Redis::shared());
    let bucket = axum_user_session::store::bucket_of(subject);
    let begins = format!("{{{prefix}:{bucket}}}");
    for key in crate::fixtures::keys(&mut raw, prefix) {
        if key.starts_with(begins.as_bytes()) {
            redis::cmd("DEL").arg(key).query::<()>(&mut raw).unwrap();
        }
    }
}

/// All ways to ask that go through an index.
fn ways(subject: &str) -> [Selection; 3] {
    let lost = record(subject, 1);
    [
        Selection::Everyone,
        Filter::session_id(lost.session_id).into(),
        Filter::name_begins_with(&lost.display_name.unwrap())
            .unwrap()
            .into(),
    ]
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_crash_before_the_session_is_there_leaves_nothing_that_is_seen() {
    let (store, prefix) = store().await;
    put(&store, &record("lost", 1)).await;
    put(&store, &record("there", 1)).await;
    lose_bucket(&prefix, "lost");

    for selection in ways("lost") {
        let one = u64::from(selection == Selection::Everyone);
        let list = store
            .query(&newest(selection.clone(), 10), start())
            .await
            .unwrap();
        assert_eq!(list.len() as u64, one, "{selection:?}");
        assert_eq!(
            store.count(&selection, start()).await.unwrap(),
            one,
            "{selection:?}"
        );
    }
    // It may be about to begin: nobody drops what is young, whatever they are asked for.
    let soon = at(4 * MINUTE);
    for selection in ways("lost") {
        store
            .query(&newest(selection.clone(), 10), soon)
            .await
            .unwrap();
        store.count(&selection, soon).await.unwrap();
    }
    store.purge(start(), soon).await.unwrap();
    assert_eq!(sizes(&prefix), [2, 2, 2]);
    // The same sign-in goes on.
    put(&store, &record("lost", 1)).await;
    for selection in ways("lost") {
        let list = store
            .query(&newest(selection.clone(), 10), start())
            .await
            .unwrap();
        assert!(list.contains(&record("lost", 1)), "{selection:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_stale_entries_are_dropped_when_they_are_read() {
    let later = at(10 * MINUTE);
    for (at, dropped) in [[0, 1, 0], [0, 1, 0], [1, 0, 1]].into_iter().enumerate() {
        let (store, prefix) = store().await;
        put(&store, &record("lost", 1)).await;
        put(&store, &record("there", 1)).await;
        lose_bucket(&prefix, "lost");
        let selection = ways("lost")[at].clone();
        store
            .query(&newest(selection.clone(), 10), later)
            .await
            .unwrap();
        let left = if at == 2 { [2, 1, 2] } else { [1, 2, 1] };
        assert_eq!(sizes(&prefix), left, "{selection:?} {dropped:?}");
    }
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_stale_entries_that_nobody_reads_are_dropped_by_and_by() {
    let (store, prefix) = store().await;
    for number in 0..600 {
        put(&store, &record("lost", number)).await;
    }
    put(&store, &record("there", 1)).await;
    lose_bucket(&prefix, "lost");
    assert_eq!(sizes(&prefix), [601; 3]);
    for _ in 0..4 {
        store.purge(start(), at(10 * MINUTE)).await.unwrap();
    }
    assert_eq!(sizes(&prefix), [1; 3]);
}

/// Stale entries take places in what is read, but none in what is answered.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_stale_entries_make_no_page_short() {
    let (store, prefix) = store().await;
    let moment = |number: u64| start() + Duration::from_millis(number);
    for number in 0..400 {
        let subject = if (50..350).contains(&number) {
            "lost"
        } else {
            "there"
        };
        let mut record = record(subject, number);
        record.created = moment(number);
        record.display_name = Some("same".to_owned());
        put(&store, &record).await;
    }
    lose_bucket(&prefix, "lost");
    for selection in [
        Selection::Everyone,
        Filter::name_begins_with("s").unwrap().into(),
    ] {
        let (mut seen, mut part) = (Vec::new(), Part::Newest);
        loop {
            let query = Query {
                selection: selection.clone(),
                part,
                limit: 30,
            };
            let page = store.query(&query, moment(400)).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(
                page.len() == 30 || seen.len() + page.len() == 100,
                "a short page"
            );
            part = Part::OlderThan(Position::of(last));
            seen.extend(page.iter().map(|record| record.created));
        }
        let expected = (350..400).rev().chain((0..50).rev()).map(moment);
        assert_eq!(seen, expected.collect::<Vec<SystemTime>>(), "{selection:?}");
    }
}

/// What is refused after the index was written leaves nothing there.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_refused_sign_ins_leave_the_indexes() {
    let (store, prefix) = store().await;
    let limit = Some(Limit {
        max: 1.try_into().unwrap(),
        when_reached: WhenReached::Deny,
    });
    put(&store, &record("alice", 1)).await;
    let denied = store
        .create(&record("alice", 2), limit, start())
        .await
        .unwrap();
    assert_eq!(denied, Created::Denied);
    let new = Continuity::NewSession;
    let elsewhere = record("bob", 9).key;
    store
        .replace(&elsewhere, &record("alice", 3), new, limit, start())
        .await
        .unwrap();
    // The entries of a record that is there already are its own.
    let again = store
        .create(&record("alice", 1), None, start())
        .await
        .unwrap();
    assert_eq!(again, Created::Exists);
    eventually("the end of the others", async || {
        (sizes(&prefix) == [1; 3]).then_some(())
    })
    .await;
    let list = store
        .query(&newest(Selection::Everyone, 10), start())
        .await
        .unwrap();
    assert_eq!(list, [record("alice", 1)]);
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s10_a_session_that_gets_a_name_and_back_is_always_found_by_it() {
    let (store, prefix) = store().await;
    let mut current = record("alice", 1);
    current.display_name = Some("zoe".to_owned());
    put(&store, &current).await;
    let mut version = 1;
    for round in 0..200 {
        let name = if round % 2 == 0 { "yan" } else { "zoe" };
        if round % 3 == 0 {
            current = successor(&current, 100 + round);
            current.display_name = Some(name.to_owned());
            let old = successor(&current, if round == 0 { 1 } else { 97 + round }).key;
            let same = Continuity::SameSession;
            store
                .replace(&old, &current, same, None, start())
                .await
                .unwrap();
            version = 1;
        } else {
            let update = Update {
                ticket: vec![1],
                display_name: Some(name.to_owned()),
            };
            store
                .update(&current.key, &update, version, start())
                .await
                .unwrap();
            version += 1;
        }
        let filter = Filter::name_begins_with(name).unwrap();
        assert_eq!(
            store.count(&filter.into(), start()).await.unwrap(),
            1,
            "round {round}"
        );
    }
    eventually("one name", async || {
        (sizes(&prefix) == [1; 3]).then_some(())
    })
    .await;
    let filter = Filter::name_begins_with("zoe").unwrap();
    assert_eq!(store.count(&filter.into(), start()).await.unwrap(), 1);
}

/// Two sessions of one id, which began in the same moment: a host may name them so. The end of one leaves the other in every list.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s10_twins_are_two() {
    let (store, _) = store().await;
    let [one, other] = [1, 2].map(|number| {
        let mut twin = record("alice", number);
        twin.session_id = record("alice", 0).session_id;
        twin.display_name = Some("alice".to_owned());
        twin
    });
    put(&store, &one).await;
    put(&store, &other).await;
    let selections: [Selection; 3] = [
        Selection::Everyone,
        Filter::session_id(one.session_id).into(),
        Filter::name_begins_with("alice").unwrap().into(),
    ];
    for selection in &selections {
        assert_eq!(
            store.count(selection, start()).await.unwrap(),
            2,
            "{selection:?}"
        );
        let list = store
            .query(&newest(selection.clone(), 10), start())
            .await
            .unwrap();
        assert_eq!(list.len(), 2, "{selection:?}");
    }
    crate::fixtures::sign_out(&store, &one).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    for selection in &selections {
        let list = store
            .query(&newest(selection.clone(), 10), at(10 * MINUTE))
            .await
            .unwrap();
        assert_eq!(list, std::slice::from_ref(&other), "{selection:?}");
    }
}

/// Where many names begin with the text, but none of the newest sessions has one, and where all have.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s10_a_common_name_is_found_wherever_its_sessions_are() {
    let (store, _) = store().await;
    let moment = |number: u64| start() + Duration::from_millis(number);
    for number in 0..1500 {
        let mut record = record(&format!("user{}", number % 9), number);
        record.created = moment(number);
        let name = if number < 700 { "Ann" } else { "Bob" };
        record.display_name = Some(format!("{name} {}", number % 13));
        put(&store, &record).await;
    }
    for (name, numbers) in [("ann", 0..700), ("bob", 700..1500), ("ann 1", 0..700)] {
        let wanted = |number: &u64| name != "ann 1" || matches!(number % 13, 1 | 10 | 11 | 12);
        let expected: Vec<_> = numbers.filter(wanted).map(moment).collect();
        let selection = Selection::from(Filter::name_begins_with(name).unwrap());
        for forward in [false, true] {
            let (mut seen, mut part) = (Vec::new(), Part::Newest);
            if forward {
                let mut first = Position::of(&record("user0", 0));
                first.created -= Duration::from_millis(1);
                part = Part::NewerThan(first);
            }
            loop {
                let query = Query {
                    selection: selection.clone(),
                    part,
                    limit: 25,
                };
                let page = store.query(&query, start()).await.unwrap();
                let edge = if forward { page.first() } else { page.last() };
                let Some(edge) = edge.map(Position::of) else {
                    break;
                };
                let places = page.iter().map(|record| record.created);
                match forward {
                    true => {
                        seen.extend(places.rev());
                        part = Part::NewerThan(edge);
                    }
                    false => {
                        seen.extend(places);
                        part = Part::OlderThan(edge);
                    }
                }
            }
            if !forward {
                seen.reverse();
            }
            assert_eq!(seen, expected, "{name} {forward}");
        }
    }
}

/// Revoking everyone does not depend on an index that has lost some of them.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s10_everyone_is_everyone() {
    use axum_user_session::ended::EndReason;
    let (store, prefix) = store().await;
    for number in 0..30 {
        put(&store, &record(&format!("user{}", number % 8), number)).await;
    }
    let lost = redis::cmd("DEL").arg(format!("{{{prefix}:new}}")).take();
    lost.query::<()>(&mut behind(Redis::shared())).unwrap();
    assert_eq!(
        store.count(&Selection::Everyone, start()).await.unwrap(),
        30
    );
    let revoke =
        |max| store.delete_matching(&Selection::Everyone, EndReason::Revoked, max, start());
    assert_eq!(revoke(20).await.unwrap(), 20);
    assert_eq!(revoke(20).await.unwrap(), 10);
    assert_eq!(
        store.take_ended(MINUTE, 100, start()).await.unwrap().len(),
        30
    );
}
