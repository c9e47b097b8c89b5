//! What must hold in every store that an earlier release has left behind.

use axum_user_session::{
    Principal,
    admin::Extension,
    cleanup::CleanupTask,
    config::WhenReached,
    id::SessionId,
    key_ring::KeyInfo,
    store::{Filter, Selection, SessionStore, Update, Updated},
};

use super::{Opened, Place, page_query};
use crate::{
    fixtures::{millis, time},
    seen::{Listed, ToldEnd},
    support::{AUTH, HOUR, MINUTE, value_set},
};

pub(crate) async fn lists_are_read<P: Place>(opened: &mut Opened<P>) {
    let (name, admin) = (&opened.name, opened.admin());
    let expected = &opened.fixture.listed;
    assert_eq!(&opened.listed().await, expected, "{name}");
    let count = admin.count(Selection::Everyone).await.unwrap();
    assert_eq!(count, expected.len() as u64, "{name}");
    for listed in expected {
        let with = |same: fn(&Listed, &Listed) -> bool| -> Vec<_> {
            expected
                .iter()
                .filter(|other| same(other, listed))
                .cloned()
                .collect()
        };
        let mut filters = vec![
            (
                Filter::subject(&listed.subject).unwrap(),
                with(|one, other| one.subject == other.subject),
            ),
            (
                Filter::session_id(SessionId::parse(&listed.session_id).unwrap()),
                vec![listed.clone()],
            ),
        ];
        if let Some(display_name) = &listed.display_name {
            filters.push((
                Filter::name_begins_with(&display_name.to_uppercase()).unwrap(),
                with(|one, other| one.display_name == other.display_name),
            ));
        }
        for (filter, expected) in filters {
            let found = admin.find(&filter).await.unwrap();
            let found: Vec<_> = found.iter().map(Listed::from).collect();
            assert_eq!(found, expected, "{name}: {filter:?}");
        }
    }
}

pub(crate) async fn sessions_are_read<P: Place>(opened: &mut Opened<P>) {
    for (browser, fixture) in opened.fixture.browsers.clone() {
        opened.come_as(&browser);
        let (seen, page) = opened.site.look().await;
        let name = format!("{}, {browser}", opened.name);
        assert_eq!(seen, fixture.seen, "{name}");
        if seen.is_some() {
            assert!(page.set_cookies().is_empty(), "{name}: {page:?}");
        }
    }
}

pub(crate) async fn s10_pages_go_on<P: Place>(opened: &mut Opened<P>) {
    let (name, admin) = (&opened.name, opened.admin());
    assert!(!opened.fixture.pages.is_empty(), "{name}");
    for page in &opened.fixture.pages {
        let query = page_query(page).page(&page.token);
        let shown = admin.query(&query).await.unwrap();
        let ids = shown.sessions.iter().map(|session| session.session_id);
        let ids: Vec<_> = ids.map(|id| id.as_str().to_owned()).collect();
        assert_eq!(ids, page.sessions, "{name}: {:?}", page.list);
    }
}

pub(crate) async fn s7_sessions_are_extended_to_their_limit<P: Place>(opened: &mut Opened<P>) {
    for (browser, before) in opened.signed_in() {
        let name = format!("{}, {browser}", opened.name);
        let mut opened = opened.again().await;
        opened.come_as(&browser);
        assert_eq!(opened.site.seen(&name).await, before, "{name}");
        opened.site.lab.clock.set(time(before.expires_ms - 1));
        let mut after = opened.site.seen(&name).await;
        assert_eq!(after.expiring(before.expires_ms), before, "{name}");
        let extended = after.expires_ms > before.expires_ms;
        assert_eq!(extended, before.slides(), "{name}");

        while after.slides() {
            opened.site.lab.clock.set(time(after.expires_ms - 1));
            after = opened.site.seen(&name).await;
        }
        let forbidden = after.allow_refresh == Some(false);
        let at_the_limit = after.expires_ms == before.absolute_expires_ms;
        assert!(forbidden || at_the_limit, "{name}: {after:?}");
        opened.site.lab.clock.set(time(after.expires_ms));
        assert_eq!(opened.site.look().await.0, None, "{name}");
    }
}

pub(crate) async fn s4_clients_are_added<P: Place>(opened: &mut Opened<P>) {
    for (browser, before) in opened.signed_in() {
        let name = format!("{}, {browser}", opened.name);
        opened.come_as(&browser);
        opened.site.lab.add_client("one-more").await;
        let clients = [&*before.clients, &["one-more".to_owned()]].concat();
        assert_eq!(opened.site.seen(&name).await.clients, clients, "{name}");
    }
}

