//! The bodies of the fuzz targets, as plain functions: `fuzz/targets` feeds them from the engine, `tests/fuzz_corpus.rs` from the
//! corpus. They panic when something that must hold does not.

#![allow(
    dead_code,
    reason = "each program that includes this file uses a part of it"
)]

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::{Duration, UNIX_EPOCH},
};

use axum_core::extract::FromRequestParts;
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer,
    testing::{
        ManualClock,
        codec::{self, Sealer},
    },
    ticket::Ticket,
};
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{CACHE_CONTROL, COOKIE, SET_COOKIE},
};
use tower::{Layer, Service};

/// Sends the input as `Cookie` lines through the real layer, and gives the subject that the handler saw.
///
/// The input is the text of the header. Control bytes, which no header holds, stand for what chance does not make: a line feed for
/// the end of a `Cookie` line, [`SEALED_REST`] for the rest of the input sealed as a ticket, and the others that have a name in this file
/// for values that the layer itself has issued.
pub(crate) fn cookie_header(input: &[u8]) -> Option<String> {
    let fixture = &*FIXTURE;
    let request = Script::read(input, fixture);
    let response = fixture.send(&request.lines, Act::Look);
    let seen = response.body();

    match &seen.subject {
        None => assert_eq!(
            *seen,
            Seen::default(),
            "nobody is signed in, yet something is known"
        ),
        Some(subject) => {
            assert!(
                request.subjects.contains(subject),
                "{subject:?} had no ticket"
            );
            assert!(
                request.mentions(AUTHENTICATION),
                "{subject:?} had no cookie of the right name"
            );
        }
    }
    let set = set_cookies(response.headers());
    if !request.mentions(AUTHENTICATION) && !request.mentions(SESSION_ID) {
        assert!(set.is_empty(), "set without a cookie of ours: {set:?}");
    }
    if !set.is_empty() {
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
    response.into_body().subject
}

/// Decodes the input as a ticket's bytes, reads all of it, and says whether it was a ticket.
pub(crate) fn ticket_codec(input: &[u8]) -> bool {
    let Some(ticket) = codec::decode(input) else {
        return false;
    };
    let (principal, properties) = (ticket.principal(), ticket.properties());

    assert!(!principal.subject().is_empty());
    assert_eq!(principal.claim_str("sub"), Some(principal.subject()));
    for (name, value) in principal.claims() {
        assert_eq!(principal.claim(name), Some(value));
        let _ = principal.claim_str(name);
    }
    for name in properties.items().keys() {
        let _ = properties.item(name);
    }
    let _ = (
        properties.session_id(),
        properties.client_list(),
        properties.is_persistent(),
    );
    let _ = (
        properties.issued(),
        properties.expires(),
        properties.absolute_expires(),
    );

    let again = codec::decode(&codec::encode(&ticket)).expect("what was encoded decodes");
    assert_eq!(again, ticket);
    true
}

/// Inputs of [`cookie_header`] to begin from, by name.
pub(crate) fn cookie_header_seeds() -> BTreeMap<&'static str, Vec<u8>> {
    let fixture = &*FIXTURE;
    let literal = |name: &str, value: u8| {
        let text = &fixture.issued[&value].text;
        format!("{name}={text}").into_bytes()
    };
    let sealed_rest = |name: u8| {
        let plain = fixture
            .sealer
            .open(&fixture.issued[&name].text)
            .expect("one piece");
        [b"__Host-idsrv=", &[SEALED_REST][..], &plain].concat()
    };
    BTreeMap::from([
        ("nothing", Vec::new()),
        (
            "only_others",
            b"theme=dark; lang=en; __Host-other=1; idsrv=x; a".to_vec(),
        ),
        (
            "other_is_not_utf8",
            with(b"a=\xFF\xFE; __Host-idsrv=@; b=\x80", &[ALICE]),
        ),
        (
            "name_percent_encoded",
            with(b"%5F%5FHost-idsrv=@", &[ALICE]),
        ),
        (
            "name_after_no_break_space",
            with(b"\xC2\xA0__Host-idsrv=@", &[ALICE]),
        ),
        (
            "forged",
            b"__Host-idsrv=AQ; idsrv.session=0123456789ABCDEF0123456789ABCDEF".to_vec(),
        ),
        ("alice", literal(AUTHENTICATION, ALICE)),
        (
            "alice_at_home",
            with(
                b"a=b; __Host-idsrv=@; idsrv.session=@",
                &[ALICE, ALICE_SESSION_ID],
            ),
        ),
        (
            "session_id_alone",
            with(b"idsrv.session=@", &[ALICE_SESSION_ID]),
        ),
        (
            "session_id_of_another",
            with(b"__Host-idsrv=@; idsrv.session=@", &[BOB, ALICE_SESSION_ID]),
        ),
        ("due_for_renewal", with(b"__Host-idsrv=@", &[ALICE_DUE])),
        ("expired", with(b"__Host-idsrv=@", &[ALICE_EXPIRED])),
        (
            "newest_wins",
            with(b"__Host-idsrv=@; __Host-idsrv=@", &[ALICE, ALICE_LATER]),
        ),
        (
            "two_sessions",
            with(b"__Host-idsrv=@; __Host-idsrv=@", &[ALICE, ALICE_ELSEWHERE]),
        ),
        (
            "two_users_on_two_lines",
            with(b"__Host-idsrv=@\n__Host-idsrv=@", &[ALICE, BOB]),
        ),
        (
            "chunks",
            with(b"__Host-idsrv.1=@; __Host-idsrv=@", &[LARGE[1], LARGE[0]]),
        ),
        (
            "chunks_on_two_lines",
            with(b"__Host-idsrv=@\n__Host-idsrv.1=@", &LARGE),
        ),
        ("chunk_missing", with(b"__Host-idsrv=@", &LARGE[..1])),
        (
            "chunk_of_another",
            with(
                b"__Host-idsrv=@; __Host-idsrv.1=@",
                &[LARGE[0], BOB_LARGE[1]],
            ),
        ),
        (
            "chunk_left_over",
            with(
                b"__Host-idsrv=@; __Host-idsrv.1=@; __Host-idsrv.9=x",
                &[ALICE, LARGE[1]],
            ),
        ),
        (
            "clients_beside",
            with(
                b"__Host-idsrv.@; __Host-idsrv=@; __Host-idsrv.@",
                &[ALICE_CLIENT, ALICE, ALICE_OLD_CLIENT],
            ),
        ),
        (
            "clients_of_another",
            with(
                b"__Host-idsrv=@; __Host-idsrv.@",
                &[ALICE_ELSEWHERE, ALICE_CLIENT],
            ),
        ),
        (
            "ended",
            with(b"__Host-idsrv=@; __Host-idsrv.@", &[ALICE, ALICE_ENDED]),
        ),
        (
            "forged_mark",
            with(
                b"__Host-idsrv=@; __Host-idsrv.c0123456789abcdef=AQ",
                &[ALICE],
            ),
        ),
        ("sealed", sealed_rest(ALICE)),
        ("sealed_with_item", sealed_rest(ALICE_LATER)),
    ])
}

