//! k9 and k10 of the contract: keys change while users stay signed in, on one node and on several.

mod support;

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, SystemTime},
};

use axum_user_session::{
    KeyRing,
    key_ring::{KeyId, KeyRingError},
};
use support::*;

/// The id of the key that sealed the browser's ticket: bytes 1 to 8 of what is sealed.
fn sealed_under(lab: &Lab) -> KeyId {
    key_of(lab.browser.cookie(AUTH).unwrap())
}

fn key_of(sealed: &str) -> KeyId {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let hex: String = bytes[1..9]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.parse().unwrap()
}

#[tokio::test]
async fn k9_a_rotation_signs_nobody_out_and_renewals_use_the_new_key() {
    let mut lab = Lab::with(|config| config.sliding(true));
    let old = lab.ring.keys()[0].id();
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), old);

    let new = lab.ring.add().unwrap();
    assert_eq!(lab.seen().await, "alice []");
    lab.add_client("client1").await;
    assert_eq!(
        sealed_under(&lab),
        old,
        "a key that was only added seals nothing"
    );

    lab.ring.promote(new).unwrap();
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "alice [client1]");
    assert!(
        page.set_cookies().is_empty(),
        "a rotation alone sets no cookies"
    );

    lab.clock.advance(6 * HOUR);
    lab.seen().await;
    assert_eq!(sealed_under(&lab), new, "the renewal re-sealed");
    assert_eq!(lab.seen().await, "alice [client1]");
}

#[tokio::test]
async fn k9_retire_refuses_while_tickets_may_be_alive() {
    let lab = Lab::new();
    let ring = &lab.ring;
    let old = ring.keys()[0].id();
    let new = ring.add().unwrap();
    assert!(matches!(ring.retire(old), Err(KeyRingError::PrimaryKey)));
    let promoted = SystemTime::now();
    ring.promote_at(new, promoted).unwrap();
    let wait = |result| match result {
        Err(KeyRingError::TooEarly { wait }) => wait,
        other => panic!("{other:?}"),
    };
    // A minute more than the lifetime: other processes may have sealed with it for that long.
    let early = promoted + 24 * HOUR + MINUTE - Duration::from_secs(1);
    assert!(wait(ring.retire_at(old, early)) <= Duration::from_secs(1));
    ring.retire_at(old, promoted + 24 * HOUR + MINUTE).unwrap();
    assert_eq!(ring.keys().len(), 1);
    assert!(matches!(ring.retire(old), Err(KeyRingError::UnknownKey)));
}

#[tokio::test]
async fn k9_the_longest_lifetime_of_all_configurations_counts() {
    let ring = KeyRing::ephemeral();
    let _short = Lab::with_ring(ring.clone(), |config| config);
    let _long = Lab::with_ring(ring.clone(), |config| config.lifetime(72 * HOUR));
    let _shorter = Lab::with_ring(ring.clone(), |config| config.lifetime(HOUR));
    let old = ring.keys()[0].id();
    let now = SystemTime::now();
    ring.promote_at(ring.add().unwrap(), now).unwrap();
    assert!(ring.retire_at(old, now + 72 * HOUR).is_err());
    assert!(ring.retire_at(old, now + 72 * HOUR + MINUTE).is_ok());
}

#[tokio::test]
async fn k9_a_key_that_never_sealed_can_go_at_once() {
    let ring = KeyRing::ephemeral();
    let added = ring.add().unwrap();
    ring.retire(added).unwrap();
}

