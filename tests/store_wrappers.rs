//! The stores of the feature `testing` that count, and that fail.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::EndReason,
    error::StoreError,
    id::{ClientId, SessionId},
    store::{
        Continuity, Created, Device, End, Filter, Loaded, MemoryStore, Part, Query, Record,
        RecordKey, Selection, SessionStore, Touch, Update,
    },
    testing::{Counter, Fault, Faults, Intercepted, Interceptor, Operation},
};
use tokio::time::{Instant, timeout};

const NOW: SystemTime = UNIX_EPOCH;
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn each_operation_is_told_as_itself() {
    #[derive(Default)]
    struct Order(Mutex<Vec<(&'static str, Operation)>>);

    impl Interceptor for Order {
        async fn before(&self, operation: Operation) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(("before", operation));
            Ok(())
        }

        async fn after(&self, operation: Operation) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(("after", operation));
            Ok(())
        }
    }

    let order = Arc::new(Order::default());
    let store = Intercepted::new(MemoryStore::new(10), order.clone());
    ask_for_everything(&store).await.unwrap();

    let told = Operation::ALL.iter();
    let told = told.flat_map(|operation| [("before", *operation), ("after", *operation)]);
    assert_eq!(*order.0.lock().unwrap(), Vec::from_iter(told));
    assert!(
        store.searches_within_names(),
        "it offers what the store does"
    );
}

#[tokio::test]
async fn a_counter_counts_each_operation() {
    let counter = Counter::new();
    let store = counter.around(MemoryStore::new(10));
    ask_for_everything(&store).await.unwrap();
    for operation in Operation::ALL {
        assert_eq!(counter.count(*operation), 1, "{operation}");
    }
    assert_eq!(counter.total(), 16);

    counter.reset();
    store.load(&key(1), None, NOW).await.unwrap();
    assert_eq!(format!("{counter:?}"), "{Load: 1}");
    store.inner().load(&key(1), None, NOW).await.unwrap();
    assert_eq!(counter.total(), 1, "the store behind is not watched");
}

#[tokio::test]
async fn a_refused_operation_does_not_happen() {
    let (store, faults) = store_with(Fault::refuse().on(Operation::Create));
    let create = || store.create(&RECORD, None, NOW);
    create().await.unwrap_err();
    create().await.unwrap_err();
    assert_eq!(
        store.load(&key(1), None, NOW).await.unwrap(),
        Loaded::Missing
    );

    faults.clear();
    let created = Created::Created { evicted: vec![] };
    assert_eq!(create().await.unwrap(), created);
    assert_eq!(faults.hits(), 2);
}

#[tokio::test]
async fn an_operation_happens_though_its_reply_is_lost() {
    let (store, faults) = store_with(Fault::lose_reply().once());
    store.create(&RECORD, None, NOW).await.unwrap_err();
    let again = store.create(&RECORD, None, NOW).await.unwrap();
    assert_eq!(again, Created::Exists);
    assert_eq!(faults.hits(), 1);
}

#[tokio::test]
async fn a_failed_operation_has_no_reply_to_lose() {
    let inner = Faults::new();
    inner.inject(Fault::refuse());
    let outer = Faults::new();
    outer.inject(Fault::lose_reply());
    let store = outer.around(inner.around(MemoryStore::new(10)));
    store.load(&key(1), None, NOW).await.unwrap_err();
    assert_eq!((inner.hits(), outer.hits()), (1, 0));
}

#[tokio::test]
async fn faults_take_turns() {
    let (store, faults) = store_with(Fault::refuse().times(2));
    faults.inject(Fault::refuse().on(Operation::Load).once());
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(store.load(&key(1), None, NOW).await.is_ok());
    }
    assert_eq!(outcomes, [false, false, false, true]);
    assert_eq!(faults.hits(), 3);
}