/// Inputs of [`ticket_codec`] to begin from, by name: tickets as the layer makes them.
pub(crate) fn ticket_codec_seeds() -> BTreeMap<&'static str, Vec<u8>> {
    let fixture = &*FIXTURE;
    let opened = |value: u8| {
        fixture
            .sealer
            .open(&fixture.issued[&value].text)
            .expect("one piece")
    };
    let subject_only = Ticket::new(
        Principal::builder("a").build(),
        AuthenticationProperties::new(),
    );
    let of_every_kind = Ticket::new(
        Principal::builder("b")
            .claim("role", vec!["reader", "writer"])
            .claim(
                "own",
                serde_json::json!({"deep": [1, -2.5, null, true, {"a": "\u{1F980}"}]}),
            )
            .build(),
        AuthenticationProperties::new()
            .with_persistent(true)
            .with_item("tenant", "blue")
            .with_item(
                AuthenticationProperties::CLIENT_LIST_ITEM,
                "WyJjbGllbnQxIiwiY2xpZW50MiJd",
            ),
    );
    BTreeMap::from([
        ("nothing", Vec::new()),
        ("subject_only", codec::encode(&subject_only)),
        ("signed_in", opened(ALICE)),
        ("with_item", opened(ALICE_LATER)),
        ("of_every_kind", codec::encode(&of_every_kind)),
    ])
}

const AUTHENTICATION: &str = "__Host-idsrv";
const SECOND_PIECE: &str = "__Host-idsrv.1";
const SESSION_ID: &str = "idsrv.session";
/// What the names of marks begin with.
const MARKS: &str = "__Host-idsrv.";
const ADDED: &str = "__Host-idsrv.c";
const ENDED: &str = "__Host-idsrv.e";

/// Fixed, so that the corpus can hold sealed cookies.
const SECRET: &[u8; 32] = b"the fuzz targets share this one.";
/// When the requests are made.
const NOW: Duration = Duration::from_secs(2_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Her ticket.
const ALICE: u8 = 1;
/// Of the same session, sealed later, with an item.
const ALICE_LATER: u8 = 2;
/// Of another session of hers.
const ALICE_ELSEWHERE: u8 = 3;
/// With less than half of its window left.
const ALICE_DUE: u8 = 4;
const ALICE_EXPIRED: u8 = 5;
const ALICE_SESSION_ID: u8 = 6;
const BOB: u8 = 7;
/// The pieces of a ticket that needs two cookies.
const LARGE: [u8; 2] = [11, 12];
const BOB_LARGE: [u8; 2] = [13, 14];
/// Marks, from the digits of their names on: a client of an hour ago, one of now, and the end of her session.
const ALICE_OLD_CLIENT: u8 = 15;
const ALICE_CLIENT: u8 = 16;
const ALICE_ENDED: u8 = 17;
const SEALED_REST: u8 = 31;

/// How much the values in a request may come to: servers take far less.
const MAX_REQUEST: usize = 64 * 1024;

static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::new);

