//! Sessions to fill stores with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_user_session::{
    id::{ClientId, SessionId},
    store::{Device, Record, RecordKey, SessionStore},
};
use tokio::task::JoinSet;

use crate::asked::{client, display_name, subject};

/// How long a session may be idle.
const IDLE: Duration = Duration::from_secs(36_000);
/// How many are put in at once.
const LANES: u64 = 64;

/// One of a usual size: a ticket of 600 bytes, a name, two clients. Each has a subject of its own, and they began a millisecond after each other.
pub(crate) fn stored(number: u64) -> Record {
    let subject = subject(number);
    let mut digest = [0; RecordKey::LEN];
    for (at, chunk) in digest.chunks_mut(8).enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 + 2 * at as u64);
        chunk.copy_from_slice(&mixed.to_be_bytes());
    }
    let id = digest[..16].iter().map(|byte| format!("{byte:02X}"));
    let id = SessionId::parse(&id.collect::<String>());
    let clients = [1, 2].map(|number| ClientId::parse(&client(number)));
    Record {
        key: RecordKey::of_subject(digest, &subject),
        session_id: id.expect("hexadecimal digits are an id"),
        display_name: Some(display_name(number)),
        created: began(number),
        renewed: began(number),
        expires: began(number) + IDLE,
        clients: clients.map(|id| id.expect("a plain name")).to_vec(),
        ticket: digest.iter().copied().cycle().take(600).collect(),
        version: 1,
        device: Device::new(),
        subject,
    }
}

/// When one began.
pub(crate) fn began(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_800_000_000_000 + number)
}

/// Puts in as many, through the store's own face.
pub(crate) async fn fill(store: &(impl SessionStore + Clone), size: u64) {
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let store = store.clone();
        lanes.spawn(async move {
            for number in (lane..size).step_by(LANES as usize) {
                let record = stored(number);
                let created = store.create(&record, None, record.created).await;
                created.expect("the store works");
            }
        });
    }
    lanes.join_all().await;
}
