//! Scripts, which a server may forget at any time.

use std::time::Duration;

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, Filter, Loaded, RedisStore, Replaced, SessionStore, Touch, Update,
    },
};

use crate::{
    fixtures::{HOUR, MINUTE, at, client, fresh, on, put, record, sign_out, start, successor},
    servers::{Cluster, Redis},
};

/// Runs every script once, each after the server has forgotten all of them.
async fn run_every_script(store: &RedisStore, forget: impl Fn()) {
    let [one, two, three] = [1, 2, 3].map(|number| record("alice", number));
    let touch = Touch {
        every: Duration::ZERO,
        expires: at(2 * HOUR),
    };
    put(store, &one).await;
    forget();
    store.touch(&one.key, touch, start()).await.unwrap();
    forget();
    let loaded = store.load(&one.key, Some(touch), start()).await.unwrap();
    assert!(matches!(loaded, Loaded::Found(_)));
    forget();
    let added = store
        .add_client(&one.key, &client("second"), start())
        .await
        .unwrap();
    assert_eq!(added, ClientAdded::Added);
    forget();
    store
        .remove_client(&one.key, &client("first"), start())
        .await
        .unwrap();
    forget();
    // With another name, so that it is run twice.
    let update = Update {
        ticket: vec![2],
        display_name: Some("other".to_owned()),
    };
    store.update(&one.key, &update, 1, start()).await.unwrap();
    forget();
    let next = successor(&one, 4);
    let same = Continuity::SameSession;
    let replaced = store
        .replace(&one.key, &next, same, None, start())
        .await
        .unwrap();
    let clients = vec![client("second"), client("first")];
    assert_eq!(
        replaced,
        Replaced::Replaced {
            created: start(),
            clients,
            ended: vec![]
        }
    );
    forget();
    let new = Continuity::NewSession;
    store
        .replace(&next.key, &two, new, None, start())
        .await
        .unwrap();
    forget();
    assert_eq!(
        store
            .count(&Filter::subject("alice").unwrap().into(), start())
            .await
            .unwrap(),
        1
    );
    forget();
    put(store, &three).await;
    forget();
    sign_out(store, &three).await;
    forget();
    let filter = Filter::subject("alice").unwrap().into();
    let revoked = store
        .delete_matching(&filter, EndReason::Revoked, 10, start())
        .await;
    assert_eq!(revoked.unwrap(), 1);
    forget();
    let taken = store.take_ended(MINUTE, 10, start()).await.unwrap();
    assert_eq!(taken.len(), 3);
    forget();
    assert_eq!(
        store.acknowledge(&[taken[0].ended.event_id]).await.unwrap(),
        1
    );
    forget();
    let purged = store.purge(at(MINUTE), start()).await.unwrap();
    assert_eq!(purged.unheard_ends, 2);
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_scripts_may_be_flushed_at_any_time() {
    let server = Redis::start();
    run_every_script(&on(&server).await, || {
        server.command(&["SCRIPT", "FLUSH", "SYNC"]);
    })
    .await;
    let cluster = Cluster::start();
    let store = fresh().connect_cluster(cluster.urls()).await.unwrap();
    run_every_script(&store, || {
        for node in cluster.nodes() {
            node.command(&["SCRIPT", "FLUSH", "SYNC"]);
        }
    })
    .await;
}
