//! Searching for names.

use std::collections::BTreeSet;

use super::{fixtures::*, probe::Probe};
use crate::{
    ended::EndReason,
    store::{Filter, Record, SessionStore},
};

/// A name is found by its beginning, whatever the case, and with no character taken for anything but itself.
pub async fn s10_a_name_is_found_by_its_beginning(store: impl SessionStore) {
    let store = Probe::new(store);
    let names = [
        "Alice Smith",
        "ALICE smithers",
        "alice",
        "Al",
        " alice",
        "Älice",
        "Straße",
        "STRASSE",
        "strasbourg",
        "ΟΔΥΣΣΕΎΣ",
        "οδυσσεύς",
        "100%",
        "100 percent",
        "1000",
        "under_score",
        "underXscore",
        r"back\slash",
        "back/slash",
        "star*",
        "start",
        "what?",
        "whatever",
        "[a-z]",
        "b",
        "日本語",
        "日本",
        "🦀 crab",
        "🦀crab",
        "\u{10FFFF}\u{10FFFF}end",
        "\u{10FFFF}",
        "\u{D7FF}",
        "\u{E000}",
    ];
    put_named(&store, &names).await;
    let searches: [(&str, &[&str]); 31] = [
        ("alice", &["Alice Smith", "ALICE smithers", "alice"]),
        ("ALICE S", &["Alice Smith", "ALICE smithers"]),
        ("alice smith", &["Alice Smith", "ALICE smithers"]),
        ("alice smithe", &["ALICE smithers"]),
        ("alice smithers and more", &[]),
        ("al", &["Alice Smith", "ALICE smithers", "alice", "Al"]),
        (" ", &[" alice"]),
        ("lice", &[]),
        ("älice", &["Älice"]),
        ("strasse", &["Straße", "STRASSE"]),
        ("STRAß", &["Straße", "STRASSE"]),
        ("stras", &["Straße", "STRASSE", "strasbourg"]),
        ("οδυσσεύσ", &["ΟΔΥΣΣΕΎΣ", "οδυσσεύς"]),
        ("100", &["100%", "100 percent", "1000"]),
        ("100%", &["100%"]),
        ("%", &[]),
        ("under_", &["under_score"]),
        ("_", &[]),
        (r"back\", &[r"back\slash"]),
        (r"\", &[]),
        ("star*", &["star*"]),
        ("star", &["star*", "start"]),
        ("what?", &["what?"]),
        ("[a-z]", &["[a-z]"]),
        ("[", &["[a-z]"]),
        (".", &[]),
        ("日本", &["日本語", "日本"]),
        ("🦀", &["🦀 crab", "🦀crab"]),
        ("\u{10FFFF}", &["\u{10FFFF}\u{10FFFF}end", "\u{10FFFF}"]),
        ("\u{10FFFF}\u{10FFFF}", &["\u{10FFFF}\u{10FFFF}end"]),
        ("\u{D7FF}", &["\u{D7FF}"]),
    ];
    for (beginning, expected) in searches {
        let filter = named(beginning);
        found(&store, &filter, expected).await;
    }
}

/// The longest name is found by its whole, and told from one that differs in its last character.
pub async fn s10_a_long_name_is_found_by_its_whole(store: impl SessionStore) {
    let store = Probe::new(store);
    let long = |last: &str| "🦀".repeat(199) + last;
    // Three times as many characters when folded.
    let growing = |last: &str| "ΐ".repeat(199) + last;
    let names = [long("a"), long("b"), growing("a"), growing("b")];
    let names = names.each_ref().map(String::as_str);
    put_named(&store, &names).await;
    for name in names {
        found(&store, &named(name), &[name]).await;
    }
    found(&store, &named(&"🦀".repeat(199)), &names[..2]).await;
    found(&store, &named(&"ΐ".repeat(199)), &names[2..]).await;
    found(&store, &named(&"🦀".repeat(300)), &[]).await;
}

/// Where it is offered, a name is found by any part of it; where it is not, whoever asks gets an error, and nothing happens.
pub async fn s10_a_part_of_a_name_is_found_or_refused(store: impl SessionStore) {
    let store = Probe::new(store);
    let names = [
        "Alice Smith",
        "SMITH",
        "100% sure",
        "a_b",
        "acb",
        r"back\slash",
        "Straße",
        "Bob",
    ];
    put_named(&store, &names).await;
    let contains = |part| Filter::name_contains(part).expect("not empty");
    if !store.inner().searches_within_names() {
        refuses(&store, &contains("smith")).await;
        let combined = of_subject("alice").and_name_contains("smith");
        refuses(&store, &combined.expect("not empty")).await;
        assert_eq!(store.everyone(start()).await.len(), names.len());
        assert!(store.drain_log(start()).await.is_empty());
        return;
    }
    let searches: [(&str, &[&str]); 10] = [
        ("smith", &["Alice Smith", "SMITH"]),
        ("ICE", &["Alice Smith"]),
        ("0% s", &["100% sure"]),
        ("%", &["100% sure"]),
        ("_", &["a_b"]),
        (r"k\s", &[r"back\slash"]),
        ("asse", &["Straße"]),
        ("b", &["a_b", "acb", r"back\slash", "Bob"]),
        ("smith ", &[]),
        ("x", &[]),
    ];
    for (part, expected) in searches {
        found(&store, &contains(part), expected).await;
    }
    let reason = EndReason::Revoked;
    let selection = contains("SMITH").into();
    let ended = store.delete_matching(&selection, reason, 10, start()).await;
    assert_eq!(ended, 2);
    assert_eq!(store.everyone(start()).await.len(), names.len() - 2);
}

/// Sessions without a name are in no search for names.
pub async fn s10_a_session_without_a_name_is_not_found_by_one(store: impl SessionStore) {
    let store = Probe::new(store);
    let nameless = Record {
        display_name: None,
        ..record("alice", 1)
    };
    let named_null = Record {
        display_name: Some("null".to_owned()),
        ..record("alice", 2)
    };
    store.put_all(&[nameless.clone(), named_null.clone()]).await;
    for (beginning, expected) in [("n", 1), ("null", 1), ("none", 0), ("a", 0), (" ", 0)] {
        let found = store.find(&named(beginning), 10, start()).await;
        assert_eq!(found.len(), expected, "{beginning:?}");
        assert!(found.iter().all(|record| record.key == named_null.key));
    }
    assert_eq!(store.count(&of_subject("alice").into(), start()).await, 2);
}

async fn put_named<S: SessionStore>(store: &Probe<S>, names: &[&str]) {
    for (number, name) in names.iter().enumerate() {
        let record = Record {
            display_name: Some((*name).to_owned()),
            ..record("alice", number)
        };
        store.put(&record).await;
    }
}

/// Asserts that these names are found, in whatever order.
async fn found<S: SessionStore>(store: &Probe<S>, filter: &Filter, expected: &[&str]) {
    let expected: BTreeSet<_> = expected
        .iter()
        .map(|name| Some((*name).to_owned()))
        .collect();
    for listed in [
        store.find(filter, 100, start()).await,
        store.query(&newest(filter.clone(), 100), start()).await,
    ] {
        let names = listed.iter().map(|record| record.display_name.clone());
        assert_eq!(names.collect::<BTreeSet<_>>(), expected, "{filter:?}");
        assert_eq!(listed.len(), expected.len(), "{filter:?}");
    }
    let counted = store.count(&filter.clone().into(), start()).await;
    assert_eq!(counted, expected.len() as u64, "{filter:?}");
}

async fn refuses<S: SessionStore>(store: &Probe<S>, filter: &Filter) {
    let (store, selection) = (store.inner(), filter.clone().into());
    let query = newest(filter.clone(), 10);
    let reason = EndReason::Revoked;
    assert!(store.find(filter, 10, start()).await.is_err());
    assert!(store.query(&query, start()).await.is_err());
    assert!(store.count(&selection, start()).await.is_err());
    let revoked = store.delete_matching(&selection, reason, 10, start()).await;
    assert!(revoked.is_err());
}
