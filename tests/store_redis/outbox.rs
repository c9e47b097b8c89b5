//! The outbox in Redis: what is written, what others have damaged, a server without memory or killed, and a million deliveries of somebody else.

use std::time::Duration;

use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    id::SessionId,
    store::{DeliveryFilter, LogoutOutbox, Outcome, RedisOptions, RedisStore},
    testing::conformance::outbox::{self, history::live_through},
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, client, fresh_prefix, keys, on_a_cluster, on_one_server, start,
        words,
    },
    servers::{Cluster, Persistence, Redis},
};

async fn store() -> (RedisStore, String) {
    let prefix = fresh_prefix();
    let options = RedisOptions::new().key_prefix(&prefix);
    let store = options.connect(Redis::shared().url()).await.unwrap();
    (store, prefix)
}

fn ended(number: u8) -> Ended {
    let event = EventId::new([number; EventId::LEN]);
    let session_id = SessionId::parse("secret-session").unwrap();
    Ended::new(
        event,
        "secret subject",
        session_id,
        EndReason::SignOut,
        start(),
    )
}

fn key_of(prefix: &str, number: u8, rest: &[u8]) -> Vec<u8> {
    let mut raw = behind(Redis::shared());
    let mut end = b"}v".to_vec();
    end.extend([number; EventId::LEN]);
    let all = keys(&mut raw, prefix);
    let of_end = all.iter().find(|key| key.ends_with(&end)).unwrap();
    let tag = of_end.len() - end.len() + 1;
    [&of_end[..tag], rest].concat()
}

/// No key expires by itself, all of an end are in one slot, and nothing is left of what is settled and forgotten.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_nothing_is_left_of_what_is_forgotten() {
    let (store, prefix) = store().await;
    let told: Vec<_> = (0..300)
        .map(|number| client(&format!("client {number}")))
        .collect();
    for number in 0..40 {
        let told = &told[..if number == 0 { 300 } else { 2 }];
        store.put_in(&ended(number), told, start()).await.unwrap();
    }
    let mut raw = behind(Redis::shared());
    for key in keys(&mut raw, &prefix) {
        let millis: i64 = redis::cmd("PTTL").arg(&key).query(&mut raw).unwrap();
        assert_eq!(millis, -1, "{}", key.escape_ascii());
    }
    let taken = store.take_due(MINUTE, 1000, &[], start()).await.unwrap();
    assert_eq!(taken.len(), 378);
    let attempts = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
    let attempts: Vec<_> = attempts.collect();
    assert_eq!(store.settle(&attempts, start()).await.unwrap(), 378);
    while store.forget_settled(at(HOUR)).await.unwrap() > 0 {}
    let left = keys(&mut raw, &prefix);
    let mut left: Vec<_> = left
        .iter()
        .map(|key| key.escape_ascii().to_string())
        .collect();
    // The counts stay, at zero.
    left.retain(|key| !key.ends_with("}n"));
    left.sort();
    assert_eq!(
        left,
        [format!("{{{prefix}:meta}}"), format!("{{{prefix}:out}}")]
    );
    let meta = Redis::shared().command(&["GET", &format!("{{{prefix}:out}}")]);
    assert_eq!(meta, "format=1 parts=64");
}

/// What was written with another number of parts is refused, for else some of it would never be found.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_another_number_of_parts_is_refused() {
    let (store, prefix) = store().await;
    let meta = format!("{{{prefix}:out}}");
    Redis::shared().command(&["SET", &meta, "format=1 parts=32"]);
    let refused = [
        store.put_in(&ended(1), &[client("a")], start()).await.err(),
        store.take_due(HOUR, 1, &[], start()).await.err(),
        store.settle(&[], start()).await.err(),
        store.deliveries(&DeliveryFilter::default(), 1).await.err(),
        store.count_deliveries().await.err(),
        store.forget_settled(start()).await.err(),
    ];
    for refused in refused {
        let text = words(&refused.unwrap());
        assert!(
            text.contains("parts=32") && text.contains("parts=64"),
            "{text}"
        );
    }
    Redis::shared().command(&["DEL", &meta]);
    assert_eq!(
        store
            .put_in(&ended(1), &[client("a")], start())
            .await
            .unwrap(),
        1
    );
}

