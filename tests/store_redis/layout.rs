//! What is written, key by key.

use std::collections::BTreeMap;

use axum_user_session::store::{Continuity, Filter, RedisOptions, Replaced, SessionStore};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, eventually, found, fresh_prefix, key_of, keys, newest, put,
        record, sign_out, start, successor,
    },
    servers::{Cluster, Redis},
};

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_only_memories_expire_by_themselves() {
    let prefix = fresh_prefix();
    let server = Redis::shared();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(server.url()).await.unwrap();
    let [kept, replaced, over] = [1, 2, 3].map(|number| record("alice", number));
    for record in [&kept, &replaced, &over] {
        put(&store, record).await;
    }
    let next = successor(&replaced, 4);
    let same = Continuity::SameSession;
    let answer = store
        .replace(&replaced.key, &next, same, None, start())
        .await;
    assert!(matches!(answer.unwrap(), Replaced::Replaced { .. }));
    sign_out(&store, &over).await;

    let mut raw = behind(server);
    let mut seen = BTreeMap::new();
    for key in keys(&mut raw, &prefix) {
        let millis: i64 = redis::cmd("PTTL").arg(&key).query(&mut raw).unwrap();
        seen.insert(key, millis);
    }
    for record in [&replaced, &over] {
        let millis = seen.remove(&key_of(&prefix, record)).unwrap();
        assert!((50_000..=60_000).contains(&millis), "{millis}");
    }
    assert!(seen.contains_key(&key_of(&prefix, &kept)));
    assert!(seen.contains_key(&key_of(&prefix, &next)));
    for (key, millis) in seen {
        assert_eq!(millis, -1, "{}", key.escape_ascii());
    }
}

/// Memories expire by the server's clock, which must not reach a record that takes their key: keys are not chosen twice, but if one is, a session must not vanish.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_record_in_the_place_of_an_old_memory_stays() {
    let prefix = fresh_prefix();
    let server = Redis::shared();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(server.url()).await.unwrap();
    let first = record("alice", 1);
    put(&store, &first).await;
    sign_out(&store, &first).await;
    let later = at(MINUTE);
    store.create(&first, None, later).await.unwrap();
    assert_eq!(found(&store, &first).await, first);
    let ttl = redis::cmd("PTTL").arg(key_of(&prefix, &first)).take();
    assert_eq!(ttl.query::<i64>(&mut behind(server)).unwrap(), -1);
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn nothing_is_left_of_sessions_that_are_over_and_told() {
    let prefix = fresh_prefix();
    let server = Redis::shared();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(server.url()).await.unwrap();
    let records: Vec<_> = (0..20)
        .map(|number| record(&format!("user{}", number % 7), number))
        .collect();
    for record in &records {
        put(&store, record).await;
    }
    let next = successor(&records[0], 100);
    store
        .replace(
            &records[0].key,
            &next,
            Continuity::SameSession,
            None,
            start(),
        )
        .await
        .unwrap();
    sign_out(&store, &records[1]).await;
    let expired = store.take_expired(1000, at(HOUR + HOUR)).await.unwrap();
    assert_eq!(expired.len(), 19);
    let taken = store.take_ended(MINUTE, 1000, at(HOUR)).await.unwrap();
    let events: Vec<_> = taken.iter().map(|taken| taken.ended.event_id).collect();
    assert_eq!(store.acknowledge(&events).await.unwrap(), 20);

    let mut raw = behind(server);
    let left = eventually("the end of the entries in the indexes", async || {
        let keys = keys(&mut raw, &prefix);
        let lasting = keys.into_iter().filter(|key| {
            let millis: i64 = redis::cmd("PTTL").arg(key).query(&mut raw).unwrap();
            millis == -1
        });
        let left: Vec<_> = lasting.map(|key| key.escape_ascii().to_string()).collect();
        (left.len() <= 2).then_some(left)
    });
    let mut left = left.await;
    left.sort();
    // The buckets that have had ends to tell of are remembered for a while.
    assert_eq!(
        left,
        [format!("{{{prefix}:ends}}"), format!("{{{prefix}:meta}}")]
    );
}

/// Braces end a hash tag, `*` and `?` mean something in patterns, a line feed ends a line of the protocol.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_hostile_texts_stay_in_their_bucket() {
    let options = crate::fixtures::fresh();
    let store = options
        .connect_cluster(Cluster::shared().urls())
        .await
        .unwrap();
    for subject in [
        "}{",
        "{other:1}",
        "*?[a-z]\\",
        " ",
        "%s %d 1 2",
        "'; return 1 --",
        "ünï\u{10FFFF}",
    ] {
        let mut first = record(subject, 1);
        first.display_name = Some(format!("{subject}{subject}"));
        put(&store, &first).await;
        assert_eq!(found(&store, &first).await, first, "{subject}");
        for filter in [
            Filter::subject(subject).unwrap(),
            Filter::session_id(first.session_id),
            Filter::name_begins_with(subject).unwrap(),
        ] {
            let list = store.query(&newest(filter, 10), start()).await.unwrap();
            assert_eq!(list, [first.clone()], "{subject}");
        }
        sign_out(&store, &first).await;
    }
}
