//! Requests of one browser that are under way at the same time, sessions in cookies alone: whichever response comes last, no client is
//! lost, and what has ended stays ended.

mod support;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    http::{HeaderMap, Request},
};
use axum_user_session::{clock::Clock, testing::Page};
use proptest::{collection::vec, prelude::*};
use support::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Look,
    Add(u8),
    SetItem,
    SignIn(&'static str),
    SignOut,
}
use Operation::*;

/// What a request saw before its operation: the session's id, and its clients.
type Seen = Option<(String, BTreeSet<String>)>;

impl Lab {
    /// Sends a request with the browser's cookies as they are now, and keeps its response back. Gives the session before and after.
    async fn begin(&mut self, operation: Operation) -> (Page, Seen, Seen) {
        self.script.set(move |session| async move {
            let before = session.session_id();
            let clients = session.client_list();
            match operation {
                Look => {}
                Add(number) => {
                    if session.user().is_some() {
                        session.add_client_id(format!("c{number}")).await.unwrap();
                    }
                }
                SetItem => {
                    if session.user().is_some() {
                        session.set_item("item", "value").await.unwrap();
                    }
                }
                SignIn(subject) => drop(session.sign_in(user(subject)).await.unwrap()),
                SignOut => drop(session.sign_out().await.unwrap()),
            }
            let id = |id: Option<axum_user_session::id::SessionId>| {
                id.map_or(String::new(), |id| id.as_str().to_owned())
            };
            let list = |clients: Vec<axum_user_session::id::ClientId>| {
                let clients: Vec<_> = clients.iter().map(ToString::to_string).collect();
                clients.join(",")
            };
            format!(
                "{}|{}|{}|{}",
                id(before),
                list(clients),
                id(session.session_id()),
                list(session.client_list())
            )
        });
        let cookies = self.browser.cookie_header("/");
        let request = Request::get("/").header("cookie", cookies);
        let page = self
            .browser
            .send(request.body(Body::empty()).unwrap())
            .await;
        let parts: Vec<_> = page.body.split('|').collect();
        let [before, clients, after, clients_after] = parts[..] else {
            panic!("{}", page.body)
        };
        let (before, after) = (seen(before, clients), seen(after, clients_after));
        (page, before, after)
    }

    fn receive(&mut self, page: &Page) {
        self.browser.receive("/", &page.headers);
    }
}

fn seen(id: &str, clients: &str) -> Seen {
    let clients = clients.split(',').filter(|client| !client.is_empty());
    (!id.is_empty()).then(|| (id.to_owned(), clients.map(str::to_owned).collect()))
}

/// Two requests at once, both orders of their responses.
async fn both_orders(
    slides: bool,
    age: Duration,
    [one, two]: [Operation; 2],
    check: impl AsyncFn(&mut Lab, &str),
) {
    for swapped in [false, true] {
        let mut lab = Lab::with(|config| config.sliding(slides));
        lab.sign_in("alice").await;
        lab.add_client("c0").await;
        lab.clock.advance(age);
        let first = lab.begin(one).await.0;
        lab.clock.advance(Duration::from_secs(1));
        let mut pages = [first, lab.begin(two).await.0];
        if swapped {
            pages.reverse();
        }
        pages.iter().for_each(|page| lab.receive(page));
        let order = format!("{one:?} and {two:?}, swapped: {swapped}");
        check(&mut lab, &order).await;
    }
}

#[tokio::test]
async fn c21_two_clients_at_once_both_stick() {
    both_orders(false, MINUTE, [Add(1), Add(2)], async |lab, order| {
        assert_eq!(lab.seen().await, "alice [c0,c1,c2]", "{order}");
    })
    .await;
}

#[tokio::test]
async fn c21_the_same_client_twice_at_once_is_one() {
    both_orders(false, MINUTE, [Add(1), Add(1)], async |lab, order| {
        assert_eq!(lab.seen().await, "alice [c0,c1]", "{order}");
    })
    .await;
}

#[tokio::test]
async fn c21_a_client_and_a_renewal_at_once() {
    both_orders(true, 6 * HOUR, [Add(1), Look], async |lab, order| {
        assert_eq!(lab.seen().await, "alice [c0,c1]", "{order}");
    })
    .await;
}

