use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use axum_user_session::store::{Loaded, SessionStore};

use crate::{
    child::Running,
    fixtures::{Place, create, now, record},
};

/// A process is killed in the middle of its writes, several times at different moments: what it had answered is there, and what it had
/// ended is not. Others find it so when they open the file later, and when they have had it open all the time.
#[tokio::test]
async fn s6_a_killed_process_loses_nothing_that_it_has_answered() {
    for (answers, open_meanwhile) in [(1, true), (50, false), (500, true), (2000, false)] {
        let place = Place::new();
        let bystander = open_meanwhile.then(|| place.open());
        let mut writer = Running::start("write", &place.path);
        let (mut created, mut ending, mut ended) = (HashSet::new(), HashSet::new(), HashSet::new());
        let began = Instant::now();
        for seen in 0.. {
            if seen == answers || began.elapsed() > Duration::from_secs(20) {
                // SIGKILL; what it has said until then is still to be read.
                writer.child.kill().unwrap();
            }
            let Some(line) = writer.line() else {
                break;
            };
            let (what, number) = line.split_once(' ').unwrap();
            let number: u64 = number.parse().unwrap();
            match what {
                "created" => created.insert(number),
                "ending" => ending.insert(number),
                _ => ended.insert(number),
            };
        }
        assert!(!created.is_empty());

        let store = bystander.unwrap_or_else(|| place.open());
        for number in created {
            let loaded = store.load(&record(number).key, None, now()).await.unwrap();
            match loaded {
                Loaded::Found(_) => assert!(!ended.contains(&number), "{number} came back"),
                Loaded::Gone => assert!(ending.contains(&number), "{number} was lost"),
                Loaded::Missing => panic!("{number} was lost"),
            }
        }
        let log = store
            .take_ended(Duration::ZERO, 100_000, now())
            .await
            .unwrap();
        let logged: HashSet<_> = log.iter().map(|taken| taken.ended.session_id).collect();
        assert_eq!(logged.len(), log.len(), "each end is logged once");
        for number in ended {
            assert!(logged.contains(&record(number).session_id));
        }
        create(&store, u64::MAX).await;
        let check = place.connect();
        let check = check.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.unwrap(), "ok");
    }
}
