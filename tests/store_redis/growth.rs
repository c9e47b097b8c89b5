//! What sessions cost: memory, and time as they grow in number.
//!
//! As a test, with few of them, it shows that this can be told. To be told it:
//!
//! ```text
//! SESSIONS=10000,1000000 cargo test --release --all-features --test store_redis -- --include-ignored --nocapture what_sessions_cost
//! ```

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::EndReason,
    id::{ClientId, SessionId},
    store::{
        Device, Filter, Loaded, Part, Position, Query, Record, RecordKey, RedisStore, Selection,
        SessionStore, Touch,
    },
};
use tokio::task::JoinSet;

use crate::{fixtures::fresh, servers::Redis};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn what_sessions_cost() {
    let sizes = std::env::var("SESSIONS").unwrap_or("1000".to_owned());
    for size in sizes.split(',') {
        let server = Redis::start();
        let client = redis::Client::open(server.url()).unwrap();
        let mut raw = client.get_connection().unwrap();
        let store = fresh().connect(server.url()).await.unwrap();
        let size: u64 = size.parse().unwrap();
        let empty = used_memory(&mut raw);
        let began = Instant::now();
        fill(&store, 0..size).await;
        let rate = size as f64 / began.elapsed().as_secs_f64();
        let bytes = (used_memory(&mut raw) - empty) / size;
        println!("{size} sessions: {bytes} bytes each, created {rate:.0} a second");
        by_kind(&mut raw, size);
        measure(&store, size).await;
    }
}

/// Which kinds of keys the memory goes to; see the documentation of the store.
fn by_kind(raw: &mut redis::Connection, size: u64) {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for key in keys(raw) {
        let after_tag = key.iter().position(|it| *it == b'}').unwrap() + 1;
        let kind = match key.get(after_tag) {
            Some(kind) => char::from(*kind).to_string(),
            None => String::from_utf8(key.clone()).unwrap(),
        };
        let kind = kind.trim_end_matches(|it: char| it.is_ascii_digit() || it == '}');
        let usage = redis::cmd("MEMORY")
            .arg("USAGE")
            .arg(&key)
            .arg("SAMPLES")
            .arg(0)
            .take();
        *sums.entry(kind.to_owned()).or_default() += usage.query::<u64>(raw).unwrap();
    }
    for (kind, bytes) in sums {
        println!("    {kind}: {} bytes", bytes / size);
    }
}

