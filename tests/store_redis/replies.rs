//! Replies that are lost, and replies that nobody waits for any more.

use std::time::Duration;

use axum_user_session::{
    ended::EndReason,
    error::StoreError,
    store::{
        ClientAdded, Continuity, Created, End, Loaded, Record, Replaced, Selection, SessionStore,
    },
};
use tokio::task::JoinSet;

use crate::{
    fixtures::{MINUTE, client, found, fresh, on, put, record, sign_out, start, successor, words},
    servers::{Cluster, Proxy, Redis},
};

/// The write took effect and the answer is lost: the caller is told that nobody knows, asks once more, and does no harm.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn promise_6_a_reply_that_is_lost_is_an_error_and_can_be_asked_for_again() {
    let server = Redis::start();
    let proxy = Proxy::to(server.address());
    let store = fresh()
        .connect(Redis::url_through(proxy.address()))
        .await
        .unwrap();
    let lose = async || {
        // So that the next request goes out on a connection that is there.
        store.count(&Selection::Everyone, start()).await.unwrap();
        proxy.lose_next_reply();
    };
    let unknown = |result: Option<StoreError>| {
        let error = result.expect("the reply was lost");
        assert!(words(&error).contains("connection"), "{}", words(&error));
    };
    let [one, two] = [1, 2].map(|number| record("alice", number));

    // With a source it may be another request whose reply is lost, so the scripts are there already.
    put(&store, &record("bob", 1)).await;
    store
        .replace(
            &record("bob", 1).key,
            &successor(&record("bob", 1), 2),
            Continuity::SameSession,
            None,
            start(),
        )
        .await
        .unwrap();
    sign_out(&store, &{
        let mut it = record("bob", 2);
        it.session_id = record("bob", 1).session_id;
        it
    })
    .await;
    store
        .add_client(&record("bob", 2).key, &client("c"), start())
        .await
        .unwrap();
    store.take_ended(MINUTE, 9, start()).await.unwrap();

    lose().await;
    unknown(store.create(&one, None, start()).await.err());
    assert_eq!(
        store.create(&one, None, start()).await.unwrap(),
        Created::Exists
    );
    assert_eq!(found(&store, &one).await, one);

    lose().await;
    unknown(
        store
            .add_client(&one.key, &client("late"), start())
            .await
            .err(),
    );
    assert_eq!(
        store
            .add_client(&one.key, &client("late"), start())
            .await
            .unwrap(),
        ClientAdded::Known
    );

    let next = Record {
        session_id: one.session_id,
        ..two
    };
    lose().await;
    let replace = || store.replace(&one.key, &next, Continuity::SameSession, None, start());
    unknown(replace().await.err());
    let clients = vec![client("first"), client("late")];
    assert_eq!(
        replace().await.unwrap(),
        Replaced::Replaced {
            created: start(),
            clients,
            ended: vec![]
        }
    );

    lose().await;
    let delete = || store.delete(&next.key, End::because(EndReason::SignOut), start());
    unknown(delete().await.err());
    assert_eq!(delete().await.unwrap(), None);
    // What the lost reply told is in the log.
    let taken = store.take_ended(MINUTE, 9, start()).await.unwrap();
    let ended = taken.iter().filter(|taken| taken.ended.subject == "alice");
    assert_eq!(ended.count(), 1);
    assert!(proxy.lost_replies() == 4);
}

/// Replies belong to their requests, whoever stops waiting for theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_cancelled_request_mixes_up_no_replies() {
    let cluster = fresh()
        .connect_cluster(Cluster::shared().urls())
        .await
        .unwrap();
    for store in [on(Redis::shared()).await, cluster] {
        for number in 0..50 {
            put(&store, &record(&format!("user{number}"), number)).await;
        }
        let mut tasks = JoinSet::new();
        for lane in 0..16_u64 {
            let store = store.clone();
            tasks.spawn(async move {
                for round in 0..400 {
                    let number = (lane * 7 + round * 13) % 50;
                    let wanted = record(&format!("user{number}"), number);
                    let patience = Duration::from_micros(round * 37 % 700);
                    let load = store.load(&wanted.key, None, start());
                    if let Ok(loaded) = tokio::time::timeout(patience, load).await {
                        assert_eq!(loaded.unwrap(), Loaded::Found(Box::new(wanted)));
                    }
                }
            });
        }
        tasks.join_all().await;
    }
}
