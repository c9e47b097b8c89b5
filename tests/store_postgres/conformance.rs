//! The contract, on two nodes at once: one with connections of its own, and one with a pool of the host's.

use axum_user_session::{
    outbox_conformance,
    store::PostgresStore,
    store_conformance,
    testing::conformance::{Nodes, one_order::find_orders},
};

use crate::support::{fresh_options, hosts_pool, shared_url};

store_conformance! {
    #[ignore = "needs PostgreSQL: bash tests/run.sh"]
    two_nodes()
}

/// The same for its outbox.
mod outbox {
    use super::*;

    outbox_conformance! {
        #[ignore = "needs PostgreSQL: bash tests/run.sh"]
        two_nodes()
    }
}

async fn two_nodes() -> Nodes<PostgresStore> {
    let options = fresh_options();
    let own = options.clone().connect(&shared_url()).await.unwrap();
    own.migrate().await.unwrap();
    let hosts = options.pool(hosts_pool(&shared_url(), 4).await);
    Nodes::new([own, hosts])
}

/// The suite looks at one choice of operations at once; here are more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn operations_at_once_have_one_order_whatever_they_are() {
    for seed in 2..10 {
        find_orders(two_nodes().await, seed, 30).await;
    }
}
