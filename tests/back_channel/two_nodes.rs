//! Several tasks on one outbox, and an outbox that fails (o6).

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum_user_session::{
    ended::Ended,
    error::StoreError,
    id::ClientId,
    store::{
        Attempt, Deliveries, Delivery, DeliveryFilter, LogoutOutbox, MemoryStore, TakenDelivery,
    },
};

use crate::fixtures::{Provider, SECOND};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o6_several_nodes_send_nothing_twice() {
    let provider = Provider::new();
    let clients: Vec<_> = (0..20).map(|number| format!("c{number}")).collect();
    let clients: Vec<_> = clients.iter().map(String::as_str).collect();
    provider.register(&clients);
    let nodes = [provider.task(), provider.task(), provider.task()];
    let nodes = nodes.map(|task| task.poll_interval(Duration::from_millis(100)).spawn());
    for number in 0..50 {
        provider.end(number, &clients).await;
    }
    provider
        .receivers
        .until("all have heard", |heard| heard.len() >= 1000)
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for node in nodes {
        node.stop().await;
    }
    let heard = provider.receivers.heard();
    let each: HashSet<_> = heard
        .iter()
        .map(|heard| (heard.client.clone(), heard.claim("sid")))
        .collect();
    assert_eq!((heard.len(), each.len()), (1000, 1000));
}

/// A memory store whose outbox fails while it is told to.
#[derive(Clone)]
struct Failing {
    store: MemoryStore,
    fails: Arc<AtomicBool>,
    fails_to_settle: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Failing {
    fn check(&self, also: bool) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.fails.load(Ordering::Relaxed) || also {
            true => Err(StoreError::new("away")),
            false => Ok(()),
        }
    }
}

impl LogoutOutbox for Failing {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        self.check(false)?;
        self.store.put_in(ended, clients, now).await
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        self.check(false)?;
        self.store.take_due(lease, max, except, now).await
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        self.check(self.fails_to_settle.load(Ordering::Relaxed))?;
        self.store.settle(attempts, now).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.store.deliveries(filter, limit).await
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        self.store.count_deliveries().await
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        self.check(false)?;
        self.store.forget_settled(before).await
    }
}

fn provider() -> (Provider, Failing) {
    let failing = Failing {
        store: MemoryStore::new(1000),
        fails: Arc::default(),
        fails_to_settle: Arc::default(),
        asked: Arc::default(),
    };
    let provider = Provider::with_outbox(failing.store.clone(), failing.clone(), |builder| builder);
    provider.register(&["a"]);
    (provider, failing)
}

#[tokio::test]
async fn o6_a_task_goes_on_when_its_outbox_is_back() {
    let (provider, failing) = provider();
    provider.end(1, &["a"]).await;
    failing.fails.store(true, Ordering::Relaxed);
    assert!(provider.task().run_once().await.is_err());
    let task = provider
        .task()
        .poll_interval(Duration::from_millis(100))
        .spawn();
    let before = failing.asked.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let asked = failing.asked.load(Ordering::Relaxed) - before;
    assert!(
        (2..=8).contains(&asked),
        "about once a second, and once more each: {asked}"
    );
    failing.fails.store(false, Ordering::Relaxed);
    provider
        .receivers
        .until("it goes on", |heard| heard.len() == 1)
        .await;
    task.stop().await;
    assert_eq!(provider.states().await, ["a delivered 1"]);
}

/// What was sent is settled when that is possible again, and not sent once more.
#[tokio::test]
async fn o6_what_could_not_be_settled_is_settled_later() {
    let (provider, failing) = provider();
    failing.fails_to_settle.store(true, Ordering::Relaxed);
    provider.end(1, &["a"]).await;
    let task = provider.task().spawn();
    provider
        .receivers
        .until("it was sent", |heard| heard.len() == 1)
        .await;
    tokio::time::sleep(SECOND).await;
    assert_eq!(provider.states().await, ["a pending 1"]);
    failing.fails_to_settle.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(provider.states().await, ["a delivered 1"]);
    task.stop().await;
    assert_eq!(provider.receivers.heard().len(), 1);
}