pub(crate) async fn s5_signing_in_again_goes_on_with_the_session<P: Place>(opened: &mut Opened<P>) {
    let mut signed_in = Vec::new();
    for (browser, before) in opened.signed_in() {
        let name = format!("{}, {browser}", opened.name);
        opened.come_as(&browser);
        let user = Principal::builder(before.subject()).build();
        let sign_in = opened.site.lab.visit(|session| async move {
            session.sign_in(user).await.unwrap();
        });
        assert!(value_set(&sign_in.await, AUTH).is_some(), "{name}");
        let after = opened.site.seen(&name).await;
        assert_eq!(after.session_id, before.session_id, "{name}");
        assert_eq!(after.clients, before.clients, "{name}");
        signed_in.push((name, opened.site.lab.browser.clone()));
        // The reference of before the upgrade is over.
        opened.come_as(&browser);
        assert_eq!(opened.site.look().await.0, None, "{browser}");
    }
    assert_eq!(opened.listed().await.len(), opened.fixture.listed.len());
    opened.site.retire_old_keys();
    for (name, browser) in signed_in {
        opened.site.lab.browser = browser;
        opened.site.seen(&name).await;
    }
}

/// One request, and the record needs the old key no more. The reference in the cookie does, until its end or the next sign-in.
pub(crate) async fn k9_records_are_sealed_anew<P: Place>(opened: &mut Opened<P>) {
    let ring = opened.site.lab.ring.keys_at(opened.site.lab.now());
    let [primary, old] = [true, false].map(|primary| {
        let of_today = |key: &&KeyInfo| key.is_primary() == primary;
        ring.iter().find(of_today).unwrap().id().to_string()
    });
    assert_eq!(opened.keys_of("dora").await, [old], "{}", opened.name);
    opened.come_as("old_key");
    let before = opened.site.seen("old_key").await;
    assert_eq!(opened.keys_of("dora").await, [primary], "{}", opened.name);
    assert_eq!(opened.site.seen("old_key").await, before, "{}", opened.name);
}

/// While a site is upgraded, or after a step back, this release meets what the next one has sealed.
pub(crate) async fn s8_records_of_a_later_release_are_left_alone<P: Place>(opened: &mut Opened<P>) {
    let (store, now) = (opened.place.store(), opened.site.lab.now());
    let dora = Filter::subject("dora").unwrap();
    let record = store.find(&dora, 1, now).await.unwrap().remove(0);
    let mut later = record.ticket.clone();
    later[0] += 1;
    let update = Update {
        ticket: later.clone(),
        display_name: record.display_name,
    };
    let updated = store.update(&record.key, &update, record.version, now);
    assert!(matches!(updated.await.unwrap(), Updated::Updated { .. }));
    opened.come_as("old_key");
    let (seen, page) = opened.site.look().await;
    assert_eq!(seen, None, "{}", opened.name);
    assert!(page.set_cookies().is_empty(), "{}: {page:?}", opened.name);
    let left = store.find(&dora, 1, now).await.unwrap();
    assert_eq!(left[0].ticket, later, "{}", opened.name);
}

pub(crate) async fn c22_items_are_set<P: Place>(opened: &mut Opened<P>) {
    for (browser, before) in opened.signed_in() {
        opened.come_as(&browser);
        let set = opened.site.lab.visit(|session| async move {
            session.set_item("after", "the upgrade").await.unwrap();
        });
        set.await;
        let mut expected = before;
        let item = ("after".to_owned(), "the upgrade".to_owned());
        expected.items.extend([item]);
        let after = opened.site.seen(&browser).await;
        assert_eq!(after, expected, "{}, {browser}", opened.name);
    }
}

pub(crate) async fn s15_clients_keep_sessions_alive<P: Place>(opened: &mut Opened<P>) {
    opened.site.lab.clock.advance(2 * MINUTE);
    let (name, admin) = (&opened.name, opened.admin());
    for (_, seen) in opened.signed_in() {
        let id = SessionId::parse(&seen.session_id).unwrap();
        for client in &seen.clients {
            let live = admin.validate(seen.subject(), id, client, Extension::Extend);
            let live = live.await.unwrap();
            let live = live.unwrap_or_else(|| panic!("{name}: {client} has no session"));
            let extended = millis(live.expires) > seen.expires_ms;
            assert_eq!(extended, seen.slides(), "{name}: {client}");
        }
        let stranger = admin.validate(seen.subject(), id, "stranger", Extension::Extend);
        assert_eq!(stranger.await.unwrap(), None, "{name}");
    }
}

/// A request that was under way during the upgrade comes with a reference that was replaced.
pub(crate) async fn s6_replaced_references_follow<P: Place>(opened: &mut Opened<P>) {
    opened.come_as("tablet_before");
    let (seen, page) = opened.site.look().await;
    assert_eq!(seen, None, "{}", opened.name);
    assert!(page.set_cookies().is_empty(), "{}: {page:?}", opened.name);

    let before = opened.fixture.browsers["tablet"].seen.clone().unwrap();
    opened.come_as("tablet");
    assert_eq!(opened.site.seen("tablet").await, before, "{}", opened.name);
    // Another minute, and nobody knows of it any more.
    opened.site.lab.clock.advance(2 * MINUTE);
    opened.come_as("tablet_before");
    let (seen, page) = opened.site.look().await;
    assert_eq!((seen, page.set_cookies().is_empty()), (None, false));
}