#[tokio::test]
async fn every_operation_can_fail() {
    let (store, faults) = store_with(Fault::refuse());
    ask_for_everything(&store).await.unwrap_err();
    assert_eq!(faults.hits(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_in_time_has_done_nothing() {
    let (store, _faults) = store_with(Fault::delay(HOUR).on(Operation::Create));
    let create = store.create(&RECORD, None, NOW);
    timeout(HOUR / 2, create).await.unwrap_err();
    assert_eq!(
        store.load(&key(1), None, NOW).await.unwrap(),
        Loaded::Missing
    );

    let began = Instant::now();
    store.create(&RECORD, None, NOW).await.unwrap();
    assert!(began.elapsed() >= HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_on_a_reply_has_done_it() {
    let (store, _faults) = store_with(Fault::delay_reply(HOUR).on(Operation::Create));
    let create = store.create(&RECORD, None, NOW);
    timeout(HOUR / 2, create).await.unwrap_err();
    let loaded = store.load(&key(1), None, NOW).await.unwrap();
    assert!(matches!(loaded, Loaded::Found(_)));
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_delayed_before_it_fails() {
    let (store, faults) = store_with(Fault::refuse());
    faults.inject(Fault::delay(HOUR));
    faults.inject(Fault::delay(HOUR));
    let began = Instant::now();
    store.load(&key(1), None, NOW).await.unwrap_err();
    assert!(began.elapsed() >= 2 * HOUR);
    assert_eq!(faults.hits(), 3);
}

fn store_with(fault: Fault) -> (Intercepted<MemoryStore, Faults>, Faults) {
    let faults = Faults::new();
    faults.inject(fault);
    (faults.around(MemoryStore::new(10)), faults)
}

/// Asks a store for each operation once, in the order of the trait, and gives the last of the errors.
async fn ask_for_everything(store: &impl SessionStore) -> Result<(), StoreError> {
    let client = ClientId::parse("client1").unwrap();
    let touch = Touch {
        every: HOUR,
        expires: NOW + HOUR,
    };
    let update = Update {
        ticket: vec![],
        display_name: None,
    };
    let filter = Filter::subject("alice").unwrap();
    let query = Query {
        selection: Selection::Everyone,
        part: Part::Newest,
        limit: 1,
    };
    let end = End::because(EndReason::SignOut);
    let mut next = RECORD.clone();
    next.key = key(2);
    let same = Continuity::SameSession;
    let everyone = Selection::Everyone;
    let outcomes = [
        store.create(&RECORD, None, NOW).await.err(),
        store.load(&key(1), None, NOW).await.err(),
        store.update(&key(1), &update, 1, NOW).await.err(),
        store.touch(&key(1), touch, NOW).await.err(),
        store.add_client(&key(1), &client, NOW).await.err(),
        store.remove_client(&key(1), &client, NOW).await.err(),
        store.replace(&key(1), &next, same, None, NOW).await.err(),
        store.delete(&key(2), end, NOW).await.err(),
        store.find(&filter, 1, NOW).await.err(),
        store.query(&query, NOW).await.err(),
        store.count(&everyone, NOW).await.err(),
        store
            .delete_matching(&everyone, EndReason::Revoked, 1, NOW)
            .await
            .err(),
        store.take_expired(1, NOW).await.err(),
        store.take_ended(HOUR, 1, NOW).await.err(),
        store.acknowledge(&[]).await.err(),
        store.purge(NOW, NOW).await.err(),
    ];
    match outcomes.into_iter().flatten().last() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn key(number: u8) -> RecordKey {
    RecordKey::of_subject([number; RecordKey::LEN], "alice")
}

static RECORD: LazyLock<Record> = LazyLock::new(|| Record {
    key: key(1),
    subject: "alice".to_owned(),
    session_id: SessionId::parse("s").unwrap(),
    display_name: None,
    created: NOW,
    renewed: NOW,
    expires: NOW + HOUR,
    clients: vec![],
    ticket: vec![],
    version: 1,
    device: Device::new(),
});
