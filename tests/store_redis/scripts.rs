//! Scripts, which a server may forget at any time.

use std::time::Duration;

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, Filter, Loaded, RedisStore, Replaced, SessionStore, Touch, Update,
    },
};

use crate::{
    fixtures::{
        HOUR, MINUTE, at, behind, client, fresh, on, put, record, sign_out, start, successor,
    },
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

/// What the server has run says how a session was read.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s7_reading_is_a_script_only_when_a_sign_of_life_may_be_due() {
    let server = Redis::start();
    let node = fresh();
    let store = node.clone().connect(server.url()).await.unwrap();
    let other_node = node.connect(server.url()).await.unwrap();
    let mut raw = behind(&server);
    let mut scripts = || {
        let info = redis::cmd("INFO").arg("commandstats").query(&mut raw);
        let info: String = info.unwrap();
        let runs = info.lines().filter(|line| line.contains("cmdstat_eval"));
        let runs = runs.map(|line| {
            let count = line.split(['=', ',']).nth(1).unwrap();
            count.parse::<u64>().unwrap()
        });
        runs.sum::<u64>()
    };
    let one = record("alice", 1);
    put(&store, &one).await;
    let load = async |store: &RedisStore, after| {
        let touch = Touch {
            every: MINUTE,
            expires: at(after + HOUR),
        };
        let loaded = store.load(&one.key, Some(touch), at(after)).await.unwrap();
        match loaded {
            Loaded::Found(record) => record.renewed,
            other => panic!("{other:?}"),
        }
    };
    let second = Duration::from_secs(1);
    // This one knows nothing yet, and makes the server know the script.
    assert_eq!(load(&store, second).await, start());
    for (name, after, renewed, is_script) in [
        ("seen before, not due", 2 * second, start(), false),
        ("due", MINUTE, at(MINUTE), true),
        ("just noted", MINUTE + second, at(MINUTE), false),
        ("not due for long", 2 * MINUTE - second, at(MINUTE), false),
        ("due again", 2 * MINUTE, at(2 * MINUTE), true),
    ] {
        let before = scripts();
        assert_eq!(load(&store, after).await, renewed, "{name}");
        assert_eq!(scripts() - before, u64::from(is_script), "{name}");
    }
    // A sign that another node has noted is seen with the next look, and asked for until then.
    let before = scripts();
    assert_eq!(load(&other_node, 3 * MINUTE).await, at(3 * MINUTE));
    assert_eq!(load(&store, 3 * MINUTE + second).await, at(3 * MINUTE));
    assert_eq!(load(&store, 4 * MINUTE - second).await, at(3 * MINUTE));
    assert_eq!(scripts() - before, 2);
}
