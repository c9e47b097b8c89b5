use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use axum_user_session::{
    ended::EndReason,
    store::{End, Loaded, SessionStore, SqliteStore, Touch},
};

use crate::{
    child::{self, Running},
    fixtures::{cause, create, found, now, record},
};

/// A command that is run where `prepare`, a shell command that mounts something, has been. None, said aloud, where nobody may mount.
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
        eprintln!(
            "NOT TESTED: mounting a file system is not permitted here, so no disk can be filled and none made read-only"
        );
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
    let mount = tempfile::tempdir().unwrap();
    let prepare = format!("mount -t tmpfs -o size=4m tmpfs {}", mount.path().display());
    let path = mount.path().join("sessions.db");
    if let Some(mut command) = in_a_mount(&prepare, child::command("fill the disk", &path)) {
        assert!(Running::spawn(&mut command).succeeds());
    }
}

/// The task of the process that has a small disk.
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