#[tokio::test]
async fn k9_a_leaked_key_goes_at_once_and_its_sessions_with_it() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let leaked = lab.ring.keys()[0].id();
    lab.ring.promote(lab.ring.add().unwrap()).unwrap();
    lab.ring.retire_and_sign_out_its_sessions(leaked).unwrap();
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn k9_secrets_give_the_same_ring_on_every_node() {
    let (new, old) = ([1; 32], [2; 40]);
    let mut before = Lab::with_ring(KeyRing::from_secrets([&old[..]]).unwrap(), |config| config);
    before.sign_in("alice").await;
    let mut after = Lab::with_ring(KeyRing::from_secrets([&new[..], &old]).unwrap(), |config| {
        config
    });
    after
        .browser
        .plant(AUTH, before.browser.cookie(AUTH).unwrap());
    assert_eq!(after.seen().await, "alice []");
    after.sign_in("bob").await;
    assert_eq!(sealed_under(&after), after.ring.keys()[0].id());
}

#[test]
fn k9_secrets_table() {
    assert!(matches!(
        KeyRing::from_secrets([[1; 31]]),
        Err(KeyRingError::ShortSecret)
    ));
    assert!(matches!(
        KeyRing::from_secrets([[1; 32], [1; 32]]),
        Err(KeyRingError::DuplicateKey)
    ));
    assert!(
        KeyRing::from_secrets(<[[u8; 32]; 0]>::default())
            .unwrap()
            .keys()
            .is_empty()
    );
    assert!(matches!(
        KeyRing::from_env("NO_SUCH_VARIABLE_HERE"),
        Err(KeyRingError::Environment { .. })
    ));
    let ring = KeyRing::empty();
    ring.add_secret(&[1; 32]).unwrap();
    assert!(ring.keys()[0].is_primary());
    assert!(matches!(
        ring.add_secret(&[1; 32]),
        Err(KeyRingError::DuplicateKey)
    ));
}

