//! The suite for all stores, over one server, over a cluster, and over several handles to each.

use axum_user_session::{store::RedisStore, testing::conformance::history};

use crate::{
    fixtures::{fresh, on_a_cluster, on_one_server},
    servers::Cluster,
};

mod one_server {
    use axum_user_session::store_conformance;

    store_conformance! {
        #[ignore = "needs Redis: bash tests/run.sh"]
        super::on_one_server()
    }
}

mod cluster {
    use axum_user_session::store_conformance;

    store_conformance! {
        #[ignore = "needs Redis: bash tests/run.sh"]
        super::on_a_cluster()
    }
}

mod nodes {
    use axum_user_session::{store_conformance, testing::conformance::Nodes};

    use super::*;

    pub(super) async fn two_handles() -> Nodes<RedisStore> {
        let urls = Cluster::shared().urls();
        let options = fresh();
        let mut handles = Vec::new();
        for _ in 0..2 {
            let handle = options.clone().connect_cluster(&urls).await;
            handles.push(handle.expect("a cluster of our own is fit"));
        }
        Nodes::new(handles)
    }

    store_conformance! {
        #[ignore = "needs Redis: bash tests/run.sh"]
        two_handles()
    }
}

/// The same for its outbox.
mod outbox {
    mod one_server {
        use axum_user_session::outbox_conformance;

        outbox_conformance! {
            #[ignore = "needs Redis: bash tests/run.sh"]
            super::super::on_one_server()
        }
    }

    mod nodes_of_a_cluster {
        use axum_user_session::outbox_conformance;

        outbox_conformance! {
            #[ignore = "needs Redis: bash tests/run.sh"]
            super::super::nodes::two_handles()
        }
    }
}

/// Longer than in the suite, with other seeds.
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn promise_1_histories_are_answered_as_by_a_plain_store() {
    for seed in 100..108 {
        history::live_through(on_one_server().await, seed, 500).await;
        history::live_through(on_a_cluster().await, seed, 200).await;
    }
}