#[tokio::test]
async fn c21_a_client_and_a_sign_in_at_once() {
    for age in [MINUTE, 15 * MINUTE, HOUR] {
        both_orders(false, age, [Add(1), SignIn("alice")], async |lab, order| {
            assert_eq!(lab.seen().await, "alice [c0,c1]", "{order}");
        })
        .await;
    }
}

#[tokio::test]
async fn c21_a_sign_out_and_a_renewal_at_once() {
    both_orders(true, 6 * HOUR, [SignOut, Look], async |lab, order| {
        assert_eq!(lab.seen().await, "nobody", "{order}");
        // And it stays so, when the mark is gone.
        lab.clock.advance(21 * MINUTE);
        assert_eq!(lab.seen().await, "nobody", "{order}");
        assert_eq!(lab.browser.cookie_names(), [""; 0], "{order}");
    })
    .await;
}

/// Nobody looks for hours after the late renewal has arrived.
#[tokio::test]
async fn c21_a_late_renewal_is_no_session_hours_later() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.clock.advance(6 * HOUR);
    let (renewal, ..) = lab.begin(Look).await;
    let (sign_out, ..) = lab.begin(SignOut).await;
    lab.receive(&sign_out);
    lab.receive(&renewal);
    lab.clock.advance(2 * HOUR);
    assert_eq!(lab.seen().await, "nobody");
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn c21_another_users_sign_in_and_a_renewal_at_once() {
    both_orders(true, 6 * HOUR, [SignIn("bob"), Look], async |lab, order| {
        let seen = lab.seen().await;
        assert!(["bob []", "nobody"].contains(&&*seen), "{order}: {seen}");
    })
    .await;
}

#[tokio::test]
async fn c21_a_sign_out_and_a_client_at_once() {
    both_orders(false, MINUTE, [SignOut, Add(1)], async |lab, order| {
        assert_eq!(lab.seen().await, "nobody", "{order}");
        lab.sign_in("alice").await;
        assert_eq!(lab.seen().await, "alice []", "{order}");
    })
    .await;
}

#[tokio::test]
async fn c21_a_client_is_a_small_cookie_until_the_ticket_takes_it_up() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.add_client("c1").await;
    assert_eq!(names(&page), [ADDED]);
    assert!(
        page.set_cookies()[0].len() < 300,
        "{:?}",
        page.set_cookies()
    );
    lab.clock.advance(9 * MINUTE);
    assert!(lab.look().await.1.set_cookies().is_empty());
    lab.clock.advance(2 * MINUTE);
    let (report, page) = lab.look().await;
    assert_eq!((&*report, names(&page)), ("alice [c1]", vec![AUTH]));
    // It stays until no response can be under way that does not know of it.
    lab.clock.advance(8 * MINUTE);
    assert!(lab.look().await.1.set_cookies().is_empty());
    lab.clock.advance(2 * MINUTE);
    let (report, page) = lab.look().await;
    assert_eq!((&*report, names(&page)), ("alice [c1]", vec![ADDED]));
    assert_eq!(lab.seen().await, "alice [c1]");
}

#[tokio::test]
async fn c21_folding_does_not_extend_the_lifetime() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.add_client("c1").await;
    lab.clock.advance(4 * HOUR);
    let page = lab.visit(|session| async move {
        let expires = session.properties().unwrap().expires().unwrap();
        assert_eq!(expires, start() + 10 * HOUR);
    });
    assert_eq!(names(&page.await), [AUTH]);
}

#[tokio::test]
async fn c21_many_clients_need_few_cookies() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    for number in 0..40 {
        let (page, ..) = lab.begin(Add(number)).await;
        lab.receive(&page);
        let names = lab.browser.cookie_names();
        let marks = names.iter().filter(|name| name.starts_with(ADDED));
        assert!(marks.count() <= 16, "{names:?}");
    }
    let (_, before, _) = lab.begin(Look).await;
    assert_eq!(before.unwrap().1.len(), 40);
}

