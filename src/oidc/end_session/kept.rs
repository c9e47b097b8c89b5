//! What is kept of a request while it is sent on, or while the user is asked.

use super::hint::IdTokenHint;
use crate::{
    clock::Timestamp,
    config::Settings,
    error::{Error, ErrorKind},
    id::{ClientId, SessionId},
    protector::Purpose,
    ticket::{Reader, put_bytes},
};

/// A request as far as it was understood. Whether its client is registered, and the place it names, is looked up each time.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(super) struct Kept {
    pub(super) client: Option<ClientId>,
    /// What the verified hint says.
    pub(super) hint: Option<Hinted>,
    pub(super) redirect: Option<String>,
    pub(super) state: Option<String>,
    pub(super) ui_locales: Vec<String>,
    pub(super) logout_hint: Option<String>,
}

/// Whose session a hint is for.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(super) struct Hinted {
    pub(super) subject: String,
    pub(super) session_id: Option<SessionId>,
}

/// What a kept request is good for.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// It was posted, and goes on as a `GET`.
    SentOn,
    /// The user of a session is asked.
    Asked(SessionId),
}

/// A kept request that was opened again.
pub(super) struct Opened {
    pub(super) kept: Kept,
    /// Of [`Use::Asked`]: the session whose user was asked.
    pub(super) asked: Option<SessionId>,
    pub(super) expired: bool,
}

impl Kept {
    /// How many bytes are kept at most. As text they are a third more, and a URL of 8 KiB is what common servers and proxies take.
    pub(super) const MAX_LEN: usize = 4096;

    /// Without what belongs to the client.
    pub(super) fn of_nobody(self) -> Self {
        Self {
            ui_locales: self.ui_locales,
            ..Self::default()
        }
    }

    /// Whether it is more than a URL holds when it is sealed.
    pub(super) fn is_too_long(&self) -> bool {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes.len() > Self::MAX_LEN
    }

    /// As sealed text.
    pub(super) fn seal(&self, settings: &Settings, used: Use) -> Result<String, Error> {
        let now = settings.now();
        let mut bytes = now
            .plus(super::endpoint::VALID_FOR)
            .0
            .to_le_bytes()
            .to_vec();
        if let Use::Asked(session_id) = used {
            put_bytes(&mut bytes, session_id.as_bytes());
        }
        self.write(&mut bytes);
        let sealed = settings
            .vault
            .seal_text(now, Purpose::Logout, &[used.name()], &bytes);
        sealed.ok_or_else(|| ErrorKind::Seal.into())
    }

    /// What was sealed for a use; none if it was not.
    pub(super) fn open_sent_on(settings: &Settings, sealed: &str) -> Option<Opened> {
        Self::open(settings, sealed, SENT_ON)
    }

    pub(super) fn open_asked(settings: &Settings, sealed: &str) -> Option<Opened> {
        Self::open(settings, sealed, ASKED)
    }

    fn open(settings: &Settings, sealed: &str, name: &[u8]) -> Option<Opened> {
        let now = settings.now();
        let opened = settings
            .vault
            .open_text(now, Purpose::Logout, &[name], sealed.as_bytes());
        let bytes = opened.ok()?;
        let mut reader = Reader::new(&bytes);
        let expires = Timestamp(u64::from_le_bytes(reader.array()?));
        let asked = match name == ASKED {
            true => Some(SessionId::from_bytes(reader.bytes()?)?),
            false => None,
        };
        let kept = Self::read(&mut reader)?;
        (reader.len() == 0).then_some(Opened {
            kept,
            asked,
            expired: now >= expires,
        })
    }

    /// An empty text is none: [`Parameters`](super::parameters::Parameters) gives no other.
    fn write(&self, out: &mut Vec<u8>) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let hint = self.hint.as_ref();
        let subject = hint.map(|hint| hint.subject.as_str()).unwrap_or_default();
        let session_id = hint.and_then(|hint| hint.session_id);
        let client = self.client.as_ref().map(ClientId::as_str);
        put_bytes(out, client.unwrap_or_default().as_bytes());
        put_bytes(out, subject.as_bytes());
        put_bytes(out, session_id.as_ref().map_or(&[], SessionId::as_bytes));
        put_bytes(out, text(&self.redirect).as_bytes());
        put_bytes(out, text(&self.state).as_bytes());
        put_bytes(out, self.ui_locales.join(" ").as_bytes());
        put_bytes(out, text(&self.logout_hint).as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let client = some(reader.text()?).map(|id| ClientId::parse(&id));
        let subject = some(reader.text()?);
        let session_id = some(reader.text()?).map(|id| SessionId::parse(&id));
        let session_id = session_id.transpose().ok()?;
        Some(Self {
            client: client.transpose().ok()?,
            hint: subject.map(|subject| Hinted {
                subject,
                session_id,
            }),
            redirect: some(reader.text()?),
            state: some(reader.text()?),
            ui_locales: locales(reader.text()?),
            logout_hint: some(reader.text()?),
        })
    }
}

