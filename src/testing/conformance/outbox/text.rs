//! Texts and times come back as they were.

use std::time::SystemTime;

use super::{fixtures::*, probe::Probe};
use crate::store::{DeliveryFilter, LogoutOutbox, Outcome};

/// Characters that mean something to a database, a protocol or a script are characters here, and the longest texts are kept whole.
pub async fn o6_odd_text_comes_back_as_it_was(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for (number, text) in (0..).zip(odd_texts()) {
        let ended = ended(&text, number);
        let told = [client(&text)];
        assert_eq!(
            outbox.put_in(&ended, &told, at(SECOND)).await,
            1,
            "{text:?}"
        );
        assert_eq!(
            outbox.put_in(&ended, &told, at(SECOND)).await,
            0,
            "{text:?}"
        );
        let taken = outbox.take_one(at(SECOND)).await;
        assert_eq!((&taken.client, &taken.subject), (&told[0], &text));
        let outcome = failed(&text, at(HOUR));
        assert_eq!(
            outbox.settle(&[taken.settled(outcome)], at(MINUTE)).await,
            1
        );
        let filter = DeliveryFilter {
            subject: Some(text.clone()),
            client: Some(told[0].clone()),
            ..DeliveryFilter::default()
        };
        let found = outbox.list(&filter, 10).await;
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!((&found[0].client, &found[0].subject), (&told[0], &text));
        assert_eq!(found[0].failure.as_ref(), Some(&text));
    }
    let except: Vec<_> = odd_texts().iter().map(|text| client(text)).collect();
    assert!(
        outbox
            .take_but(MINUTE, 100, &except, at(HOUR))
            .await
            .is_empty()
    );
    assert_eq!(outbox.take_all(at(HOUR)).await.len(), except.len());
}

/// A client or a subject is named by its text, character by character: case, space and composition count, and nothing stands for something else.
pub async fn o6_subjects_and_clients_are_their_exact_texts(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let texts = [
        "a",
        "A",
        "a ",
        " a",
        "aa",
        "%",
        "_",
        "*",
        "\u{e9}",
        "e\u{301}",
        "a\u{200b}",
    ];
    for (number, text) in (0..).zip(texts) {
        let ended = ended(text, number);
        assert_eq!(outbox.put_in(&ended, &[client(text)], at(SECOND)).await, 1);
    }
    let ended = ended("everybody", 100);
    let told = clients(texts);
    assert_eq!(outbox.put_in(&ended, &told, at(SECOND)).await, 11);
    for text in texts {
        let of_subject = DeliveryFilter {
            subject: Some(text.to_owned()),
            ..DeliveryFilter::default()
        };
        let for_client = DeliveryFilter {
            client: Some(client(text)),
            ..DeliveryFilter::default()
        };
        let of_subject = outbox.list(&of_subject, 100).await;
        assert_eq!(of_subject.len(), 1, "of {text:?}: {of_subject:?}");
        let for_client = outbox.list(&for_client, 100).await;
        assert_eq!(for_client.len(), 2, "for {text:?}: {for_client:?}");
        let others = outbox.take_but(MS, 100, &[client(text)], at(HOUR)).await;
        assert_eq!(others.len(), 20, "but {text:?}");
        let back = super::fixtures::all(&others, &Outcome::PutBack);
        assert_eq!(outbox.settle(&back, at(HOUR)).await, 20);
    }
}

/// The beginning of what happened is kept, by characters and not by bytes, and no control character of it.
pub async fn o6_a_failure_is_kept_in_part(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let flames = "\u{1f525}".repeat(201);
    for (number, (name, why, kept)) in (0..).zip([
        ("nothing", "".to_owned(), "".to_owned()),
        ("200 characters", "x".repeat(200), "x".repeat(200)),
        ("201", "x".repeat(201), "x".repeat(200)),
        ("201 of four bytes", flames, "\u{1f525}".repeat(200)),
        ("a megabyte", "\u{e9}".repeat(500_000), "\u{e9}".repeat(200)),
        (
            "control characters",
            "a\0b\r\nc\u{9b}".to_owned(),
            "a b  c ".to_owned(),
        ),
    ]) {
        for outcome in [failed(&why, at(HOUR)), given_up(&why)] {
            let number = 2 * number + u64::from(matches!(outcome, Outcome::Failed { .. }));
            let ended = ended("alice", number);
            outbox
                .put_in(&ended, &clients(["client1"]), at(SECOND))
                .await;
            outbox.try_one(outcome, at(SECOND)).await;
            let delivery = outbox.one(ended.event_id, &client("client1")).await;
            assert_eq!(delivery.failure.as_ref(), Some(&kept), "{name}");
        }
    }
}

/// The caller's clock decides, and it is long ago where cases begin.
pub async fn o6_times_are_the_callers_to_the_millisecond(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1"]);
    let again = at(2 * HOUR + 7 * MS);
    outbox.put_in(&ended("alice", 1), &told, at(MS)).await;
    outbox.try_one(failed("refused", again), at(3 * MS)).await;
    let delivery = outbox.only().await;
    assert_eq!(delivery.created, at(MS));
    assert_eq!(delivery.due, Some(again));
    let taken = outbox.take_one(again).await;
    assert_eq!(outbox.only().await.due, Some(again + MINUTE));
    let settled = taken.settled(Outcome::Delivered);
    outbox.settle(&[settled], at(3 * HOUR + 9 * MS)).await;
    let delivery = outbox.only().await;
    assert_eq!(
        (delivery.due, delivery.settled),
        (None, Some(at(3 * HOUR + 9 * MS)))
    );

    // The last day of a clock that counts seconds in 32 bits, and a time before all of them began.
    for (number, now) in [(2, i64::from(u32::MAX)), (3, -1_000)] {
        let distance = std::time::Duration::from_secs(now.unsigned_abs());
        let now = match now {
            0.. => SystemTime::UNIX_EPOCH + distance,
            _ => SystemTime::UNIX_EPOCH - distance,
        };
        outbox.put_in(&ended("alice", number), &told, now).await;
        let delivery = outbox.one(event(number), &told[0]).await;
        assert_eq!((delivery.created, delivery.due), (now, Some(now)));
    }
}

fn odd_texts() -> Vec<String> {
    let odd = [
        "'; drop table deliveries; --",
        "\"quoted\" and 'quoted'",
        "back\\slash \\' \\\" \\\\",
        "{braces} }{ {{}} {aus:1}",
        "[\"json\", null]",
        "$1 ? :name %s {0} ${x}",
        "NULL",
        "comma, semicolon; tab-less",
        "a=b&c=d#e",
        "<b>&amp;</b>",
        "Straße ÅÅ ﬁ 名前 \u{1f469}\u{200d}\u{1f680}",
        "\u{202e}right to left\u{2069}",
        "\u{feff}mark",
        " spaces at both ends ",
    ];
    let mut texts = odd.map(str::to_owned).to_vec();
    texts.extend([
        "\u{1f525}".repeat(200),
        "\u{e9}".repeat(200),
        "x".repeat(200),
    ]);
    texts
}
