//! What somebody else has damaged in Redis harms nothing but itself.

use axum_user_session::{
    ended::EndReason,
    id::ClientId,
    store::{
        Created, End, Filter, Limit, Loaded, RedisOptions, RedisStore, Selection, SessionStore,
        Touch, Touched, WhenReached,
    },
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, fresh_prefix, key_of, newest, put, record, sign_out, start,
    },
    servers::Redis,
};

async fn store() -> (RedisStore, String) {
    let prefix = fresh_prefix();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(Redis::shared().url()).await.unwrap();
    (store, prefix)
}

fn set(key: &[u8], field: &str, value: &[u8]) {
    let mut hset = redis::cmd("HSET");
    hset.arg(key).arg(field).arg(value);
    hset.query::<()>(&mut behind(Redis::shared())).unwrap();
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_damaged_record_is_no_session() {
    for (field, value) in [
        ("i", &b"secret nonsense"[..]),
        ("i", b"\xFF\xFE"),
        ("m", b"1 2 3"),
        ("m", b"not a number at all"),
        ("n", b"short"),
        ("n", b"12345678\xFF"),
        ("cclient", b"not a number"),
    ] {
        let (store, prefix) = store().await;
        let [damaged, whole] = [1, 2].map(|number| record("alice", number));
        put(&store, &damaged).await;
        put(&store, &whole).await;
        set(&key_of(&prefix, &damaged), field, value);

        let what = format!("{field}: {}", value.escape_ascii());
        let loaded = store.load(&damaged.key, None, start()).await.unwrap();
        assert_eq!(loaded, Loaded::Missing, "{what}");
        for selection in [
            Selection::Everyone,
            Filter::subject("alice").unwrap().into(),
        ] {
            let list = store.query(&newest(selection, 10), start()).await.unwrap();
            assert_eq!(list, std::slice::from_ref(&whole), "{what}");
        }
        sign_out(&store, &whole).await;
    }
}

/// Neither a limit nor the clean-up is held up by it.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_damaged_record_stands_in_nobodys_way() {
    for (field, can_be_told) in [("i", false), ("m", false), ("n", true), ("cfirst", true)] {
        let (store, prefix) = store().await;
        let [damaged, whole, next] = [1, 2, 3].map(|number| record("alice", number));
        put(&store, &damaged).await;
        put(&store, &whole).await;
        set(&key_of(&prefix, &damaged), field, b"nonsense");
        let touch = Touch {
            every: MINUTE,
            expires: at(HOUR),
        };
        let touched = store.touch(&damaged.key, touch, start()).await.unwrap();
        assert_eq!(touched == Touched::Missing, !can_be_told, "{field}");

        let limit = Limit {
            max: (2 + u32::from(can_be_told)).try_into().unwrap(),
            when_reached: WhenReached::EndOldest,
        };
        let created = store.create(&next, Some(limit), start()).await.unwrap();
        assert_eq!(created, Created::Created { evicted: vec![] }, "{field}");
        let expired = store.take_expired(10, at(HOUR)).await.unwrap();
        assert_eq!(expired.len(), 2 + usize::from(can_be_told), "{field}");
        let left = redis::cmd("HEXISTS")
            .arg(key_of(&prefix, &damaged))
            .arg(field)
            .take();
        let left: bool = left.query(&mut behind(Redis::shared())).unwrap();
        assert!(!left, "{field}");
        let all = Filter::subject("alice").unwrap().into();
        let revoked = store
            .delete_matching(&all, EndReason::Revoked, 9, start())
            .await;
        assert_eq!(revoked.unwrap(), 0, "{field}");
    }
}

/// Clients are told in the order of their numbers; those whose number somebody has damaged are told as well.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn every_client_is_told_whatever_its_number() {
    for number in [
        "nan",
        "-nan",
        "inf",
        "0x10",
        "",
        "not a number",
        "2",
        "1e400",
    ] {
        let (store, prefix) = store().await;
        let mut session = record("alice", 1);
        session.clients = ClientId::parse_all(["a", "b", "c"]).unwrap();
        put(&store, &session).await;
        set(&key_of(&prefix, &session), "ca", number.as_bytes());
        let end = End::because(EndReason::SignOut);
        let ended = store.delete(&session.key, end, start()).await.unwrap();
        let mut clients = ended.unwrap().clients;
        let place = |id: &str| clients.iter().position(|client| *client == id).unwrap();
        // Of two with one number either may come first.
        let is_told_apart = number != "2";
        assert!(
            !is_told_apart || place("b") < place("c"),
            "{number}: {clients:?}"
        );
        clients.sort();
        assert_eq!(clients, ["a", "b", "c"], "{number}");
    }
}