impl From<IdTokenHint> for Hinted {
    fn from(hint: IdTokenHint) -> Self {
        Self {
            subject: hint.subject().to_owned(),
            session_id: hint.session_id(),
        }
    }
}

impl Use {
    fn name(self) -> &'static [u8] {
        match self {
            Self::SentOn => SENT_ON,
            Self::Asked(_) => ASKED,
        }
    }
}

const SENT_ON: &[u8] = b"sent on";
const ASKED: &[u8] = b"asked";

/// The language tags of `ui_locales` (OpenID Connect RP-Initiated Logout 1.0 section 2), best first. What is none is left out, as what is not supported would be.
pub(super) fn locales(text: &str) -> Vec<String> {
    let is_tag = |tag: &&str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=MAX_TAG_LEN).contains(&tag.len()) && tag.bytes().all(legal)
    };
    let tags = text.split(' ').filter(is_tag).map(str::to_owned);
    tags.take(MAX_TAGS).collect()
}

/// RFC 5646 section 4.4.1.
const MAX_TAG_LEN: usize = 35;
const MAX_TAGS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::SessionConfig, key_ring::KeyRing};

    fn full() -> Kept {
        Kept {
            client: Some(ClientId::parse("client1").unwrap()),
            hint: Some(Hinted {
                subject: "alice".to_owned(),
                session_id: Some(SessionId::parse("s1").unwrap()),
            }),
            redirect: Some("https://a.example/".to_owned()),
            state: Some("a\u{0}&=".to_owned()),
            ui_locales: vec!["de-CH".to_owned(), "de".to_owned()],
            logout_hint: Some("alice@a.example".to_owned()),
        }
    }

    #[test]
    fn o3_what_is_kept_comes_back() {
        let config = SessionConfig::builder(KeyRing::ephemeral())
            .build()
            .unwrap();
        let settings = config.settings();
        let asked = SessionId::parse("s2").unwrap();
        for kept in [full(), Kept::default()] {
            let sealed = kept.seal(settings, Use::SentOn).unwrap();
            let opened = Kept::open_sent_on(settings, &sealed).unwrap();
            assert_eq!(
                (&opened.kept, opened.asked, opened.expired),
                (&kept, None, false)
            );
            assert!(Kept::open_asked(settings, &sealed).is_none());

            let sealed = kept.seal(settings, Use::Asked(asked)).unwrap();
            let opened = Kept::open_asked(settings, &sealed).unwrap();
            assert_eq!((&opened.kept, opened.asked), (&kept, Some(asked)));
            assert!(Kept::open_sent_on(settings, &sealed).is_none());
        }
    }

    #[test]
    fn o3_no_more_is_kept_than_a_url_holds() {
        let config = SessionConfig::builder(KeyRing::ephemeral())
            .build()
            .unwrap();
        let with_state = |len| Kept {
            state: Some("a".repeat(len)),
            ..Kept::default()
        };
        let most = with_state(Kept::MAX_LEN - 8);
        assert!(!most.is_too_long());
        let sealed = most.seal(config.settings(), Use::SentOn).unwrap();
        assert!(sealed.len() < 6000, "{}", sealed.len());
        assert!(with_state(Kept::MAX_LEN).is_too_long());
    }

    #[test]
    fn o3_locales_table() {
        for (name, text, expected) in [
            ("none", "", &[][..]),
            ("in their order", "de-CH de en", &["de-CH", "de", "en"]),
            ("spaces", "  de   en ", &["de", "en"]),
            ("markup", "de <b> en", &["de", "en"]),
            ("a path", "../../etc/passwd fr", &["fr"]),
            (
                "too long",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it",
                &["it"],
            ),
        ] {
            assert_eq!(locales(text), expected, "{name}");
        }
        assert_eq!(locales(&"de ".repeat(100)).len(), MAX_TAGS);
    }
}
