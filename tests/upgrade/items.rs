//! Properties as items, which hosts put into forms and databases of their own.

use axum_user_session::AuthenticationProperties;

use crate::{
    fixtures::{ITEMS, Items, Version},
    seen::texts,
};

#[test]
fn c19_items_are_read_and_shown_as_they_were() {
    for version in Version::all() {
        let fixtures: Vec<Items> = version.json(ITEMS);
        assert!(!fixtures.is_empty());
        for fixture in fixtures {
            let name = format!("{}, {}", version.name(), fixture.about);
            let properties = AuthenticationProperties::from_items(&fixture.items);
            let session_id = properties.session_id();
            let session_id = session_id.as_ref().map(|id| id.as_str());
            assert_eq!(session_id, fixture.session_id.as_deref(), "{name}");
            assert_eq!(texts(&properties.client_list()), fixture.clients, "{name}");
            for (item, value) in &fixture.own {
                assert_eq!(properties.item(item), Some(&**value), "{name}");
            }
            // For a node of the release before may get them back.
            assert_eq!(properties.items(), fixture.items, "{name}");
        }
    }
}