/// The layer, and what it issued.
struct Fixture {
    layer: UserSessionLayer,
    sealer: Sealer,
    issued: BTreeMap<u8, Issued>,
}

/// A cookie's value, and whose it is.
struct Issued {
    subject: &'static str,
    text: String,
}

impl Fixture {
    fn new() -> Self {
        let keys = KeyRing::from_secrets([SECRET]).expect("the secret is long enough");
        let clock = ManualClock::at(UNIX_EPOCH + NOW);
        let config = SessionConfig::builder(keys.clone())
            .application_id("fuzz")
            .lifetime(10 * HOUR)
            .sliding(true)
            .absolute_lifetime(24 * HOUR)
            .clock(clock.clone())
            .build()
            .expect("the configuration is sound");
        let mut fixture = Self {
            layer: UserSessionLayer::new(config),
            sealer: Sealer::new(&keys, "fuzz", AUTHENTICATION),
            issued: BTreeMap::new(),
        };

        let plain = |subject| {
            Principal::builder(subject)
                .claim("name", "A Name")
                .claim("role", "admin")
                .build()
        };
        let large = |subject| {
            Principal::builder(subject)
                .claim("picture", "x".repeat(4000))
                .build()
        };
        let pieces = |names: [u8; 2]| [(names[0], AUTHENTICATION), (names[1], SECOND_PIECE)];
        let alice_and_session_id = [(ALICE, AUTHENTICATION), (ALICE_SESSION_ID, SESSION_ID)];
        for (hours_ago, subject, user, names) in [
            (
                11,
                "alice",
                plain("alice"),
                &[(ALICE_EXPIRED, AUTHENTICATION)][..],
            ),
            (6, "alice", plain("alice"), &[(ALICE_DUE, AUTHENTICATION)]),
            (1, "alice", plain("alice"), &alice_and_session_id),
            (
                1,
                "alice",
                plain("alice"),
                &[(ALICE_ELSEWHERE, AUTHENTICATION)],
            ),
            (1, "bob", plain("bob"), &[(BOB, AUTHENTICATION)]),
            (1, "alice", large("alice"), &pieces(LARGE)),
            (1, "bob", large("bob"), &pieces(BOB_LARGE)),
        ] {
            clock.set(UNIX_EPOCH + NOW - hours_ago * HOUR);
            fixture.issue(names, subject, &[], Act::SignIn(user));
        }
        let alice = format!("{AUTHENTICATION}={}", fixture.issued[&ALICE].text);
        let alice = [alice.into_bytes()];
        for (hours_ago, names, act) in [
            (
                0,
                (ALICE_LATER, AUTHENTICATION),
                Act::SetItem("item", "value"),
            ),
            (1, (ALICE_OLD_CLIENT, ADDED), Act::AddClient("client0")),
            (0, (ALICE_CLIENT, ADDED), Act::AddClient("client1")),
            (0, (ALICE_ENDED, ENDED), Act::SignOut),
        ] {
            clock.set(UNIX_EPOCH + NOW - hours_ago * HOUR);
            fixture.issue(&[names], "alice", &alice, act);
        }
        clock.set(UNIX_EPOCH + NOW);
        fixture
    }

    /// Keeps the values of cookies that the act sets, under names of one byte.
    fn issue(&mut self, names: &[(u8, &str)], subject: &'static str, lines: &[Vec<u8>], act: Act) {
        let response = self.send(lines, act);
        let set = set_cookies(response.headers());
        for (name, cookie) in names {
            // A mark is kept with the digits that end its name.
            let marks = [ADDED, ENDED].contains(cookie);
            let value = set.iter().find_map(|set| match marks {
                true => set.starts_with(cookie).then(|| &set[MARKS.len()..]),
                false => set.strip_prefix(cookie)?.strip_prefix('='),
            });
            let value = value.expect("the act sets this cookie");
            let (text, _) = value.split_once(';').expect("ours have attributes");
            let text = text.to_owned();
            self.issued.insert(*name, Issued { subject, text });
        }
    }