/// What somebody else has damaged is told to nobody, and hinders no other.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_damaged_delivery_hinders_no_other() {
    for (field, value, listed) in [
        ("ca", &b"secret nonsense"[..], 4),
        ("ca", b"", 4),
        ("ca", b"\xFF\xFE", 4),
        ("ca", b"w 0 0 1 1 1  ", 4),
        ("ca", b"d 0 0 1 1 1  ", 5),
        ("ca", b"p -1 0 1 1 1  ", 4),
        ("ca", b"p 99999999999999999999 0 1 1 1  ", 4),
        ("ca", b"p 0 0 99999999999999999999 1 1  ", 4),
        ("s", b"nobody", 4),
        ("s", b"not;an;id subject", 4),
        ("s", b"\xFF \xFF", 4),
    ] {
        let (store, prefix) = store().await;
        for number in 1..=5 {
            let now = start() + Duration::from_secs(number.into());
            store
                .put_in(&ended(number), &[client("a")], now)
                .await
                .unwrap();
        }
        let mut hset = redis::cmd("HSET");
        hset.arg(key_of(&prefix, 1, &[b"v", &[1; 16][..]].concat()));
        let set = hset.arg(field).arg(value);
        set.query::<()>(&mut behind(Redis::shared())).unwrap();

        let what = format!("{field}: {}", value.escape_ascii());
        let (mut taken, later) = (Vec::new(), at(HOUR));
        for expected in [2, 2, 0] {
            let batch = store.take_due(HOUR, 2, &[], later).await.unwrap();
            assert_eq!(batch.len(), expected, "{what}");
            taken.extend(batch);
        }
        let everything = DeliveryFilter::default();
        let list = store.deliveries(&everything, 10).await.unwrap();
        assert_eq!(list.len(), listed, "{what}");
        store.count_deliveries().await.unwrap();
        let attempts = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
        let attempts: Vec<_> = attempts.collect();
        assert_eq!(store.settle(&attempts, later).await.unwrap(), 4, "{what}");
        assert_eq!(
            store.forget_settled(at(2 * HOUR)).await.unwrap(),
            4,
            "{what}"
        );
    }
}

/// What is forgotten takes no other delivery of its end along, whatever else is wrong with that end.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_names_of_nothing_take_no_delivery_of_their_end_along() {
    let gone = [&[1; 16][..], b"c"].concat();
    for (name, damage, kind, value, left) in [
        (
            "a name of nothing",
            "ZADD",
            &b"g"[..],
            &[b"-5", &gone[..]][..],
            2,
        ),
        ("nobody's session", "HDEL", &END_1, &[b"s"], 1),
    ] {
        let (store, prefix) = store().await;
        let told = [client("a"), client("b")];
        store.put_in(&ended(1), &told, start()).await.unwrap();
        let taken = store.take_due(MINUTE, 1, &[], start()).await.unwrap();
        let settled = taken[0].settled(Outcome::Delivered);
        assert_eq!(store.settle(&[settled], start()).await.unwrap(), 1);
        let mut raw = behind(Redis::shared());
        let mut damage = redis::cmd(damage);
        damage.arg(key_of(&prefix, 1, kind)).arg(value);
        damage.query::<()>(&mut raw).unwrap();

        store.forget_settled(at(HOUR)).await.unwrap();
        let mut fields = redis::cmd("HLEN");
        let fields = fields.arg(key_of(&prefix, 1, &END_1));
        assert_eq!(fields.query::<i64>(&mut raw).unwrap(), left, "{name}");
    }
}

