//! Properties as items.

use axum_user_session::{AuthenticationProperties, Principal};

use super::scene::scene;
use crate::fixtures::{ITEMS, Items, Version};

pub(super) async fn write(version: &Version) {
    type Row<'a> = (
        &'a str,
        &'a [(&'a str, &'a str)],
        &'static [&'static str],
        bool,
    );
    let own = [("tenant", "blue"), ("ö", "ü\n😀"), ("empty", "")];
    let table: [Row<'_>; 4] = [
        ("of nobody", &own, &[], false),
        ("of a session", &[], &[], true),
        (
            "of a session with clients",
            &own[..1],
            &["client1", "client2"],
            true,
        ),
        (
            "with signs of every kind",
            &own,
            &["https://client.example/métadata?a=b", "a b"],
            true,
        ),
    ];
    let mut all = Vec::new();
    for (about, own, clients, signs_in) in table {
        let properties = AuthenticationProperties::from_items(own.iter().copied());
        let mut shown = properties.clone();
        if signs_in {
            let mut site = scene(version, about, |builder| builder);
            site.sign_in(Principal::builder("alice").build(), properties)
                .await;
            for client in clients {
                site.lab.add_client(client).await;
            }
            shown = AuthenticationProperties::from_items(site.seen(about).await.items);
        }
        all.push(Items {
            about: about.to_owned(),
            items: shown.items(),
            session_id: shown.session_id().map(|id| id.as_str().to_owned()),
            clients: clients.iter().map(|client| (*client).to_owned()).collect(),
            own: own
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        });
        assert_eq!(signs_in, all.last().unwrap().session_id.is_some());
    }
    version.write_json(ITEMS, &all);
}
