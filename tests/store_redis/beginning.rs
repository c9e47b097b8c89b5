//! Which servers a store takes, and which it refuses.

use axum_user_session::store::RedisOptions;

use crate::{
    fixtures::{behind, fresh, fresh_prefix, put, record, words},
    servers::{Cluster, Redis},
};

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_server_that_evicts_is_refused() {
    let server = Redis::start_evicting("allkeys-lru");
    for options in [fresh(), fresh().accept_unchecked_eviction_policy()] {
        let refused = options.connect(server.url()).await.unwrap_err();
        assert!(
            words(&refused).contains("`allkeys-lru`"),
            "{}",
            words(&refused)
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_every_master_of_a_cluster_is_checked() {
    let cluster = Cluster::start();
    let last = cluster.nodes().last().unwrap();
    last.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    let refused = fresh()
        .connect_cluster(&cluster.urls()[..1])
        .await
        .unwrap_err();
    assert!(
        words(&refused).contains("`volatile-lru`"),
        "{}",
        words(&refused)
    );
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_a_policy_that_can_not_be_read_must_be_vouched_for() {
    let server = Redis::start();
    let user = |name: &str, rights: &[&str]| {
        let set = ["ACL", "SETUSER", name, "on", ">secret", "~*", "+@all"];
        server.command(&[&set, rights].concat());
        server
            .url()
            .replace("redis://", &format!("redis://{name}:secret@"))
    };
    let without_info = user("a", &["-info"]);
    let without_both = user("b", &["-info", "-config"]);

    fresh().connect(&without_info).await.unwrap();
    let refused = fresh().connect(&without_both).await.unwrap_err();
    assert!(
        words(&refused).contains("does not tell"),
        "{}",
        words(&refused)
    );
    let vouched = fresh().accept_unchecked_eviction_policy();
    vouched.connect(&without_both).await.unwrap();
}

/// As the documentation says.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_user_with_the_rights_in_the_documentation_can_do_everything() {
    let docs = include_str!("../../src/store/redis/store.rs");
    let (_, rights) = docs.split_once("this is enough: `").unwrap();
    let (rights, _) = rights.split_once('`').unwrap();
    let server = Redis::start();
    let mut set = vec!["ACL", "SETUSER", "sessions", "on", ">secret"];
    set.extend(rights.split(' '));
    server.command(&set);
    let url = server.url().replace("redis://", "redis://sessions:secret@");
    let next = std::sync::atomic::AtomicUsize::new(0);
    axum_user_session::testing::conformance::run(async || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let options = RedisOptions::new().key_prefix(format!("aus:{number}"));
        options.connect(&url).await.unwrap()
    })
    .await;
    let refused = server.command(&["ACL", "LOG"]);
    assert_eq!(refused, "", "commands were refused");
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s16_data_of_another_layout_is_refused() {
    let server = Redis::shared();
    let prefix = fresh_prefix();
    let connect = || {
        RedisOptions::new()
            .key_prefix(&prefix)
            .connect(server.url())
    };
    let store = connect().await.unwrap();
    put(&store, &record("alice", 1)).await;
    connect().await.unwrap();

    let meta = format!("{{{prefix}:meta}}");
    let written = server.command(&["GET", &meta]);
    assert_eq!(written, "format=1 buckets=1024");
    for other in ["format=1 buckets=512", "format=2 buckets=1024"] {
        server.command(&["SET", &meta, other]);
        let refused = connect().await.unwrap_err();
        assert!(words(&refused).contains(other), "{}", words(&refused));
        assert_eq!(
            server.command(&["GET", &meta]),
            other,
            "it is left as it is"
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn the_wrong_way_to_connect_is_told() {
    let cluster = Cluster::shared();
    let refused = fresh().connect(&cluster.urls()[0]).await.unwrap_err();
    assert!(
        words(&refused).contains("`connect_cluster`"),
        "{}",
        words(&refused)
    );
    let urls = [Redis::shared().url()];
    let refused = fresh().connect_cluster(urls).await.unwrap_err();
    assert!(words(&refused).contains("`connect`"), "{}", words(&refused));
}

#[tokio::test]
async fn nothing_tells_the_password() {
    for url in [
        "redis://:hunter2@[",
        "http://:hunter2@127.0.0.1/",
        "redis://:hunter2@127.0.0.1:1/",
    ] {
        let refused = fresh().connect(url).await.unwrap_err();
        let told = format!("{refused:?} {}", words(&refused));
        assert!(!told.contains("hunter2"), "{told}");
    }
    let refused = fresh().connect_cluster(Vec::<String>::new()).await;
    assert!(refused.is_err());
    let refused = RedisOptions::new()
        .key_prefix("a{b")
        .connect("redis://127.0.0.1:1/");
    assert!(words(&refused.await.unwrap_err()).contains("prefix"));
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn a_password_is_used_and_not_shown() {
    let mut server = Redis::start();
    server.command(&["CONFIG", "SET", "requirepass", "hunter2"]);
    assert!(fresh().connect(server.url()).await.is_err());
    let url = server.url().replace("redis://", "redis://:hunter2@");
    let store = fresh().connect(url).await.unwrap();
    put(&store, &record("alice", 1)).await;
    assert!(!format!("{store:?}").contains("hunter2"));
    let wrong = server.url().replace("redis://", "redis://:hunter3@");
    let refused = fresh().connect(wrong).await.unwrap_err();
    assert!(!format!("{refused:?} {}", words(&refused)).contains("hunter"));
    server.kill();
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn two_prefixes_on_one_server_have_nothing_in_common() {
    let server = Redis::start();
    let store = async |prefix: &str| {
        let options = RedisOptions::new().key_prefix(prefix);
        options.connect(server.url()).await.unwrap()
    };
    let [one, other] = [store("app").await, store("app:1").await];
    put(&one, &record("alice", 1)).await;
    put(&other, &record("alice", 1)).await;
    crate::fixtures::sign_out(&one, &record("alice", 1)).await;
    assert_eq!(
        crate::fixtures::found(&other, &record("alice", 1)).await,
        record("alice", 1)
    );
    let mut raw = behind(&server);
    let all: u64 = redis::cmd("DBSIZE").query(&mut raw).unwrap();
    let own = crate::fixtures::keys(&mut raw, "app:1").len();
    assert!(own > 5 && (own as u64) < all);
}
