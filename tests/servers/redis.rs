//! Redis: settings, and what is kept.

use std::net::TcpStream;

use crate::servers::{Persistence, Redis};

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn redis_keeps_what_it_is_told_to() {
    let stop = Redis::stop as fn(&mut Redis);
    for (name, persistence, sync, end, kept) in [
        ("none, stopped", Persistence::None, "no", stop, ""),
        ("none, killed", Persistence::None, "no", Redis::kill, ""),
        (
            "stopped",
            Persistence::EverySecond,
            "everysec",
            stop,
            "value",
        ),
        (
            "always, stopped",
            Persistence::Always,
            "always",
            stop,
            "value",
        ),
        (
            "always, killed",
            Persistence::Always,
            "always",
            Redis::kill,
            "value",
        ),
    ] {
        let mut server = Redis::start_with(persistence);
        let url = server.url();
        let setting = server.command(&["CONFIG", "GET", "appendfsync"]);
        assert_eq!(setting, format!("appendfsync\n{sync}"), "{name}");
        server.command(&["SET", "key", "value"]);
        end(&mut server);
        assert!(!server.is_running(), "{name}");
        assert!(TcpStream::connect(server.address()).is_err(), "{name}");

        server.start_again();
        assert!(server.is_running(), "{name}");
        assert_eq!(server.url(), url, "{name}");
        assert_eq!(server.command(&["GET", "key"]), kept, "{name}");
    }
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn redis_evicts_nothing_unless_it_is_told_to() {
    let evicting = Redis::start_evicting("allkeys-lru");
    for (server, policy) in [(Redis::shared(), "noeviction"), (&evicting, "allkeys-lru")] {
        let setting = server.command(&["CONFIG", "GET", "maxmemory-policy"]);
        assert_eq!(setting, format!("maxmemory-policy\n{policy}"));
    }
    let complaint = evicting.try_command(&["GET"]).unwrap_err();
    assert!(complaint.contains("wrong number"), "{complaint}");
}
