//! Where fixtures are made.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use axum_user_session::{
    AuthenticationProperties, Principal, config::SessionConfigBuilder, id::IdGenerator,
};

use crate::{
    fixtures::{Cookies, Version, millis},
    site::Site,
    support::start,
};

/// A site at the start, with identifiers that follow from a name.
pub(super) fn scene(
    version: &Version,
    name: &str,
    configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
) -> Site {
    let ids = Sequence::named(name);
    let configure = |builder: SessionConfigBuilder| configure(builder.id_generator(ids));
    Site::of(version, millis(start()), configure)
}

/// As [`scene`], where the old key still seals.
pub(super) fn scene_before_the_rotation(
    version: &Version,
    name: &str,
    configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
) -> Site {
    let site = scene(version, name, configure);
    let ring = &site.lab.ring;
    let keys = ring.keys_at(start());
    let old = keys.iter().find(|key| key.primary_until().is_some());
    ring.promote_at(old.unwrap().id(), start()).unwrap();
    site
}

impl Site {
    pub(super) async fn sign_in(&mut self, user: Principal, properties: AuthenticationProperties) {
        let asked = user.clone();
        let signed_in = self.lab.visit(|session| async move {
            session.sign_in_with(user, properties).await.unwrap();
        });
        signed_in.await;
        // What will be expected later is what was asked for now.
        let seen = self.seen("a sign-in").await;
        for (name, value) in asked.claims() {
            assert_eq!(seen.claims.get(name), Some(value), "{name}");
        }
    }

    /// The browser's cookies as they are, with nobody seen yet.
    pub(super) fn cookies(&self, about: &str) -> Cookies {
        let browser = &self.lab.browser;
        let pair = |name: &str| (name.to_owned(), browser.cookie(name).unwrap().to_owned());
        Cookies {
            about: about.to_owned(),
            at_ms: millis(self.lab.now()),
            cookies: browser.cookie_names().into_iter().map(pair).collect(),
            seen: None,
        }
    }
}

/// Identifiers that look like random ones, and are the same each time.
struct Sequence {
    name: String,
    next: AtomicU64,
}

impl Sequence {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            next: AtomicU64::new(0),
        }
    }
}

impl IdGenerator for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let digest = digest(&SHA256, format!("{}, {number}", self.name).as_bytes());
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}
