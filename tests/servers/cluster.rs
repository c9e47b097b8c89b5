//! Redis Cluster: whole, without one of its nodes, and whole again.

use crate::servers::{Cluster, Persistence};

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn three_masters_share_all_slots() {
    let cluster = Cluster::shared();
    assert_eq!(cluster.urls().len(), 3);
    for node in cluster.nodes() {
        let info = node.command(&["CLUSTER", "INFO"]);
        for expected in [
            "cluster_state:ok",
            "cluster_slots_ok:16384",
            "cluster_known_nodes:3",
            "cluster_size:3",
        ] {
            assert!(info.contains(expected), "{expected}:\n{info}");
        }
        assert_eq!(
            node.command(&["CONFIG", "GET", "maxmemory-policy"]),
            "maxmemory-policy\nnoeviction"
        );
    }
    let mut used = [false; 3];
    for key in ["a", "b", "c", "{session}:1", "{session}:2"] {
        let node = cluster.node_of(key);
        cluster.nodes()[node].command(&["SET", key, "value"]);
        used[node] = true;
        let elsewhere = &cluster.nodes()[(node + 1) % 3];
        let complaint = elsewhere.try_command(&["GET", key]).unwrap_err();
        assert!(complaint.contains("MOVED"), "{complaint}");
    }
    assert_eq!(used, [true; 3]);
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn a_cluster_is_whole_again_with_a_node_that_starts_again() {
    let mut cluster = Cluster::start_with(Persistence::Always);
    let (urls, key) = (cluster.urls(), "key");
    let node = cluster.node_of(key);
    let get = |cluster: &Cluster| cluster.nodes()[node].command(&["GET", key]);
    for (name, end, noticed) in [
        ("stopped", Cluster::stop as fn(&mut Cluster, usize), true),
        ("killed, but not for long", Cluster::kill, false),
    ] {
        cluster.nodes()[node].command(&["SET", key, name]);
        end(&mut cluster, node);
        assert_eq!(cluster.node_of(key), node, "{name}: others know the slot");
        if noticed {
            cluster.wait_until_down();
        }

        cluster.start_again(node);
        assert_eq!(cluster.urls(), urls, "{name}");
        assert_eq!(get(&cluster), name);
    }
}
