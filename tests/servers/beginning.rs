//! How a server begins: with its program, and on a port that is free.

use std::{
    ffi::OsString,
    net::{SocketAddr, TcpListener, TcpStream},
    panic::catch_unwind,
    path::Path,
    sync::Mutex,
    thread::{self, sleep},
    time::Duration,
};

use crate::servers::{
    Kind, Persistence, Port, PostgresKind, Redis, RedisKind, Server, User, program,
};

#[test]
fn a_missing_program_is_named_with_what_installs_it() {
    let panic = catch_unwind(|| program("no-such-server", "its-package")).unwrap_err();
    let message = panic.downcast::<String>().unwrap();
    for part in ["`no-such-server`", "`its-package`", "`bash tests/run.sh`"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_port_is_reserved_until_it_is_given_back() {
    let port = Port::reserve();
    let number = port.number();
    assert!(Port::try_reserve(number).is_none(), "reserved");
    drop(port);
    let listener = TcpListener::bind(("127.0.0.1", number)).unwrap();
    assert!(Port::try_reserve(number).is_none(), "in use");
    drop(listener);
    assert!(Port::try_reserve(number).is_some(), "free");
}

#[test]
#[ignore = "needs PostgreSQL and Redis: bash tests/run.sh"]
fn a_server_whose_port_has_been_taken_starts_on_another() {
    /// Takes the port of a server just before that does.
    struct Unlucky<K>(K, Mutex<Option<TcpListener>>);

    impl<K: Kind> Kind for Unlucky<K> {
        const NAME: &'static str = K::NAME;
        const STOP: &'static str = K::STOP;
        const END: &'static str = K::END;

        fn user(&self) -> Option<User> {
            self.0.user()
        }

        fn prepare(&self, folder: &Path) {
            self.0.prepare(folder);
        }

        fn command_line(&self, folder: &Path, port: u16) -> Vec<OsString> {
            let mut taken = self.1.lock().unwrap();
            if taken.is_none() {
                *taken = Some(TcpListener::bind(("127.0.0.1", port)).unwrap());
            }
            self.0.command_line(folder, port)
        }

        fn is_ready(&self, folder: &Path, address: SocketAddr, pid: u32) -> bool {
            self.0.is_ready(folder, address, pid)
        }
    }

    fn start<K: Kind>(kind: K) {
        let mut server = Server::launch(Unlucky(kind, Mutex::new(None)));
        assert!(server.is_running());
        assert!(server.log().contains("already in use"), "{}", server.log());
        TcpStream::connect(server.address()).unwrap();
    }
    start(PostgresKind::new(false));
    start(RedisKind::new(Persistence::None));
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn a_server_waits_for_its_own_port_when_it_starts_again() {
    let mut server = Redis::start();
    let address = server.address();
    server.stop();
    let listener = TcpListener::bind(address).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            sleep(Duration::from_millis(300));
            drop(listener);
        });
        server.start_again();
    });
    assert_eq!(server.address(), address);
    assert_eq!(server.command(&["PING"]), "PONG");
}
