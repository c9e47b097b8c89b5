//! A place in a list, as text: sealed, and bound to what the list is of.

use crate::{
    clock::Timestamp,
    config::Settings,
    error::{Error, ErrorKind},
    id::SessionId,
    protector::Purpose,
    store::{NameMatch, Part, Position, Selection},
    ticket::{Reader, put_bytes},
};

const OLDER: u8 = 0;
const NEWER: u8 = 1;

pub(super) fn seal(
    settings: &Settings,
    selection: &Selection,
    part: Part,
    now: Timestamp,
) -> Result<String, Error> {
    let (direction, position) = match part {
        Part::OlderThan(position) => (OLDER, position),
        Part::NewerThan(position) => (NEWER, position),
        Part::Newest => return Err(ErrorKind::Seal.into()),
    };
    let mut place = vec![direction];
    let created = Timestamp::from(position.created);
    place.extend_from_slice(&created.0.to_le_bytes());
    place.extend_from_slice(position.session_id.as_str().as_bytes());
    let list = describe(selection);
    let sealed = settings
        .vault
        .seal_text(now, Purpose::Page, &[&list], &place);
    sealed.ok_or_else(|| ErrorKind::Seal.into())
}

pub(super) fn open(
    settings: &Settings,
    selection: &Selection,
    token: &str,
    now: Timestamp,
) -> Result<Part, Error> {
    let list = describe(selection);
    let opened = settings
        .vault
        .open_text(now, Purpose::Page, &[&list], token.as_bytes());
    let part = opened.ok().and_then(|place| read(&place));
    part.ok_or_else(|| ErrorKind::InvalidPageToken.into())
}

fn read(place: &[u8]) -> Option<Part> {
    let mut reader = Reader::new(place);
    let direction = reader.byte()?;
    let created = Timestamp(u64::from_le_bytes(reader.array()?));
    let session_id = SessionId::from_bytes(place.get(place.len() - reader.len()..)?)?;
    let position = Position {
        created: created.into(),
        session_id,
    };
    match direction {
        OLDER => Some(Part::OlderThan(position)),
        NEWER => Some(Part::NewerThan(position)),
        _ => None,
    }
}

/// What a list is of, and that it is ordered newest first: the same bytes for the same list, and others for any other.
fn describe(selection: &Selection) -> Vec<u8> {
    let mut list = b"newest first".to_vec();
    let Some(filter) = selection.filter() else {
        return list;
    };
    let (kind, name) = match filter.wanted_name() {
        None => (0, None),
        Some(NameMatch::BeginsWith(text)) => (1, Some(&**text)),
        Some(NameMatch::Contains(text)) => (2, Some(&**text)),
    };
    let fields = [
        filter.wanted_subject(),
        filter.wanted_session_id().map(SessionId::as_str),
        filter.excepted().map(SessionId::as_str),
        name,
    ];
    list.push(kind);
    for field in fields {
        list.push(field.is_some().into());
        put_bytes(&mut list, field.unwrap_or_default().as_bytes());
    }
    list
}