    fn send(&self, lines: &[Vec<u8>], act: Act) -> Response<Seen> {
        let mut request = Request::new(());
        for line in lines {
            let line = HeaderValue::from_bytes(line).expect("a script leaves out what is illegal");
            request.headers_mut().append(COOKIE, line);
        }
        request.extensions_mut().insert(act);
        let Ok(response) = at_once(self.layer.layer(Probe).call(request));
        response
    }
}

/// What the handler does, beside looking.
#[derive(Clone)]
enum Act {
    Look,
    SignIn(Principal),
    AddClient(&'static str),
    SetItem(&'static str, &'static str),
    SignOut,
}

/// What it saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    subject: Option<String>,
    session_id: Option<String>,
    clients: Vec<String>,
}

/// The service within the layer.
#[derive(Clone)]
struct Probe;

impl Service<Request<()>> for Probe {
    type Response = Response<Seen>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        Box::pin(async {
            let (mut parts, ()) = request.into_parts();
            let session = UserSession::from_request_parts(&mut parts, &()).await;
            let session = session.expect("the layer is there");
            match parts.extensions.remove() {
                Some(Act::SignIn(user)) => {
                    session.sign_in(user).await.expect("a sound principal");
                }
                Some(Act::AddClient(id)) => {
                    session.add_client_id(id).await.expect("signed in");
                }
                Some(Act::SetItem(name, value)) => {
                    session.set_item(name, value).await.expect("signed in");
                }
                Some(Act::SignOut) => {
                    session.sign_out().await.expect("before the response");
                }
                Some(Act::Look) | None => {}
            }
            let user = session.user();
            Ok(Response::new(Seen {
                subject: user.map(|user| user.subject().to_owned()),
                session_id: session.session_id().map(|id| id.as_str().to_owned()),
                clients: session
                    .client_list()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            }))
        })
    }
}

/// Without a store nothing waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a session in a cookie has nothing to wait for"),
    }
}

/// An input, read.
struct Script {
    lines: Vec<Vec<u8>>,
    /// What stands in the lines as it was in the input.
    typed: Vec<u8>,
    /// Whose tickets are in it. The corpus may hold tickets of alice's as they are, for the key is fixed.
    subjects: HashSet<String>,
}

impl Script {
    fn read(input: &[u8], fixture: &Fixture) -> Self {
        let mut script = Self {
            lines: vec![Vec::new()],
            typed: Vec::new(),
            subjects: HashSet::from(["alice".to_owned()]),
        };
        let mut room = MAX_REQUEST;
        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'\n' => {
                    script.typed.push(byte);
                    script.lines.push(Vec::new());
                }
                b'\t' | b' '..=b'~' | 0x80.. => {
                    script.typed.push(byte);
                    script.write(&[byte]);
                }
                SEALED_REST => {
                    script.write(fixture.sealer.seal(rest).as_bytes());
                    let ticket = codec::decode(std::mem::take(&mut rest));
                    let subject = ticket.map(|ticket| ticket.principal().subject().to_owned());
                    script.subjects.extend(subject);
                }
                name => {
                    let Some(issued) = fixture.issued.get(&name) else {
                        continue;
                    };
                    let Some(less) = room.checked_sub(issued.text.len()) else {
                        break;
                    };
                    room = less;
                    script.write(issued.text.as_bytes());
                    script.subjects.insert(issued.subject.to_owned());
                }
            }
        }
        script
    }

    fn write(&mut self, bytes: &[u8]) {
        let line = self
            .lines
            .last_mut()
            .expect("there is a line from the start");
        line.extend_from_slice(bytes);
    }

    /// Whether this stands in the request as it is. No value that the layer issues holds a cookie's name.
    fn mentions(&self, name: &str) -> bool {
        let mut windows = self.typed.windows(name.len());
        windows.any(|window| window == name.as_bytes())
    }
}

/// The response's cookies, of which browsers must keep each, and each must be there for itself.
fn set_cookies(headers: &HeaderMap) -> Vec<&str> {
    let mut places = HashSet::new();
    let cookies = headers.get_all(SET_COOKIE).iter();
    let cookies = cookies.map(|cookie| cookie.to_str().expect("our cookies are ASCII"));
    cookies
        .inspect(|cookie| {
            let mut parts = cookie.split("; ");
            let pair = parts.next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie has a name and a value");
            assert!(name.len() + value.len() <= 4096, "browsers drop {name}");
            let scope: Vec<_> = parts
                .filter(|attribute| {
                    attribute.starts_with("Path=") || attribute.starts_with("Domain=")
                })
                .collect();
            assert!(places.insert((name, scope)), "set twice: {cookie}");
        })
        .collect()
}

/// The template with its `@` replaced, one after the other.
fn with(template: &[u8], values: &[u8]) -> Vec<u8> {
    let mut values = values.iter();
    let filled = template.iter().map(|&byte| match byte {
        b'@' => *values.next().expect("a value for each place"),
        byte => byte,
    });
    filled.collect()
}