/// Runs in a process of its own, because an environment belongs to a process.
#[test]
fn k9_from_the_environment() {
    const VARIABLE: &str = "AXUM_USER_SESSION_TEST_KEYS";
    if std::env::var_os(VARIABLE).is_some() {
        let ring = KeyRing::from_env(VARIABLE).unwrap();
        let same = KeyRing::from_secrets([[1_u8; 32], [2; 32]]).unwrap();
        let ids = |ring: &KeyRing| ring.keys().iter().map(|key| key.id()).collect::<Vec<_>>();
        assert_eq!(ids(&ring), ids(&same));
        return;
    }
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let value = format!(
        "{}, {}",
        BASE64_URL_SAFE_NO_PAD.encode([1; 32]),
        BASE64_URL_SAFE_NO_PAD.encode([2; 32])
    );
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "k9_from_the_environment"])
        .env(VARIABLE, value)
        .status();
    assert!(status.unwrap().success());
}

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("sub/keys.json")
    }

    fn open(&self) -> KeyRing {
        KeyRing::open_file(self.path()).unwrap()
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
#[cfg(unix)]
fn k9_the_file_is_private_after_every_write() {
    let file = File::new();
    let ring = file.open();
    assert_eq!(mode(&file.path()), 0o600);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    // A left-over of a crash must not lend its permissions either.
    let left_over = file.path().with_file_name("keys.json.new");
    fs::write(&left_over, "x").unwrap();
    fs::set_permissions(&left_over, fs::Permissions::from_mode(0o666)).unwrap();
    ring.add().unwrap();
    assert_eq!(mode(&file.path()), 0o600);
    assert!(!left_over.exists());
}

#[tokio::test]
async fn k9_another_process_notices_a_new_key_at_once_when_it_meets_it() {
    let file = File::new();
    let mut here = Lab::with_ring(file.open(), |config| config);
    let mut there = Lab::with_ring(file.open(), |config| config);
    here.sign_in("alice").await;
    there
        .browser
        .plant(AUTH, here.browser.cookie(AUTH).unwrap());
    assert_eq!(there.seen().await, "alice []");

    let new = here.ring.add().unwrap();
    here.ring.promote(new).unwrap();
    here.sign_in("alice").await;
    assert_eq!(sealed_under(&here), new);
    there
        .browser
        .plant(AUTH, here.browser.cookie(AUTH).unwrap());
    assert_eq!(there.seen().await, "alice []");
}

#[tokio::test]
async fn k9_another_process_notices_a_promotion_within_five_seconds() {
    let file = File::new();
    let mut here = Lab::with_ring(file.open(), |config| config);
    here.sign_in("alice").await;
    let elsewhere = file.open();
    let new = elsewhere.add().unwrap();
    elsewhere.promote(new).unwrap();
    here.clock.advance(Duration::from_secs(4));
    here.sign_in("alice").await;
    assert_ne!(sealed_under(&here), new);
    here.clock.advance(Duration::from_secs(1));
    here.sign_in("alice").await;
    assert_eq!(sealed_under(&here), new);
}

#[tokio::test]
async fn k9_unknown_keys_do_not_cost_a_look_at_the_file_each() {
    let file = File::new();
    let mut here = Lab::with_ring(file.open(), |config| config);
    let mut stranger = Lab::new();
    stranger.sign_in("mallory").await;
    here.browser
        .plant(AUTH, stranger.browser.cookie(AUTH).unwrap());
    assert_eq!(here.seen().await, "nobody");
    // The second one comes within the same second: the file has a new key, and it is not looked at.
    let elsewhere = file.open();
    elsewhere.promote(elsewhere.add().unwrap()).unwrap();
    assert_eq!(here.seen().await, "nobody");
    assert_eq!(here.ring.keys().len(), 1);
    here.clock.advance(Duration::from_secs(1));
    here.seen().await;
    assert_eq!(here.ring.keys().len(), 2);
}

#[test]
fn k9_a_tool_opens_only_a_file_that_is_there() {
    let file = File::new();
    let error = KeyRing::open_existing_file(file.path()).unwrap_err();
    assert!(matches!(error, KeyRingError::Io { .. }));
    assert!(!file.path().exists());
    file.open();
    assert_eq!(
        KeyRing::open_existing_file(file.path())
            .unwrap()
            .keys()
            .len(),
        1
    );
}

#[test]
fn k9_changes_of_two_processes_do_not_undo_each_other() {
    let file = File::new();
    let (one, two) = (file.open(), file.open());
    let added = [one.add().unwrap(), two.add().unwrap(), one.add().unwrap()];
    assert!(two.reload().unwrap());
    assert!(!two.reload().unwrap(), "nothing has changed since");
    for ring in [&one, &two, &file.open()] {
        let ids: Vec<_> = ring.keys().iter().map(|key| key.id()).collect();
        assert!(added.iter().all(|id| ids.contains(id)) && ids.len() == 4);
    }
}

#[test]
fn k9_many_threads_add_keys_through_rings_of_their_own() {
    let file = File::new();
    file.open();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let ring = file.open();
                (0..5).for_each(|_| {
                    ring.add().unwrap();
                });
            });
        }
    });
    assert_eq!(file.open().keys().len(), 41);
}

#[test]
fn k9_a_file_that_is_no_key_ring_is_refused_and_kept() {
    let id = "0011223344556677";
    let secret = "A".repeat(43);
    for (name, text) in [
        ("empty", String::new()),
        ("not JSON", "keys".to_owned()),
        (
            "no keys",
            r#"{"format":1,"longest_lifetime_ms":0,"keys":[]}"#.to_owned(),
        ),
        (
            "a later format",
            format!(
                r#"{{"format":2,"longest_lifetime_ms":0,"keys":[{{"id":"{id}","secret":"{secret}","created_ms":0,"primary_until_ms":null}}]}}"#
            ),
        ),
        (
            "a short secret",
            format!(
                r#"{{"format":1,"longest_lifetime_ms":0,"keys":[{{"id":"{id}","secret":"AAAA","created_ms":0,"primary_until_ms":null}}]}}"#
            ),
        ),
        (
            "a long secret",
            format!(
                r#"{{"format":1,"longest_lifetime_ms":0,"keys":[{{"id":"{id}","secret":"{secret}AAAA","created_ms":0,"primary_until_ms":null}}]}}"#
            ),
        ),
        (
            "a broken id",
            format!(
                r#"{{"format":1,"longest_lifetime_ms":0,"keys":[{{"id":"00","secret":"{secret}","created_ms":0,"primary_until_ms":null}}]}}"#
            ),
        ),
        ("larger than a mebibyte", " ".repeat((1 << 20) + 1)),
    ] {
        let file = File::new();
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        fs::write(file.path(), &text).unwrap();
        let error = KeyRing::open_file(file.path()).unwrap_err();
        assert!(
            matches!(error, KeyRingError::Format { .. }),
            "{name}: {error}"
        );
        assert!(!error.to_string().contains(&secret), "{name}");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), text, "{name}");
    }
}

