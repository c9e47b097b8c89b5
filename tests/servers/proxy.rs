//! The proxy, in front of a server that answers every line with the same line.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use crate::servers::{Cluster, Port, Postgres, Proxy};

#[test]
fn bytes_are_carried_both_ways_and_connections_are_counted() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    assert_eq!((proxy.accepted(), proxy.open()), (0, 0));
    let mut clients = [Client::of(&proxy), Client::of(&proxy)];
    // Longer than any buffer.
    let long = "0123456789".repeat(100_000);
    for line in ["one", &long, ""] {
        for client in &mut clients {
            assert_eq!(client.ask(line).as_deref(), Some(line));
        }
    }
    assert_eq!((proxy.accepted(), proxy.open()), (2, 2));

    let [mut first, second] = clients;
    drop(second);
    wait_until("one is closed", || proxy.open() == 1);
    // Who has said the last word may still be answered.
    proxy.delay(Duration::from_millis(100));
    first.say("the last");
    first.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(first.hear().as_deref(), Some("the last"));
    assert_eq!(first.hear(), None);
    wait_until("both are closed", || proxy.open() == 0);
    assert_eq!(proxy.accepted(), 2);
}

#[test]
fn connections_are_cut() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    let mut clients = [Client::of(&proxy), Client::of(&proxy)];
    for client in &mut clients {
        assert_eq!(client.ask("line").as_deref(), Some("line"));
    }
    proxy.cut();
    assert_eq!(proxy.open(), 0);
    for client in &mut clients {
        assert_eq!(client.hear(), None);
    }
    let mut next = Client::of(&proxy);
    assert_eq!(next.ask("line").as_deref(), Some("line"));
}

#[test]
fn new_connections_are_refused_and_those_that_there_are_live_on() {
    let server = Echo::start();
    let mut proxy = Proxy::to(server.address);
    let mut old = Client::of(&proxy);
    assert_eq!(old.ask("before").as_deref(), Some("before"));
    for _ in 0..2 {
        proxy.refuse();
        let refused = TcpStream::connect(proxy.address()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(old.ask("during").as_deref(), Some("during"));

        proxy.accept();
        assert_eq!(Client::of(&proxy).ask("after").as_deref(), Some("after"));
        assert_eq!(old.ask("after").as_deref(), Some("after"));
    }
    assert_eq!(proxy.accepted(), 3);
}

#[test]
fn replies_are_delayed() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    let mut client = Client::of(&proxy);
    assert_eq!(client.ask("at once").as_deref(), Some("at once"));

    let delay = Duration::from_millis(100);
    proxy.delay(delay);
    for line in ["later", "later again"] {
        let begin = Instant::now();
        assert_eq!(client.ask(line).as_deref(), Some(line));
        assert!(begin.elapsed() >= delay);
    }

    // The test would never end, if the end of the delay were not noticed by the reply that waits.
    proxy.delay(LONG);
    client.say("much later");
    assert_eq!(server.heard("much later"), "much later");
    client.expect_silence();
    proxy.delay(Duration::ZERO);
    assert_eq!(client.hear().as_deref(), Some("much later"));
}

/// With a delay for each piece of it, this would take most of a minute.
#[test]
fn a_long_reply_is_delayed_once() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    let mut client = Client::of(&proxy);
    proxy.delay(Duration::from_millis(300));
    let long = "0123456789".repeat(1_000_000);
    let begin = Instant::now();
    assert_eq!(client.ask(&long).as_deref(), Some(&*long));
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_reply_is_lost_although_the_request_has_taken_effect() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    let mut other = Client::of(&proxy);
    assert_eq!(other.ask("before").as_deref(), Some("before"));
    for (number, name, command, harmless) in [
        (
            1,
            "the next one",
            Proxy::lose_next_reply as fn(&Proxy),
            None,
        ),
        (
            2,
            "by a part",
            |proxy| proxy.lose_reply_to("fatal"),
            Some("harmless"),
        ),
    ] {
        // A connection that there is already when the command is given.
        let mut client = Client::of(&proxy);
        assert_eq!(client.ask("before").as_deref(), Some("before"), "{name}");
        command(&proxy);
        if let Some(line) = harmless {
            assert_eq!(client.ask(line).as_deref(), Some(line), "{name}");
        }
        assert_eq!(client.ask("this is fatal"), None, "{name}");
        assert_eq!(server.heard("this is fatal"), "this is fatal", "{name}");
        assert_eq!(proxy.lost_replies(), number, "{name}");

        // Once, and for this connection.
        let mut next = Client::of(&proxy);
        for client in [&mut other, &mut next] {
            let reply = client.ask("this is fatal");
            assert_eq!(reply.as_deref(), Some("this is fatal"), "{name}");
        }
        assert_eq!(proxy.lost_replies(), number, "{name}");
    }
}