fn keys(raw: &mut redis::Connection) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut cursor = 0;
    loop {
        let scan = redis::cmd("SCAN").arg(cursor).arg("COUNT").arg(1000).take();
        let (next, some): (u64, Vec<Vec<u8>>) = scan.query(raw).unwrap();
        keys.extend(some);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

async fn measure(store: &RedisStore, size: u64) {
    let now = at(size);
    let some = |number: u64| number * 7919 % size;
    timed("load", 2000, async |number| {
        let record = record(some(number));
        let loaded = store.load(&record.key, None, now).await.unwrap();
        assert!(matches!(loaded, Loaded::Found(_)));
    })
    .await;
    timed("load with a touch that is due", 2000, async |number| {
        let record = record(some(number));
        let touch = Touch {
            every: Duration::ZERO,
            expires: record.expires,
        };
        let loaded = store.load(&record.key, Some(touch), now).await.unwrap();
        assert!(matches!(loaded, Loaded::Found(_)));
    })
    .await;
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..64 {
        let store = store.clone();
        lanes.spawn(async move {
            for number in 0..250 {
                let record = record((number * 64 + lane) * 7919 % size);
                store.load(&record.key, None, now).await.unwrap();
            }
        });
    }
    lanes.join_all().await;
    let rate = 16_000.0 / began.elapsed().as_secs_f64();
    println!("    loads, 64 at once: {rate:.0} a second");
    for (what, selection) in [
        ("page of 25, everyone", Selection::Everyone),
        (
            "page of 25, a rare name",
            named(&format!("user {}", size / 2)),
        ),
        ("page of 25, one name in ten", named("user 1")),
        ("page of 25, every name", named("u")),
    ] {
        timed(what, 50, async |_| {
            let mut query = Query {
                selection: selection.clone(),
                part: Part::Newest,
                limit: 25,
            };
            let page = store.query(&query, now).await.unwrap();
            if let (25, Some(last)) = (page.len(), page.last()) {
                query.part = Part::OlderThan(Position::of(last));
                store.query(&query, now).await.unwrap();
            }
        })
        .await;
    }
    timed("find by session id", 1000, async |number| {
        let filter = Filter::session_id(record(some(number)).session_id);
        assert_eq!(store.find(&filter, 1, now).await.unwrap().len(), 1);
    })
    .await;
    timed("count everyone", 50, async |_| {
        assert_eq!(store.count(&Selection::Everyone, now).await.unwrap(), size);
    })
    .await;
    timed("revoke by subject", 500, async |number| {
        let subject = record(some(number)).subject;
        let filter = Selection::from(Filter::subject(subject).unwrap());
        let revoked = store.delete_matching(&filter, EndReason::Revoked, 100, now);
        assert_eq!(revoked.await.unwrap(), 1);
    })
    .await;
    timed("take 100 ends", 1, async |_| {
        let taken = store.take_ended(Duration::from_secs(60), 100, now).await;
        assert_eq!(taken.unwrap().len(), 100);
    })
    .await;
    timed("take ends when all are taken", 50, async |_| {
        let lease = Duration::from_secs(60);
        store.take_ended(lease, 1000, now).await.unwrap();
    })
    .await;
    timed("clean-up, nothing to do", 50, async |_| {
        assert!(store.take_expired(100, now).await.unwrap().is_empty());
    })
    .await;
    let later = record(0).expires + Duration::from_millis(1000);
    timed("clean-up of 100", 5, async |_| {
        assert_eq!(store.take_expired(100, later).await.unwrap().len(), 100);
    })
    .await;
    timed("purge", 3, async |_| {
        store.purge(UNIX_EPOCH, now).await.unwrap();
    })
    .await;
}

async fn timed(what: &str, times: u64, mut task: impl AsyncFnMut(u64)) {
    let mut took = Vec::new();
    for number in 0..times {
        let began = Instant::now();
        task(number).await;
        took.push(began.elapsed());
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_micros();
    println!("    {what}: median {} us, p99 {} us", at(0.5), at(0.99));
}

async fn fill(store: &RedisStore, numbers: std::ops::Range<u64>) {
    let mut tasks = JoinSet::new();
    for lane in 0..64 {
        let (store, numbers) = (store.clone(), numbers.clone());
        tasks.spawn(async move {
            for number in numbers.skip(lane).step_by(64) {
                let record = record(number);
                store.create(&record, None, record.created).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// A session of a usual size: a ticket of 600 bytes, a name, two clients, no device.
fn record(number: u64) -> Record {
    let subject = format!("00000000-0000-4000-8000-{number:012}");
    let mut digest = [0; RecordKey::LEN];
    for (at, chunk) in digest.chunks_mut(8).enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 + 2 * at as u64);
        chunk.copy_from_slice(&mixed.to_be_bytes());
    }
    let id: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Record {
        key: RecordKey::of_subject(digest, &subject),
        session_id: SessionId::parse(&id).unwrap(),
        display_name: Some(format!("User {number} of many")),
        created: at(number),
        renewed: at(number),
        expires: at(number) + Duration::from_secs(36_000),
        clients: ["client1", "client2"]
            .map(|it| ClientId::parse(it).unwrap())
            .to_vec(),
        ticket: digest.iter().copied().cycle().take(600).collect(),
        version: 1,
        device: Device::new(),
        subject,
    }
}

fn named(text: &str) -> Selection {
    Filter::name_begins_with(text).unwrap().into()
}

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_800_000_000_000 + millis)
}

fn used_memory(raw: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("memory").query(raw).unwrap();
    let line = info.lines().find_map(|it| it.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}
