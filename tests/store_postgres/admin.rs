//! What administrators ask for, through the session layer.

use axum_user_session::{
    KeyRing, SessionConfig,
    admin::{Extension, SessionAdmin, SessionQuery},
    error::ErrorKind,
    id::SessionId,
    store::{Filter, SessionStore},
};

use crate::support::{fresh_store, now, session};

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s10_what_is_asked_for_in_vain_is_no_outage() {
    let store = fresh_store().await;
    let alice = session("alice", 1);
    store.create(&alice, None, now()).await.unwrap();
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .store(store)
        .build()
        .unwrap();
    let admin = SessionAdmin::new(&config).unwrap();

    // PostgreSQL has no text with a NUL: it must not be asked.
    for text in ["\0", "alice\0", "ali\0ce"] {
        let id = SessionId::parse("s").unwrap();
        let leave = Extension::Leave;
        for refused in [
            Filter::subject(text).map(drop),
            Filter::name_begins_with(text).map(drop),
            admin.validate(text, id, "client1", leave).await.map(drop),
            admin.remove_client(text, id, "client1").await.map(drop),
        ] {
            let kind = refused.unwrap_err().kind();
            assert_eq!(kind, ErrorKind::InvalidFilter, "{text:?}");
        }
    }
    let long = "alice".repeat(2000);
    for filter in [Filter::subject(&long), Filter::name_begins_with(&long)] {
        let filter = filter.unwrap();
        assert_eq!(admin.find(&filter).await.unwrap(), []);
        assert_eq!(admin.count(&filter).await.unwrap(), 0);
        assert_eq!(admin.revoke(&filter).await.unwrap(), 0);
    }

    let within = Filter::name_contains("lic").unwrap();
    for refused in [
        admin.find(&within).await.map(drop),
        admin.count(&within).await.map(drop),
        admin.revoke(&within).await.map(drop),
        admin
            .query(&SessionQuery::matching(within.clone()))
            .await
            .map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::SearchNotOffered);
    }
}
