//! What the server does for each operation, as it says itself: no plan reads a whole table, however little the planner knows.

use std::{
    num::NonZeroU32,
    time::{Duration, UNIX_EPOCH},
};

use axum_user_session::{
    ended::EndReason,
    store::{
        Continuity, End, Filter, Limit, Part, Position, PostgresStore, Query, Selection,
        SessionStore, Touch, Update, WhenReached,
    },
};

use crate::{
    servers::Postgres,
    support::{HOUR, client, migrated, next_of, now, session, session_id},
};

/// Twenty thousand sessions, two of each subject, and as many ends.
const FILL: &str = "
    insert into axum_user_session.sessions (
        version, created_ms, renewed_ms, expires_ms, sweep_ms, key, subject, session_id, display_name, folded_name, clients, ticket)
    select 1, 1700000000000 + i, 1700000000000 + i, 1900000000000 + i, 1900000000000 + i, sha256(i::text::bytea),
        'subject ' || i / 2, 'S' || i, 'Name ' || i / 2, 'name ' || i / 2, '{client}', sha256(i::text::bytea)
    from generate_series(1, 20000) as i;
    insert into axum_user_session.ended (at_ms, event_id, subject, session_id, reason, clients)
    select i, sha256(i::text::bytea), 'subject', 'S', 'expired', '{}' from generate_series(1, 20000) as i;
    vacuum analyze axum_user_session.sessions;
    vacuum analyze axum_user_session.ended";

/// The plans that are made without the values, which is what prepared statements end with.
pub(crate) const EXPLAIN: &str = "?options[plan_cache_mode]=force_generic_plan\
    &options[session_preload_libraries]=auto_explain\
    &options[auto_explain.log_min_duration]=0\
    &options[auto_explain.log_nested_statements]=on\
    &options[auto_explain.log_analyze]=on\
    &options[auto_explain.log_timing]=off";

/// Runs an operation, sees that its statements used an index and read no whole table, and gives its answer.
macro_rules! uses {
    ($server:ident, $index:expr, $operation:expr) => {{
        let before = $server.log().len();
        let answer = $operation.await.unwrap();
        $crate::plans::check(stringify!($operation), &$server.log()[before..], $index);
        answer
    }};
}

pub(crate) use uses;

pub(crate) fn check(operation: &str, plans: &str, index: &str) {
    assert!(plans.contains("Query Text"), "{operation} is not explained");
    // Not what the server had planned, and then did not have to do.
    let executed = plans
        .lines()
        .filter(|line| !line.contains("never executed"));
    let executed: Vec<_> = executed.collect();
    let uses = |node: &str| executed.iter().any(|line| line.contains(node));
    assert!(uses(index), "{operation} does not use {index}:\n{plans}");
    assert!(
        !uses("Seq Scan"),
        "{operation} reads a whole table:\n{plans}"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn each_operation_uses_its_index() {
    let server = Postgres::start();
    let url = server.url("postgres");
    migrated(PostgresStore::connect(&url).await.unwrap()).await;
    for statement in FILL.split(';') {
        server.sql("postgres", statement);
    }
    let store = PostgresStore::connect(&format!("{url}{EXPLAIN}"))
        .await
        .unwrap();

    let record = session("newcomer", 30_000);
    let limit = Some(Limit {
        max: NonZeroU32::MIN,
        when_reached: WhenReached::EndOldest,
    });
    let touch = Touch {
        every: Duration::ZERO,
        expires: now() + 2 * HOUR,
    };
    let late = client("late");
    let key = record.key;
    uses!(
        server,
        "sessions_subject",
        store.create(&record, limit, now())
    );
    uses!(server, "sessions_pkey", store.load(&key, None, now()));
    uses!(
        server,
        "sessions_pkey",
        store.load(&key, Some(touch), now())
    );
    uses!(server, "sessions_pkey", store.touch(&key, touch, now()));
    uses!(
        server,
        "sessions_pkey",
        store.add_client(&key, &late, now())
    );
    uses!(
        server,
        "sessions_pkey",
        store.remove_client(&key, &late, now())
    );
    let update = Update {
        ticket: vec![1],
        display_name: Some("another".to_owned()),
    };
    uses!(
        server,
        "sessions_pkey",
        store.update(&key, &update, 1, now())
    );
    let next = next_of(&record, 30_001);
    let goes_on = Continuity::SameSession;
    uses!(
        server,
        "sessions_pkey",
        store.replace(&key, &next, goes_on, None, now())
    );
    let anew = session("newcomer", 30_002);
    let begins = Continuity::NewSession;
    uses!(
        server,
        "sessions_subject",
        store.replace(&key, &anew, begins, limit, now())
    );
    let end = End::because(EndReason::SignOut);
    uses!(server, "sessions_pkey", store.delete(&anew.key, end, now()));

    let page = |selection: &Selection, part: Part| Query {
        selection: selection.clone(),
        part,
        limit: 26,
    };
    let middle = Position {
        created: UNIX_EPOCH + Duration::from_millis(1_700_000_010_000),
        session_id: session_id(10_000),
    };
    let everyone = Selection::Everyone;
    let subject = Filter::subject("subject 77").unwrap();
    let one = Filter::session_id(session_id(77));
    let name = |begin: &str| Selection::from(Filter::name_begins_with(begin).unwrap());
    let many = name("Name");
    for part in [
        Part::Newest,
        Part::OlderThan(middle),
        Part::NewerThan(middle),
    ] {
        uses!(
            server,
            "sessions_newest",
            store.query(&page(&everyone, part), now())
        );
        uses!(
            server,
            "sessions_newest",
            store.query(&page(&many, part), now())
        );
    }
    let of_subject = page(&subject.clone().into(), Part::OlderThan(middle));
    uses!(server, "sessions_subject", store.query(&of_subject, now()));
    uses!(server, "sessions_subject", store.find(&subject, 25, now()));
    uses!(server, "sessions_session_id", store.find(&one, 25, now()));
    let few = uses!(
        server,
        "sessions_name",
        store.query(&page(&name("name 777"), Part::Newest), now())
    );
    assert_eq!(few.len(), 22, "subjects 777 and 7770 to 7779");
    uses!(
        server,
        "sessions_name",
        store.count(&name("name 777"), now())
    );
    uses!(
        server,
        "sessions_subject",
        store.count(&subject.clone().into(), now())
    );

    let why = EndReason::Revoked;
    uses!(
        server,
        "sessions_subject",
        store.delete_matching(&subject.into(), why, 100, now())
    );
    uses!(
        server,
        "sessions_session_id",
        store.delete_matching(&one.into(), why, 100, now())
    );
    uses!(
        server,
        "sessions_name",
        store.delete_matching(&many, why, 100, now())
    );
    uses!(
        server,
        "sessions_newest",
        store.delete_matching(&everyone, why, 100, now())
    );
    let later = UNIX_EPOCH + Duration::from_millis(1_900_000_010_000);
    uses!(server, "sessions_sweep", store.take_expired(100, later));
    let taken = uses!(server, "ended_next", store.take_ended(HOUR, 100, later));
    let events: Vec<_> = taken.iter().map(|taken| taken.ended.event_id).collect();
    uses!(server, "ended_event", store.acknowledge(&events));
    uses!(
        server,
        "sessions_gone",
        store.purge(UNIX_EPOCH, later + 2 * HOUR)
    );
    let unheard = UNIX_EPOCH + Duration::from_millis(1000);
    uses!(server, "ended_at", store.purge(unheard, later));
}
