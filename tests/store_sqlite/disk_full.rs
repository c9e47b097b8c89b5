use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use axum::http::StatusCode;
use axum_user_session::{
    UserSession,
    ended::EndReason,
    store::{End, Loaded, SessionStore, SqliteStore, Touch},
    testing::Page,
};

use crate::{
    child::{self, Running},
    fixtures::{cause, create, found, now, record},
    support::{AUTH, Lab, MINUTE, user},
};

/// A command that is run where `prepare`, a shell command that mounts something, has been. Where nobody may mount, that is a failure, or with `ALLOW_NO_MOUNT=1`
/// none, said aloud.
pub fn in_a_mount(prepare: &str, command: Command) -> Option<Command> {
    // The second is for those who are not root, where the system lets them be it for themselves.
    let namespaces: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
    let works = |namespace: &&&[&str]| {
        let mut probe = Command::new("unshare");
        probe
            .args(**namespace)
            .args(["sh", "-c", "mount -t tmpfs tmpfs /tmp"]);
        let probe = probe.stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    let Some(namespace) = namespaces.iter().find(works) else {
        let why = "mounting a file system is not permitted here, so no disk can be filled and none made read-only";
        let allowed = env::var_os("ALLOW_NO_MOUNT").is_some_and(|value| value == "1");
        assert!(
            allowed,
            "{why}; with ALLOW_NO_MOUNT=1 this is not tested, and passes"
        );
        eprintln!("NOT TESTED: {why}");
        return None;
    };
    let mut mounted = Command::new("unshare");
    mounted
        .args(*namespace)
        .args(["sh", "-c", &format!("{prepare} && exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in command.get_envs() {
        mounted.env(name, value.unwrap_or_default());
    }
    Some(mounted)
}

#[test]
fn s9_a_full_disk_fails_writes_and_loses_nothing() {
    on_a_small_disk("fill the disk");
}

#[test]
fn s9_users_on_a_full_disk_stay_signed_in_and_changes_are_503() {
    on_a_small_disk("serve on a full disk");
}

fn on_a_small_disk(task: &str) {
    let mount = tempfile::tempdir().unwrap();
    let prepare = format!("mount -t tmpfs -o size=4m tmpfs {}", mount.path().display());
    let path = mount.path().join("sessions.db");
    if let Some(mut command) = in_a_mount(&prepare, child::command(task, &path)) {
        assert!(Running::spawn(&mut command).succeeds());
    }
}

/// The task of a process that has a small disk: to use the store.
pub async fn fill(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    create(&store, 0).await;
    // Something else takes most of the disk, and leaves it later.
    let other = path.with_file_name("other");
    fs::write(&other, vec![1; 2 << 20]).unwrap();

    let mut stored = vec![0];
    let full = loop {
        let number = stored.len() as u64;
        match store.create(&record(number), None, now()).await {
            Ok(_) => stored.push(number),
            Err(error) => break cause(Err::<(), _>(error)),
        }
        assert!(number < 10_000, "the disk is never full");
    };
    assert!(full.contains("full"), "{full}");

    // Many at once share a transaction: all of them hear of it.
    let first = stored.len() as u64;
    let tasks = (0..50).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .create(&record(first + task), None, now())
                .await
                .is_err()
        })
    });
    let mut failed = 0;
    for task in tasks.collect::<Vec<_>>() {
        failed += usize::from(task.await.unwrap());
    }
    assert_eq!(failed, 50);
    let end = End::because(EndReason::SignOut);
    assert!(store.delete(&record(0).key, end, now()).await.is_err());

    // Those who are signed in stay so, even when a sign of life is due.
    let later = now() + Duration::from_secs(60);
    let touch = Touch {
        every: Duration::from_secs(60),
        expires: now() + Duration::from_secs(7200),
    };
    for number in &stored {
        assert_eq!(found(&store, *number).await.ticket, record(*number).ticket);
        let loaded = store.load(&record(*number).key, Some(touch), later).await;
        assert!(matches!(loaded.unwrap(), Loaded::Found(_)));
    }

    fs::remove_file(other).unwrap();
    assert!(
        store
            .delete(&record(0).key, end, now())
            .await
            .unwrap()
            .is_some()
    );
    for task in 0..50 {
        create(&store, first + task).await;
    }
    drop(store);
    let store = SqliteStore::open(path).unwrap();
    for number in stored.into_iter().skip(1).chain(first..first + 50) {
        assert_eq!(found(&store, number).await.ticket, record(number).ticket);
    }
}

/// The task of a process that has a small disk: to serve users.
pub async fn serve(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let mut lab = Lab::with(|config| config.store(store).sliding(true));
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let other = path.with_file_name("other");
    fs::write(&other, vec![1; 2 << 20]).unwrap();

    let sign_in =
        |session: UserSession| async move { session.sign_in(user("bob")).await.map(drop) };
    for number in 0.. {
        assert!(number < 10_000, "the disk is never full");
        let mut bob = lab.other_browser();
        lab.script.set(sign_in);
        let page = bob.get("/").await;
        if page.status == StatusCode::OK {
            continue;
        }
        assert_unavailable(&page);
        assert_eq!(bob.cookie_names(), [""; 0]);
        break;
    }
    // A sign of life is due, and can't be noted.
    lab.clock.advance(2 * MINUTE);
    assert_eq!(lab.seen().await, "alice [client1]");
    // A few more may fit in pages that there are.
    let mut answered = vec!["client1".to_owned()];
    for number in 2.. {
        assert!(number < 10_000, "the disk is never full");
        let client = format!("client{number}");
        let added = client.clone();
        let page = lab
            .visit(|session| async move { session.add_client_id(&added).await.map(drop) })
            .await;
        if page.status != StatusCode::OK {
            assert_unavailable(&page);
            break;
        }
        answered.push(client);
    }
    let alice = |clients: &[String]| format!("alice [{}]", clients.join(","));
    assert_eq!(lab.seen().await, alice(&answered));
    let page = lab
        .visit(|session| async move { session.sign_out().await.map(drop) })
        .await;
    assert_unavailable(&page);
    assert_eq!(lab.seen().await, alice(&answered));

    fs::remove_file(other).unwrap();
    lab.add_client("last").await;
    answered.push("last".to_owned());
    assert_eq!(lab.seen().await, alice(&answered));
    let copy = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.sign_out().await;
    lab.browser.plant(AUTH, &copy);
    assert_eq!(lab.seen().await, "nobody");
}

fn assert_unavailable(page: &Page) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), Some("5"));
    assert_eq!(page.set_cookies(), [""; 0]);
}