pub(crate) async fn s14_ends_are_heard<P: Place>(opened: &mut Opened<P>) {
    let ends = &opened.fixture.ends;
    let (leased, free): (Vec<_>, Vec<_>) = ends
        .iter()
        .cloned()
        .partition(|end| end.leased_until_ms.is_some());
    assert!(!leased.is_empty() && !free.is_empty(), "{}", opened.name);

    assert_eq!(opened.site.hear().await, free, "{}", opened.name);
    let until = leased.iter().filter_map(|end| end.leased_until_ms).max();
    opened.site.lab.clock.set(time(until.unwrap() - 1));
    assert_eq!(opened.site.hear().await, [], "{}: leased", opened.name);
    opened.site.lab.clock.set(time(until.unwrap()));
    let unleased = |end| ToldEnd {
        leased_until_ms: None,
        ..end
    };
    let leased: Vec<_> = leased.into_iter().map(unleased).collect();
    assert_eq!(opened.site.hear().await, leased, "{}", opened.name);
    opened.site.lab.clock.advance(HOUR);
    assert_eq!(opened.site.hear().await, [], "{}: dealt with", opened.name);
}

pub(crate) async fn s14_sessions_end_and_their_clients_hear_of_it<P: Place>(
    opened: &mut Opened<P>,
) {
    let name = opened.name.clone();
    opened.site.lab.clock.advance(2 * MINUTE);
    opened.site.hear().await;
    let [laptop, phone] =
        ["laptop", "phone"].map(|browser| opened.fixture.browsers[browser].seen.clone().unwrap());

    opened.come_as("laptop");
    let ended = opened.site.sign_out().await;
    assert_eq!(opened.site.look().await.0, None, "{name}");
    let heard = opened.site.hear().await;
    assert_eq!(heard, [ended], "{name}");
    assert_eq!(heard[0].reason, "sign_out", "{name}");
    assert_eq!(heard[0].session_id, laptop.session_id, "{name}");
    assert_eq!(heard[0].clients, laptop.clients, "{name}");

    let id = SessionId::parse(&phone.session_id).unwrap();
    let one = Filter::subject(phone.subject()).unwrap().and_session_id(id);
    assert_eq!(opened.admin().revoke(&one).await.unwrap(), 1, "{name}");
    let heard = opened.site.hear().await;
    assert_eq!(heard.len(), 1, "{name}: {heard:?}");
    assert_eq!(heard[0].reason, "revoked", "{name}");
    assert_eq!(heard[0].session_id, phone.session_id, "{name}");
    assert_eq!(heard[0].clients, phone.clients, "{name}");
    opened.come_as("phone");
    assert_eq!(opened.site.look().await.0, None, "{name}");
}

pub(crate) async fn s13_expired_sessions_are_taken_away<P: Place>(opened: &mut Opened<P>) {
    let name = opened.name.clone();
    opened.site.lab.clock.advance(2 * MINUTE);
    opened.site.hear().await;
    let clean_up = CleanupTask::new(&opened.site.lab.config).unwrap();
    assert_eq!(clean_up.run_once().await.unwrap().expired, 1, "{name}");
    let heard = opened.site.hear().await;
    assert_eq!(heard.len(), 1, "{name}: {heard:?}");
    assert_eq!(
        (&*heard[0].subject, &*heard[0].reason),
        ("dave", "expired"),
        "{name}"
    );
    assert_eq!(heard[0].clients, ["portal"], "{name}");
    // And one day all the others.
    opened.site.lab.clock.advance(48 * HOUR);
    let expired = clean_up.run_once().await.unwrap().expired;
    assert_eq!(expired, opened.fixture.listed.len() as u64, "{name}");
    assert_eq!(opened.site.hear().await.len() as u64, expired, "{name}");
    assert_eq!(opened.listed().await, [], "{name}");
}

pub(crate) async fn s12_old_sessions_count<P: Place>(opened: &mut Opened<P>) {
    opened.configure(|builder| builder.session_limit(3, WhenReached::EndOldest));
    let theirs = |listed: Vec<Listed>| -> Vec<String> {
        let of_alice = listed
            .into_iter()
            .filter(|listed| listed.subject == "alice");
        of_alice.map(|listed| listed.session_id).collect()
    };
    let before = theirs(opened.listed().await);
    assert_eq!(before.len(), 3, "{}", opened.name);
    opened.site.lab.browser = opened.site.lab.other_browser();
    opened.site.lab.sign_in("alice").await;
    let after = theirs(opened.listed().await);
    assert_eq!(
        after[1..],
        before[..2],
        "{}: the oldest is out",
        opened.name
    );
}

pub(crate) async fn s10_everyone_is_revoked<P: Place>(opened: &mut Opened<P>) {
    let revoked = opened
        .admin()
        .revoke_the_sessions_of_everyone()
        .await
        .unwrap();
    let there = opened.fixture.listed.len() as u64;
    // The one that has expired may be among them.
    assert!(
        (there..=there + 1).contains(&revoked),
        "{}: {revoked}",
        opened.name
    );
    assert_eq!(opened.listed().await, [], "{}", opened.name);
    for browser in opened.fixture.browsers.clone().keys() {
        opened.come_as(browser);
        assert_eq!(
            opened.site.look().await.0,
            None,
            "{}, {browser}",
            opened.name
        );
    }
}