/// What the key of the first end has after its tag.
const END_1: [u8; 17] = *b"v\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";

/// A name in the sets that nothing stands behind is dropped, and one of another form too; counts that are none count as nothing.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_names_of_nothing_are_dropped() {
    let (store, prefix) = store().await;
    store
        .put_in(&ended(1), &[client("a")], start())
        .await
        .unwrap();
    let mut raw = behind(Redis::shared());
    for name in [&b"short"[..], &[7; 16], &[7; 20], b""] {
        for set in [b"w", b"g", b"a"] {
            let mut zadd = redis::cmd("ZADD");
            zadd.arg(key_of(&prefix, 1, set)).arg(-5).arg(name);
            zadd.query::<()>(&mut raw).unwrap();
        }
    }
    let counts = key_of(&prefix, 1, b"n");
    for (field, value) in [("f", "-7"), ("x", "3")] {
        let mut hset = redis::cmd("HSET");
        let set = hset.arg(&counts).arg(field).arg(value);
        set.query::<()>(&mut raw).unwrap();
    }
    let taken = store.take_due(HOUR, 2, &[], start()).await.unwrap();
    assert_eq!(taken.len(), 1);
    let everything = DeliveryFilter::default();
    assert_eq!(store.deliveries(&everything, 10).await.unwrap().len(), 1);
    let counts = store.count_deliveries().await.unwrap();
    assert_eq!((counts.pending, counts.failed), (1, 0));
    while store.forget_settled(start()).await.unwrap() > 0 {}
    let mut waiting = redis::cmd("ZCARD");
    let waiting: u64 = waiting
        .arg(key_of(&prefix, 1, b"w"))
        .query(&mut raw)
        .unwrap();
    assert_eq!(waiting, 1);
}

/// Whose memory is full takes no more in; what is there is delivered and forgotten all the same.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_full_server_still_delivers() {
    let server = Redis::start();
    let store = RedisOptions::new().connect(server.url()).await.unwrap();
    let told = [client("a"), client("b"), client("c")];
    store.put_in(&ended(1), &told, start()).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = store.put_in(&ended(2), &told, start()).await.unwrap_err();
    assert!(words(&refused).contains("OOM"), "{}", words(&refused));
    let taken = store.take_due(HOUR, 10, &[], start()).await.unwrap();
    assert_eq!(taken.len(), 3);
    let attempts = [
        taken[0].settled(Outcome::Delivered),
        taken[1].settled(Outcome::PutBack),
        taken[2].settled(Outcome::Failed {
            why: "refused".to_owned(),
            again: at(HOUR),
        }),
    ];
    assert_eq!(store.settle(&attempts, start()).await.unwrap(), 3);
    assert_eq!(store.forget_settled(at(HOUR)).await.unwrap(), 1);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.put_in(&ended(2), &told, start()).await.unwrap(), 3);
}

/// With `appendfsync always`, what was answered is there after the server was killed.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_killed_server_keeps_what_its_file_has() {
    let mut server = Redis::start_with(Persistence::Always);
    let store = RedisOptions::new().connect(server.url()).await.unwrap();
    let told = [client("a"), client("b"), client("c")];
    store.put_in(&ended(1), &told, start()).await.unwrap();
    let taken = store.take_due(HOUR, 2, &[], start()).await.unwrap();
    let settled = [taken[0].settled(Outcome::Delivered)];
    assert_eq!(store.settle(&settled, start()).await.unwrap(), 1);
    server.kill();
    assert!(store.put_in(&ended(2), &told, start()).await.is_err());
    server.start_again();
    let counts =
        crate::fixtures::eventually("the server", async || store.count_deliveries().await.ok());
    let counts = counts.await;
    assert_eq!((counts.pending, counts.delivered), (2, 1));
    let taken = store.take_due(HOUR, 10, &[], start()).await.unwrap();
    assert_eq!(taken.len(), 1, "the other is hidden still");
    assert_eq!(
        store.take_due(HOUR, 10, &[], at(HOUR)).await.unwrap().len(),
        2
    );
    assert_eq!(store.settle(&settled, start()).await.unwrap(), 0);
}