#[tokio::test]
async fn k9_a_file_that_breaks_later_leaves_the_keys_in_use() {
    let file = File::new();
    let mut lab = Lab::with_ring(file.open(), |config| config);
    lab.sign_in("alice").await;
    for breakage in ["keys", ""] {
        fs::File::create(file.path())
            .unwrap()
            .write_all(breakage.as_bytes())
            .unwrap();
        lab.clock.advance(MINUTE);
        assert_eq!(lab.seen().await, "alice []");
    }
    fs::remove_file(file.path()).unwrap();
    lab.clock.advance(MINUTE);
    assert_eq!(lab.seen().await, "alice []");
    assert!(lab.ring.reload().is_err());
}

fn active_from(ring: &KeyRing, id: KeyId, now: SystemTime) -> Option<SystemTime> {
    let keys = ring.keys_at(now);
    keys.iter().find(|key| key.id() == id)?.active_from()
}

#[tokio::test]
async fn k10_every_node_seals_with_a_new_key_from_its_moment_on() {
    let file = File::new();
    let mut here = Lab::with_ring(file.open(), |config| config.sliding(true));
    let mut there = Lab::with_ring(file.open(), |config| config.sliding(true));
    let old = here.ring.keys()[0].id();
    here.sign_in("alice").await;
    let moment = start() + 7 * HOUR;
    let new = here.ring.rotate_at(7 * HOUR, start()).unwrap();
    assert_eq!(active_from(&here.ring, new, start()), Some(moment));

    for node in [&mut here, &mut there] {
        node.clock.set(moment - Duration::from_millis(1));
        node.sign_in("bob").await;
        assert_eq!(sealed_under(node), old, "it only opens before its moment");
    }
    // Nobody does anything but look at the clock.
    for node in [&mut here, &mut there] {
        node.clock.set(moment);
        let (seen, page) = node.look().await;
        assert_eq!(seen, "bob []");
        assert!(page.set_cookies().is_empty(), "the moment sets no cookies");
        node.sign_in("bob").await;
        assert_eq!(sealed_under(node), new);
    }
    let sealed_here = here.browser.cookie(AUTH).unwrap();
    there.browser.plant(AUTH, sealed_here);
    assert_eq!(there.seen().await, "bob []");
    there.clock.advance(6 * HOUR);
    assert_eq!(there.seen().await, "bob []");
    assert_eq!(sealed_under(&there), new, "renewals use it too");
}

