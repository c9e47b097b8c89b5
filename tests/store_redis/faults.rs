//! Servers that stop, crash, hang and run out of memory, and a store that gets over it by itself.

use std::time::{Duration, Instant};

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, Created, Loaded, Replaced, Selection, SessionStore, Touch, Update,
    },
};
use tokio::task::JoinSet;

use crate::{
    fixtures::{
        HOUR, MINUTE, at, client, eventually, found, fresh, newest, on, put, record, sign_out,
        start, successor, words,
    },
    servers::{Persistence, Proxy, Redis},
};

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_server_that_comes_back_has_everything() {
    for end in [Redis::stop as fn(&mut Redis), Redis::kill] {
        let mut server = Redis::start_with(Persistence::Always);
        let store = on(&server).await;
        let [kept, over, replaced] = [1, 2, 3].map(|number| record("alice", number));
        for record in [&kept, &over, &replaced] {
            put(&store, record).await;
        }
        sign_out(&store, &over).await;
        let next = successor(&replaced, 4);
        let same = Continuity::SameSession;
        store
            .replace(&replaced.key, &next, same, None, start())
            .await
            .unwrap();

        end(&mut server);
        let began = Instant::now();
        for _ in 0..20 {
            assert!(store.load(&kept.key, None, start()).await.is_err());
        }
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
        server.start_again();

        // The connection is known to be lost, so there is not one error more.
        assert_eq!(found(&store, &kept).await, kept);
        for record in [&over, &replaced] {
            let loaded = store.load(&record.key, None, start()).await.unwrap();
            assert_eq!(loaded, Loaded::Gone);
        }
        let list = store
            .query(&newest(Selection::Everyone, 9), start())
            .await
            .unwrap();
        assert_eq!(list.len(), 2);
        let taken = store.take_ended(MINUTE, 9, start()).await.unwrap();
        assert_eq!(taken[0].ended, over.ended(EndReason::SignOut, start()));
        let added = store
            .add_client(&replaced.key, &client("late"), start())
            .await
            .unwrap();
        assert_eq!(added, ClientAdded::Added);
    }
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_connection_that_is_cut_costs_one_error_at_most() {
    let server = Redis::start();
    let store = on(&server).await;
    put(&store, &record("alice", 1)).await;
    for _ in 0..10 {
        server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        let mut errors = 0;
        while store
            .load(&record("alice", 1).key, None, start())
            .await
            .is_err()
        {
            errors += 1;
        }
        assert!(errors <= 1, "{errors}");
    }
}

/// Of whatever makes connecting fail: the client's own manager would stay with it for ever.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_server_that_refuses_to_be_connected_to_is_tried_again() {
    let server = Redis::start();
    server.command(&["CONFIG", "SET", "requirepass", "one"]);
    let mut raw = redis::Client::open(server.url().replace("redis://", "redis://:one@"))
        .and_then(|client| client.get_connection())
        .unwrap();
    let mut require = |password: &str| {
        let set = redis::cmd("CONFIG")
            .arg("SET")
            .arg("requirepass")
            .arg(password)
            .take();
        set.query::<()>(&mut raw).unwrap();
    };
    let url = server.url().replace("redis://", "redis://:one@");
    let store = fresh().connect(url).await.unwrap();
    put(&store, &record("alice", 1)).await;
    require("another");
    let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
    let admin = redis::Client::open(server.url().replace("redis://", "redis://:another@"));
    let mut admin = admin.unwrap().get_connection().unwrap();
    let mut cut = redis::Cmd::new();
    kill.iter().for_each(|word| {
        cut.arg(*word);
    });
    cut.query::<i64>(&mut admin).unwrap();
    for _ in 0..3 {
        let refused = store
            .load(&record("alice", 1).key, None, start())
            .await
            .unwrap_err();
        assert!(!words(&refused).contains("one"), "{}", words(&refused));
    }
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("requirepass")
        .arg("one")
        .query::<()>(&mut admin)
        .unwrap();
    assert_eq!(found(&store, &record("alice", 1)).await, record("alice", 1));
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_server_that_hangs_holds_nobody_up_for_longer_than_the_limit() {
    let server = Redis::start();
    let limit = Duration::from_millis(200);
    let store = fresh()
        .response_timeout(limit)
        .connect_timeout(limit)
        .connect(server.url());
    let store = store.await.unwrap();
    put(&store, &record("alice", 1)).await;
    let signal = |name: &str| {
        let mut kill = std::process::Command::new("kill");
        kill.args(["-s", name, &server.pid().to_string()]);
        assert!(kill.status().unwrap().success());
    };
    signal("STOP");
    let began = Instant::now();
    let mut loads = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        loads.spawn(async move { store.load(&record("alice", 1).key, None, start()).await });
    }
    assert!(loads.join_all().await.iter().all(Result::is_err));
    assert!(began.elapsed() < 2 * limit, "{:?}", began.elapsed());
    signal("CONT");
    eventually("the server", async || {
        store
            .load(&record("alice", 1).key, None, start())
            .await
            .ok()
    })
    .await;
}

