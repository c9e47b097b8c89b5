use axum_user_session::{
    admin::{SessionAdmin, SessionQuery},
    config::SessionConfigBuilder,
    store::{Filter, Record, SessionStore},
};

use super::Place;
use crate::{
    completeness::hex,
    fixtures::{List, Page, Sessions, Version},
    seen::{Listed, Seen},
    site::Site,
};

/// An application on a store that a version has left behind.
pub(crate) struct Opened<P> {
    pub(crate) name: String,
    pub(crate) fixture: Sessions,
    pub(crate) place: P,
    pub(crate) site: Site,
    version: Version,
}

impl<P: Place> Opened<P> {
    /// Has a look at what each version has left behind.
    pub(crate) async fn each(check: impl AsyncFn(&mut Self)) {
        for version in Version::all() {
            check(&mut Self::of(&version).await).await;
        }
    }

    pub(crate) async fn of(version: &Version) -> Self {
        let content = version.text(&P::content_path());
        let fixture = version.json(&P::sessions_path());
        Self::with(version, &content, fixture).await
    }

    /// As it was left behind, whatever has happened since.
    pub(crate) async fn again(&self) -> Self {
        Self::of(&self.version).await
    }

    pub(crate) async fn with(version: &Version, content: &str, fixture: Sessions) -> Self {
        let place = P::load(content).await;
        let store = place.store();
        Self {
            name: format!("{}, {}", version.name(), P::NAME),
            site: Site::of(version, fixture.at_ms, |builder| builder.store(store)),
            fixture,
            place,
            version: version.clone(),
        }
    }

    /// The same store, with another configuration.
    pub(crate) fn configure(
        &mut self,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) {
        let store = self.place.store();
        let configure = |builder: SessionConfigBuilder| configure(builder.store(store));
        self.site = Site::of(&self.version, self.fixture.at_ms, configure);
    }

    /// Goes on in a browser of before.
    pub(crate) fn come_as(&mut self, browser: &str) {
        self.site.come_with(&self.fixture.browsers[browser]);
    }

    /// The browsers in which somebody is signed in, and who.
    pub(crate) fn signed_in(&self) -> Vec<(String, Seen)> {
        let browsers = self.fixture.browsers.iter();
        let signed_in =
            browsers.filter_map(|(name, browser)| Some((name.clone(), browser.seen.clone()?)));
        signed_in.collect()
    }

    pub(crate) fn admin(&self) -> SessionAdmin {
        admin(&self.site)
    }

    /// Which keys the sessions of somebody are sealed under in the store.
    pub(crate) async fn keys_of(&self, subject: &str) -> Vec<String> {
        let store = self.place.store();
        let theirs = Filter::subject(subject).unwrap();
        let records = store.find(&theirs, 100, self.site.lab.now()).await.unwrap();
        let key = |record: &Record| hex(&record.ticket[1..9]);
        records.iter().map(key).collect()
    }

    /// All sessions that an administrator finds.
    pub(crate) async fn listed(&self) -> Vec<Listed> {
        let page = self.admin().query(&SessionQuery::everyone()).await.unwrap();
        page.sessions.iter().map(Listed::from).collect()
    }
}

pub(crate) fn admin(site: &Site) -> SessionAdmin {
    SessionAdmin::new(&site.lab.config).unwrap()
}

pub(crate) fn page_query(page: &Page) -> SessionQuery {
    let query = match &page.list {
        List::Everyone => SessionQuery::everyone(),
        List::Subject(subject) => SessionQuery::matching(Filter::subject(subject).unwrap()),
        List::NameBeginsWith(name) => {
            SessionQuery::matching(Filter::name_begins_with(name).unwrap())
        }
    };
    query.page_size(page.size)
}