/// A subject that was edited by hand: the session that claims to be somebody else's can be ended, and its end does not take that other's sessions along.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_record_with_another_subject_can_be_ended() {
    let (store, prefix) = store().await;
    let [edited, whole] = ["mallory", "alice"].map(|subject| record(subject, 1));
    put(&store, &edited).await;
    put(&store, &whole).await;
    let mut raw = behind(Redis::shared());
    let mut read = redis::cmd("HGET");
    read.arg(key_of(&prefix, &edited)).arg("i");
    let identity: Vec<u8> = read.query(&mut raw).unwrap();
    let at = identity.len() - "mallory".len();
    set(
        &key_of(&prefix, &edited),
        "i",
        &[&identity[..at], b"alice"].concat(),
    );

    let end = End::because(EndReason::RecordRejected);
    let ended = store
        .delete(&edited.key, end, start())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.subject, "alice");
    let list = store
        .query(&newest(Filter::subject("alice").unwrap(), 9), start())
        .await;
    assert_eq!(list.unwrap(), [whole]);
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_damaged_entry_of_the_log_does_not_hold_up_the_others() {
    let (store, prefix) = store().await;
    for number in 0..5 {
        put(&store, &record("alice", number)).await;
        sign_out(&store, &record("alice", number)).await;
    }
    let damaged = record("alice", 2);
    let log = format!("{{{prefix}:{}}}l", damaged.key.bucket());
    let mut hset = redis::cmd("HSET");
    hset.arg(log)
        .arg(&damaged.key.as_bytes()[..16])
        .arg("x2:10nonsense");
    hset.query::<()>(&mut behind(Redis::shared())).unwrap();

    let taken = store.take_ended(MINUTE, 100, start()).await.unwrap();
    assert_eq!(taken.len(), 4);
    let purged = store.purge(start(), at(HOUR)).await.unwrap();
    assert_eq!(
        purged.unheard_ends, 1,
        "the damaged one, which claims to be old"
    );
}

/// The sets of a bucket lead to records that are not there, and the other way round.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn sets_that_lead_nowhere_are_put_right() {
    let (store, prefix) = store().await;
    for number in 0..4 {
        put(&store, &record("alice", number)).await;
    }
    let mut raw = behind(Redis::shared());
    let bucket = record("alice", 0).key.bucket();
    let mut run = |words: &[&[u8]]| {
        let mut cmd = redis::Cmd::new();
        words.iter().for_each(|word| {
            cmd.arg(*word);
        });
        cmd.query::<()>(&mut raw).unwrap();
    };
    let (expiry, own) = (
        format!("{{{prefix}:{bucket}}}x"),
        key_of(&prefix, &record("alice", 0)),
    );
    // One record is gone; another expires earlier than it does, and a third stands for no key at all.
    run(&[b"DEL", &own]);
    run(&[
        b"ZADD",
        expiry.as_bytes(),
        b"1",
        record("alice", 1).key.as_bytes(),
    ]);
    run(&[b"ZADD", expiry.as_bytes(), b"1", b"nonsense"]);

    assert_eq!(store.take_expired(10, start()).await.unwrap(), []);
    let places = redis::cmd("ZCARD").arg(&expiry).take();
    assert_eq!(
        places.query::<u64>(&mut behind(Redis::shared())).unwrap(),
        4,
        "its own place is not due"
    );
    let filter = Selection::from(Filter::subject("alice").unwrap());
    assert_eq!(store.count(&filter, start()).await.unwrap(), 3);
    assert_eq!(store.take_expired(10, at(HOUR)).await.unwrap().len(), 3);
    let revoked = store
        .delete_matching(&filter, EndReason::Revoked, 9, start())
        .await;
    assert_eq!(revoked.unwrap(), 0);
}