/// A server that is gone without a word: nothing comes back, not even a refusal.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_way_that_leads_nowhere_is_left() {
    let server = Redis::start();
    let proxy = Proxy::to(server.address());
    let limit = Duration::from_millis(200);
    let options = fresh().response_timeout(limit).connect_timeout(limit);
    let store = options
        .connect(Redis::url_through(proxy.address()))
        .await
        .unwrap();
    put(&store, &record("alice", 1)).await;
    let before = proxy.accepted();
    proxy.delay(Duration::from_secs(60));
    assert!(
        store
            .load(&record("alice", 1).key, None, start())
            .await
            .is_err()
    );
    assert!(
        store
            .load(&record("alice", 1).key, None, start())
            .await
            .is_err()
    );
    assert!(proxy.accepted() > before, "another connection was tried");
    proxy.delay(Duration::ZERO);
    eventually("the server", async || {
        store
            .load(&record("alice", 1).key, None, start())
            .await
            .ok()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_full_server_refuses_newcomers_and_keeps_everybody_else() {
    let server = Redis::start();
    let store = on(&server).await;
    let [one, two, three] = [1, 2, 3].map(|number| record("alice", number));
    put(&store, &one).await;
    put(&store, &two).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);

    assert_eq!(
        store.create(&three, None, start()).await.unwrap(),
        Created::Full
    );
    for continuity in [Continuity::SameSession, Continuity::NewSession] {
        let next = successor(&one, 3);
        let full = store
            .replace(&one.key, &next, continuity, None, start())
            .await;
        assert_eq!(full.unwrap(), Replaced::Full);
    }
    let update = Update {
        ticket: vec![0; 100],
        display_name: None,
    };
    assert!(store.update(&one.key, &update, 1, start()).await.is_err());
    assert!(
        store
            .add_client(&one.key, &client("late"), start())
            .await
            .is_err()
    );
    assert_eq!(found(&store, &one).await, one);
    let list = store
        .query(&newest(Selection::Everyone, 9), start())
        .await
        .unwrap();
    assert_eq!(list.len(), 2, "newcomers left nothing");

    let touch = Touch {
        every: Duration::ZERO,
        expires: at(2 * HOUR),
    };
    let loaded = store.load(&one.key, Some(touch), start()).await.unwrap();
    assert!(matches!(loaded, Loaded::Found(record) if record.expires == at(2 * HOUR)));
    sign_out(&store, &two).await;
    // The hint that this end is to be told of found no room, so only a handle that looks at all buckets finds it at once.
    let taken = store.take_ended(MINUTE, 9, start()).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        store.acknowledge(&[taken[0].ended.event_id]).await.unwrap(),
        1
    );
    let expired = store.take_expired(9, at(3 * HOUR)).await.unwrap();
    assert_eq!(expired.len(), 1);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    put(&store, &three).await;
}

/// The name of a server leads to another machine after a failover, and the old one goes on as a replica that takes no writes.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_server_that_takes_no_writes_any_more_is_looked_for_again() {
    let server = Redis::start();
    let proxy = Proxy::to(server.address());
    let store = fresh()
        .connect(Redis::url_through(proxy.address()))
        .await
        .unwrap();
    put(&store, &record("alice", 1)).await;
    let before = proxy.accepted();
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let refused = store
        .add_client(&record("alice", 1).key, &client("c"), start())
        .await
        .unwrap_err();
    assert!(words(&refused).contains("READONLY"), "{}", words(&refused));
    server.command(&["REPLICAOF", "NO", "ONE"]);
    let added = store
        .add_client(&record("alice", 1).key, &client("c"), start())
        .await
        .unwrap();
    assert_eq!(added, ClientAdded::Added);
    assert!(proxy.accepted() > before);
}