/// Another process rotates and, its clock being far ahead, seals with the new key already. This one has not looked at the file since.
#[tokio::test]
async fn k10_another_process_is_ahead() {
    const FILE: &str = "AXUM_USER_SESSION_TEST_KEY_FILE";
    let moment = start() + MINUTE;
    if let Some(path) = std::env::var_os(FILE) {
        let ring = KeyRing::open_existing_file(&path).unwrap();
        let mut ahead = Lab::with_ring(ring, |config| config);
        let new = ahead.ring.rotate_at(MINUTE, start()).unwrap();
        ahead.clock.set(moment);
        ahead.sign_in("alice").await;
        assert_eq!(sealed_under(&ahead), new);
        let cookie = ahead.browser.cookie(AUTH).unwrap();
        fs::write(Path::new(&path).with_file_name("cookie"), cookie).unwrap();
        return;
    }
    let file = File::new();
    let mut lab = Lab::with_ring(file.open(), |config| config);
    let old = lab.ring.keys()[0].id();
    assert_eq!(lab.seen().await, "nobody");
    lab.sign_in("bob").await;
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "k10_another_process_is_ahead"])
        .env(FILE, file.path())
        .status();
    assert!(status.unwrap().success());
    let cookie = fs::read_to_string(file.path().with_file_name("cookie")).unwrap();
    let new = key_of(&cookie);
    assert_ne!(new, old);

    lab.sign_in("bob").await;
    assert_eq!(lab.ring.keys().len(), 1, "the file was not looked at");
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "alice []");
    lab.sign_in("bob").await;
    assert_eq!(sealed_under(&lab), old, "its own clock counts");
    lab.clock.set(moment);
    lab.sign_in("bob").await;
    assert_eq!(sealed_under(&lab), new);
}

#[tokio::test]
async fn k10_a_clock_that_steps_back_across_the_moment_signs_nobody_out() {
    let mut lab = Lab::new();
    let old = lab.ring.keys()[0].id();
    let new = lab.ring.rotate_at(HOUR, start()).unwrap();
    lab.clock.set(start() + HOUR);
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), new);
    lab.clock.set(start() + HOUR - MINUTE);
    assert_eq!(lab.seen().await, "alice []");
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), old);
    lab.clock.set(start() + HOUR);
    assert_eq!(lab.seen().await, "alice []");
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), new);
}

#[tokio::test]
async fn k10_the_key_before_opens_as_long_as_it_is_needed() {
    let file = File::new();
    let mut lab = Lab::with_ring(file.open(), |config| config.lifetime(24 * HOUR));
    let old = lab.ring.keys()[0].id();
    let moment = start() + HOUR;
    let new = lab.ring.rotate_at(HOUR, start()).unwrap();
    let last = moment - Duration::from_secs(1);
    lab.clock.set(last);
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), old);
    let refused = lab.ring.retire_at(old, last);
    assert!(matches!(refused, Err(KeyRingError::PrimaryKey)));

    // A tool that never saw it happen knows when it did.
    let tool = file.open();
    let late = last + 24 * HOUR - Duration::from_secs(1);
    lab.clock.set(late);
    assert_eq!(lab.seen().await, "alice []");
    let refused = tool.retire_at(old, late);
    assert!(matches!(refused, Err(KeyRingError::TooEarly { .. })));
    let before = &tool.keys_at(late)[1];
    assert_eq!((before.id(), before.primary_until()), (old, Some(moment)));
    tool.retire_at(old, moment + 24 * HOUR + MINUTE).unwrap();
    lab.clock.set(moment + 24 * HOUR + MINUTE);
    assert_eq!(lab.seen().await, "nobody", "it has expired");
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), new);
}

#[tokio::test]
async fn k10_secrets_are_scheduled_on_each_node_whenever_it_starts() {
    let secrets = [[1; 32], [2; 32]];
    let moment = start() + HOUR;
    let node = |starts: SystemTime| {
        let ring = KeyRing::from_secrets(secrets).unwrap();
        let new = ring.keys()[1].id();
        ring.schedule_at(new, moment, starts).unwrap();
        (Lab::with_ring(ring, |config| config), new)
    };
    let (mut early, new) = node(start());
    let (mut late, _) = node(moment + MINUTE);
    early.sign_in("alice").await;
    assert_ne!(sealed_under(&early), new);
    early.clock.set(moment);
    early.sign_in("alice").await;
    assert_eq!(sealed_under(&early), new);
    late.clock.set(moment + MINUTE);
    late.browser
        .plant(AUTH, early.browser.cookie(AUTH).unwrap());
    assert_eq!(late.seen().await, "alice []");
    late.sign_in("alice").await;
    assert_eq!(sealed_under(&late), new);
}