#[test]
fn a_server_that_is_away_closes_connections() {
    let away = Port::reserve();
    let proxy = Proxy::to(away.address());
    assert_eq!(Client::of(&proxy).hear(), None);
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn the_end_of_the_proxy_is_the_end_of_its_connections() {
    let server = Echo::start();
    let proxy = Proxy::to(server.address);
    let address = proxy.address();
    let mut client = Client::of(&proxy);
    assert_eq!(client.ask("before").as_deref(), Some("before"));
    drop(proxy);
    assert_eq!(client.hear(), None);
    assert!(TcpStream::connect(address).is_err());
}

/// The second one begins to answer long before it commits.
#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn a_transaction_whose_reply_is_lost_has_been_committed() {
    let server = Postgres::shared();
    let database = server.create_database().name;
    let proxy = Proxy::to(server.address());
    let url = Postgres::url_through(proxy.address(), &database);
    server.sql(&database, "CREATE TABLE kept (what text)");
    for (number, name, and_so_on) in [
        (1, "short", ""),
        (
            2,
            "long",
            "SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
        ),
    ] {
        proxy.lose_reply_to("INSERT");
        let statements = format!("INSERT INTO kept VALUES ('{name}'); {and_so_on}");
        let complaint = Postgres::try_sql_at(&url, &statements).unwrap_err();
        assert!(complaint.contains("closed the connection"), "{complaint}");
        assert_eq!(proxy.lost_replies(), number);
        let count = format!("SELECT count(*) FROM kept WHERE what = '{name}'");
        assert_eq!(
            Postgres::try_sql_at(&url, &count).as_deref(),
            Ok("1"),
            "{name}"
        );
    }
}

/// Clients go where a cluster sends them.
#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn a_cluster_sends_its_clients_through_a_proxy() {
    let cluster = Cluster::start();
    let node = cluster.node_of("key");
    let proxy = Proxy::to(cluster.nodes()[node].address());
    cluster.announce(node, proxy.address());
    let other = &cluster.nodes()[(node + 1) % 3];
    let complaint = other.try_command(&["GET", "key"]).unwrap_err();
    let there = proxy.address().to_string();
    assert!(
        complaint.contains("MOVED") && complaint.contains(&there),
        "{complaint}"
    );

    let mut client = Client::of(&proxy);
    assert_eq!(client.ask("SET key value\r").as_deref(), Some("+OK\r"));
}

/// A server that answers every line with the same line, and tells what it has heard.
struct Echo {
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, lines) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, heard) = (client.unwrap(), heard.clone());
                thread::spawn(move || {
                    for line in BufReader::new(&client).lines().map_while(Result::ok) {
                        // Nobody may want to know, or be there any more.
                        let _ = heard.send(line.clone());
                        let _ = (&client).write_all(format!("{line}\n").as_bytes());
                    }
                });
            }
        });
        Self { address, lines }
    }

    /// Waits for a line, and passes over those before.
    fn heard(&self, line: &str) -> String {
        loop {
            let next = self.lines.recv_timeout(LIMIT);
            let next = next.unwrap_or_else(|_| panic!("it has not heard {line}"));
            if next == line {
                return next;
            }
        }
    }
}

struct Client {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Client {
    fn of(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let replies = BufReader::new(stream.try_clone().unwrap());
        Self { stream, replies }
    }

    fn ask(&mut self, line: &str) -> Option<String> {
        self.say(line);
        self.hear()
    }

    fn say(&mut self, line: &str) {
        self.stream
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// The next line, or none if the connection has ended.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.replies.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches('\n').to_owned()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("nothing is heard: {error}"),
        }
    }

    fn expect_silence(&mut self) {
        let moment = Duration::from_millis(50);
        self.stream.set_read_timeout(Some(moment)).unwrap();
        let error = self.stream.read(&mut [0]).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut
        ));
        self.stream.set_read_timeout(Some(LIMIT)).unwrap();
    }
}

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is() {
        assert!(Instant::now() < deadline, "not yet: {what}");
        sleep(Duration::from_millis(5));
    }
}

const LIMIT: Duration = Duration::from_secs(30);

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);