#[tokio::test]
async fn c21_two_that_make_one_mark_of_many_at_once() {
    for swapped in [false, true] {
        let mut lab = Lab::new();
        lab.sign_in("alice").await;
        for number in 0..16 {
            let (page, ..) = lab.begin(Add(number)).await;
            lab.receive(&page);
        }
        let mut pages = [lab.begin(Add(16)).await.0, lab.begin(Add(17)).await.0];
        if swapped {
            pages.reverse();
        }
        pages.iter().for_each(|page| lab.receive(page));
        let (_, before, _) = lab.begin(Look).await;
        assert_eq!(before.unwrap().1.len(), 18);
    }
}

/// The session before may come back, with a renewal that is still under way, and then it has its clients.
#[tokio::test]
async fn c21_one_mark_of_many_leaves_those_of_another_session() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.clock.advance(6 * HOUR);
    let late_renewal = lab.begin(Look).await.0;
    lab.add_client("c-alice").await;
    lab.browser.plant("__Host-idsrv", "AQ");
    lab.sign_in("bob").await;
    for number in 0..17 {
        let (page, ..) = lab.begin(Add(number)).await;
        lab.receive(&page);
    }
    lab.receive(&late_renewal);
    assert_eq!(lab.seen().await, "alice [c-alice]");
}

#[tokio::test]
async fn c21_k6_clients_are_refused_past_the_budget_and_the_session_stands() {
    let mut lab = Lab::with(|config| config.cookie_budget(1000));
    lab.sign_in("alice").await;
    let added = lab.visit(|session| async move {
        let mut added = 0;
        loop {
            match session.add_client_id(format!("client-{added}")).await {
                Ok(true) => added += 1,
                Ok(false) => panic!("they differ"),
                Err(error) => {
                    assert_eq!(error.kind(), axum_user_session::error::ErrorKind::TooLarge);
                    break;
                }
            }
        }
        assert_eq!(session.client_list().len(), added);
        added.to_string()
    });
    let added: usize = added.await.body.parse().unwrap();
    assert!((2..9).contains(&added), "{added}");
    let total: usize = lab.browser.cookie_header("/").len();
    assert!(total <= 1000 + 3 * (added + 2), "{total}");
    let (_, before, _) = lab.begin(Look).await;
    assert_eq!(before.unwrap().1.len(), added);
}

/// A mark of one session says nothing of another, under whatever name.
#[tokio::test]
async fn c21_a_mark_is_bound_to_its_session_and_name() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("c1").await;
    let marked = |lab: &Lab| {
        let mut names = lab.browser.cookie_names().into_iter();
        let name = names.find(|name| name.starts_with(ADDED)).unwrap();
        (
            name.to_owned(),
            lab.browser.cookie(name).unwrap().to_owned(),
        )
    };
    let (name, value) = marked(&lab);
    lab.sign_out().await;
    lab.sign_in("alice").await;
    lab.browser.plant(&name, &value);
    assert_eq!(lab.seen().await, "alice []");

    lab.add_client("c2").await;
    let (_, value) = marked(&lab);
    lab.browser.plant("__Host-idsrv.c0123456789abcdef", &value);
    let (report, page) = lab.look().await;
    assert_eq!(report, "alice [c2]");
    assert_eq!(names(&page), [ADDED], "the forged one goes");
}

/// Two cookies of one name come from different paths or domains, and the one that expires takes the place of ours.
#[tokio::test]
async fn c21_a_mark_planted_under_the_name_of_another_does_not_expire_it() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("c1").await;
    let cookies = lab.browser.cookie_header("/");
    let mut names_now = lab.browser.cookie_names().into_iter();
    let genuine = names_now.find(|name| name.starts_with(ADDED)).unwrap();
    for (case, planted, expired) in [
        (
            "a genuine one and a forged one",
            format!("{genuine}=AQ"),
            vec![],
        ),
        (
            "two forged ones of one name",
            format!("{ADDED}0123456789abcdef=AQ; {ADDED}0123456789abcdef=AQE"),
            vec![ADDED],
        ),
    ] {
        for header in [
            format!("{cookies}; {planted}"),
            format!("{planted}; {cookies}"),
        ] {
            lab.script.set(|session| async move { report(&session) });
            let request = Request::get("/").header("cookie", header);
            let page = lab.browser.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(page.body, "alice [c1]", "{case}");
            assert_eq!(names(&page), expired, "{case}");
        }
    }
}