#[tokio::test]
async fn k10_a_key_that_leaked_before_its_moment_goes_and_nobody_is_signed_out() {
    let mut lab = Lab::new();
    let old = lab.ring.keys()[0].id();
    let leaked = lab.ring.rotate_at(HOUR, start()).unwrap();
    lab.sign_in("alice").await;
    lab.ring
        .retire_and_sign_out_its_sessions_at(leaked, start())
        .unwrap();
    lab.clock.set(start() + HOUR);
    assert_eq!(lab.seen().await, "alice []");
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab), old);
}

#[test]
fn k10_a_lead_that_is_too_short_adds_no_key() {
    let ring = KeyRing::ephemeral();
    let lead = KeyRing::SHORTEST_LEAD - Duration::from_millis(1);
    let error = ring.rotate(lead).unwrap_err();
    assert!(matches!(error, KeyRingError::ShortLead { .. }));
    assert!(error.to_string().contains("60 s"), "{error}");
    assert_eq!(ring.keys().len(), 1);
    ring.rotate(KeyRing::SHORTEST_LEAD).unwrap();
    assert_eq!(ring.keys().len(), 2);
}

#[test]
fn k10_the_file_keeps_what_is_scheduled() {
    let file = File::new();
    let ring = file.open();
    let first = ring.rotate_at(HOUR, start()).unwrap();
    let second = ring.rotate_at(2 * HOUR, start()).unwrap();
    ring.schedule_at(first, start() + 3 * HOUR, start())
        .unwrap();
    assert!(
        fs::read_to_string(file.path())
            .unwrap()
            .contains(r#""format": 1"#)
    );
    for (name, reader) in [("opened again", file.open()), ("the writer", ring)] {
        for hours in [0, 2, 3] {
            let primary = reader.keys_at(start() + hours * HOUR)[0].id();
            match hours {
                2 => assert_eq!(primary, second, "{name}"),
                3 => assert_eq!(primary, first, "{name}"),
                _ => assert!(primary != first && primary != second, "{name}"),
            }
        }
        let moment = active_from(&reader, first, start());
        assert_eq!(moment, Some(start() + 3 * HOUR), "{name}");
    }
}

#[tokio::test]
async fn k10_files_from_before_keys_could_be_scheduled() {
    let (secret, other) = ("A".repeat(43), "B".repeat(42) + "A");
    let entry = |id: &str, secret: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","secret":"{secret}","created_ms":0,"primary_until_ms":null{more}}}"#
        )
    };
    let write = |file: &File, more: &str| {
        let first = entry("0011223344556677", &secret, "");
        let second = entry("8899aabbccddeeff", &other, more);
        let text = format!(r#"{{"format":1,"longest_lifetime_ms":0,"keys":[{first},{second}]}}"#);
        fs::create_dir_all(file.path().parent().unwrap()).unwrap();
        fs::write(file.path(), text).unwrap();
    };
    let file = File::new();
    write(&file, "");
    let mut lab = Lab::with_ring(file.open(), |config| config);
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab).to_string(), "0011223344556677");
    assert!(
        lab.ring
            .keys()
            .iter()
            .all(|key| key.active_from().is_none())
    );

    write(&file, r#","active_from_ms":1800000001000"#);
    lab.clock.advance(MINUTE);
    assert_eq!(lab.seen().await, "alice []");
    lab.sign_in("alice").await;
    assert_eq!(sealed_under(&lab).to_string(), "8899aabbccddeeff");

    for moment in ["\"soon\"", "-1", "1.5", "18446744073709551616"] {
        write(&file, &format!(r#","active_from_ms":{moment}"#));
        let error = KeyRing::open_file(file.path()).unwrap_err();
        assert!(matches!(error, KeyRingError::Format { .. }), "{moment}");
    }
    write(&file, r#","active_from_ms":18446744073709551615"#);
    assert_eq!(file.open().keys()[0].id().to_string(), "0011223344556677");
}