/// While a node is away, the deliveries of the others go on; what is asked of all of them fails.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_node_that_is_away_stops_only_its_own() {
    let mut cluster = Cluster::start();
    for node in cluster.nodes() {
        node.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let store = RedisOptions::new()
        .connect_cluster(cluster.urls())
        .await
        .unwrap();
    for number in 0..60 {
        store
            .put_in(&ended(number), &[client("a")], start())
            .await
            .unwrap();
    }
    cluster.stop(0);
    let mut taken = Vec::new();
    for _ in 0..20 {
        taken.extend(
            store
                .take_due(HOUR, 100, &[], start())
                .await
                .unwrap_or_default(),
        );
    }
    assert!(
        (20..60).contains(&taken.len()),
        "{} were taken",
        taken.len()
    );
    assert!(store.count_deliveries().await.is_err());
    let settled = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
    let settled: Vec<_> = settled.collect();
    assert_eq!(
        store.settle(&settled, start()).await.unwrap(),
        taken.len() as u64
    );
}

/// As the documentation says.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_user_with_the_rights_in_the_documentation_can_do_everything() {
    let docs = include_str!("../../src/store/redis/store.rs");
    let (_, rights) = docs.split_once("this is enough: `").unwrap();
    let (rights, _) = rights.split_once('`').unwrap();
    let server = Redis::start();
    let mut set = vec!["ACL", "SETUSER", "sessions", "on", ">secret"];
    set.extend(rights.split(' '));
    server.command(&set);
    let url = server.url().replace("redis://", "redis://sessions:secret@");
    let next = std::sync::atomic::AtomicUsize::new(0);
    outbox::run(async || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let options = RedisOptions::new().key_prefix(format!("aus:{number}"));
        options.connect(&url).await.unwrap()
    })
    .await;
    let refused = server.command(&["ACL", "LOG"]);
    assert_eq!(refused, "", "commands were refused");
}

/// Longer than in the suite, with other seeds.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_histories_are_answered_as_by_the_store_in_memory() {
    for seed in 100..106 {
        live_through(on_one_server().await, seed, 300).await;
        live_through(on_a_cluster().await, seed, 150).await;
    }
}

/// What a delivery costs; the documentation of the store says so.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn o6_a_delivery_takes_as_much_memory_as_the_documentation_says() {
    let server = Redis::start();
    let store = RedisOptions::new().connect(server.url()).await.unwrap();
    store.count_deliveries().await.unwrap();
    let used = || -> f64 {
        let info = server.command(&["INFO", "memory"]);
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().trim().parse().unwrap()
    };
    let subject = "0123456789abcdef0123456789abcdef0123";
    for (clients, most) in [(1, 800.0), (2, 700.0), (10, 600.0)] {
        server.command(&["FLUSHALL"]);
        let before = used();
        let told: Vec<_> = (0..clients)
            .map(|number| client(&format!("client-number-{number:06}")))
            .collect();
        let ends = 20_000 / clients;
        for number in 0..ends {
            let mut event = [0; EventId::LEN];
            event[..8].copy_from_slice(
                &(number as u64)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .to_be_bytes(),
            );
            let id = SessionId::parse(&format!("{number:032}")).unwrap();
            let ended = Ended::new(
                EventId::new(event),
                subject,
                id,
                EndReason::SignOut,
                start(),
            );
            store.put_in(&ended, &told, start()).await.unwrap();
        }
        let each = (used() - before) / 20_000.0;
        println!("{clients} clients: {each:.0} bytes a delivery");
        assert!(each < most, "{clients} clients: {each:.0} bytes");
    }
}