#[tokio::test]
async fn c21_marks_in_any_number_are_bounded() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    for number in 0..200 {
        lab.browser.plant(&format!("{ADDED}{number:016x}"), "AQ");
    }
    let (report, page) = lab.look().await;
    assert_eq!(report, "alice []");
    assert_eq!(names(&page).len(), 64, "those that were looked at go");
}

#[tokio::test]
async fn c21_persistent_sign_ins_have_persistent_marks() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let properties = axum_user_session::AuthenticationProperties::new().with_persistent(true);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    lab.add_client("c1").await;
    lab.browser.restart();
    assert_eq!(lab.seen().await, "alice [c1]");
}

/// A response that is under way.
struct UnderWay {
    headers: HeaderMap,
    began: SystemTime,
    /// The session that has this client once the response is there.
    added: Option<(String, String)>,
    /// The session that is over once the response is there.
    ended: Option<String>,
}

#[derive(Clone, Debug)]
enum Step {
    Begin(Operation),
    Deliver(prop::sample::Index),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let operation = prop_oneof![
        6 => (0..24_u8).prop_map(Add),
        3 => Just(Look),
        2 => Just(SetItem),
        2 => Just(SignIn("alice")),
        1 => Just(SignIn("bob")),
        1 => Just(SignOut),
    ];
    prop_oneof![
        6 => operation.prop_map(Step::Begin),
        6 => any::<prop::sample::Index>().prop_map(Step::Deliver),
        2 => (1..9_u64).prop_map(Step::Wait),
        1 => Just(Step::Wait(160)),
    ]
}

#[derive(Default)]
struct World {
    under_way: Vec<UnderWay>,
    clients: HashMap<String, BTreeSet<String>>,
    ended: HashSet<String>,
}

impl World {
    async fn take(&mut self, lab: &mut Lab, step: Step) {
        match step {
            Step::Begin(operation) => {
                let (page, before, after) = lab.begin(operation).await;
                self.check(&before);
                let id = |seen: &Seen| seen.as_ref().map(|(id, _)| id.clone());
                let added = match operation {
                    Add(number) => id(&before).map(|id| (id, format!("c{number}"))),
                    _ => None,
                };
                self.under_way.push(UnderWay {
                    headers: page.headers,
                    began: lab.clock.now(),
                    added,
                    ended: id(&before).filter(|before| Some(before) != id(&after).as_ref()),
                });
            }
            Step::Deliver(index) => {
                if !self.under_way.is_empty() {
                    let which = index.index(self.under_way.len());
                    self.deliver(lab, which);
                }
            }
            Step::Wait(minutes) => {
                // No request is under way for longer than ten minutes.
                let then = lab.clock.now() + minutes as u32 * MINUTE;
                let late = |response: &UnderWay| response.began + 10 * MINUTE < then;
                while let Some(which) = self.under_way.iter().position(late) {
                    self.deliver(lab, which);
                }
                lab.clock.set(then);
            }
        }
    }

    fn deliver(&mut self, lab: &mut Lab, which: usize) {
        let response = self.under_way.remove(which);
        lab.browser.receive("/", &response.headers);
        if let Some((id, client)) = response.added {
            self.clients.entry(id).or_default().insert(client);
        }
        self.ended.extend(response.ended);
    }

    /// What a request must see.
    fn check(&self, seen: &Seen) {
        if let Some((id, clients)) = seen {
            assert!(!self.ended.contains(id), "an ended session is back");
            if let Some(added) = self.clients.get(id) {
                let lost: Vec<_> = added.difference(clients).collect();
                assert!(lost.is_empty(), "lost: {lost:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn c21_in_any_order_no_client_is_lost_and_nothing_comes_back(
        slides: bool,
        steps in vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lab = Lab::with(|config| config.sliding(slides).cookie_budget(32 * 1024));
            lab.sign_in("alice").await;
            let mut world = World::default();
            for step in steps {
                world.take(&mut lab, step).await;
            }
        });
    }
}
