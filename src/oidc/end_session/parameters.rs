use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::rejection::InvalidLogoutRequest;

/// The parameters of a request that count, decoded (OpenID Connect RP-Initiated Logout 1.0 section 2); an empty one is none.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) id_token_hint: Option<String>,
    pub(super) logout_hint: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) post_logout_redirect_uri: Option<String>,
    pub(super) state: Option<String>,
    pub(super) ui_locales: Option<String>,
    /// Ours: a request that was sent on.
    pub(super) sealed_request: Option<String>,
    /// Ours: the token of the page that asks.
    pub(super) confirmation: Option<String>,
    /// Ours: the user does not want to sign out.
    pub(super) decline: Option<String>,
}

impl Parameters {
    /// The longest query or form, in bytes: an ID token of 16 KiB, and as much for the rest.
    pub(super) const MAX_LEN: usize = 32 * 1024;

    /// Reads a query or a form (URL Standard, `application/x-www-form-urlencoded`).
    pub(super) fn read(encoded: &[u8]) -> Result<Self, InvalidLogoutRequest> {
        if encoded.len() > Self::MAX_LEN {
            return Err(InvalidLogoutRequest::TooLong);
        }
        let mut parameters = Self::default();
        for pair in encoded.split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = halves.next().unwrap_or_default();
            let value = halves.next().unwrap_or_default();
            // Of a name that is no text we have none either.
            let Ok(name) = decode(name) else { continue };
            let Some((name, place)) = parameters.place(&name) else {
                continue;
            };
            let value = decode(value).map_err(|_| InvalidLogoutRequest::NotText(name))?;
            if place.replace(value).is_some() {
                return Err(InvalidLogoutRequest::Repeated(name));
            }
        }
        for name in Self::NAMES {
            let (_, place) = parameters.place(name).expect("all names have a place");
            place.take_if(|value| value.is_empty());
        }
        Ok(parameters)
    }

    fn place(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        let places: [&mut Option<String>; Self::NAMES.len()] = [
            &mut self.id_token_hint,
            &mut self.logout_hint,
            &mut self.client_id,
            &mut self.post_logout_redirect_uri,
            &mut self.state,
            &mut self.ui_locales,
            &mut self.sealed_request,
            &mut self.confirmation,
            &mut self.decline,
        ];
        let place = places.into_iter().nth(index)?;
        Some((Self::NAMES[index], place))
    }

    /// In the order of the fields.
    const NAMES: [&'static str; 9] = [
        "id_token_hint",
        "logout_hint",
        "client_id",
        "post_logout_redirect_uri",
        "state",
        "ui_locales",
        Self::SEALED_REQUEST,
        Self::CONFIRMATION,
        Self::DECLINE,
    ];
    pub(super) const SEALED_REQUEST: &'static str = "sealed_request";
    pub(super) const CONFIRMATION: &'static str = "confirmation";
    pub(super) const DECLINE: &'static str = "decline";
}

/// Not with the `url` crate, which puts another character in the place of what is no UTF-8: a state must come back as it was.
fn decode(text: &[u8]) -> Result<String, std::str::Utf8Error> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).decode_utf8().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o3_parameters_table() {
        let refused = Err("state");
        for (name, form, expected) in [
            ("nothing", "", Ok(None)),
            ("plain", "state=a", Ok(Some("a"))),
            ("among others", "x=y&state=a&z", Ok(Some("a"))),
            ("empty", "state=", Ok(None)),
            ("without a sign", "state", Ok(None)),
            ("a space", "state=a+b%20c", Ok(Some("a b c"))),
            ("a plus", "state=a%2Bb", Ok(Some("a+b"))),
            ("a sign in it", "state=a=b", Ok(Some("a=b"))),
            (
                "another unknown one twice",
                "x=1&x=2&state=a",
                Ok(Some("a")),
            ),
            ("an encoded name", "st%61te=a", Ok(Some("a"))),
            ("a stray percent", "state=%zz", Ok(Some("%zz"))),
            ("twice", "state=a&state=b", refused),
            ("twice the same", "state=a&state=a", refused),
            ("twice, one in disguise", "state=a&%73tate=b", refused),
            ("twice, one empty", "state=a&state=", refused),
            ("no UTF-8", "state=%ff", refused),
            ("a name that is no UTF-8", "%ff=a", Ok(None)),
        ] {
            let read = Parameters::read(form.as_bytes());
            let read = match &read {
                Ok(parameters) => Ok(parameters.state.as_deref()),
                Err(InvalidLogoutRequest::Repeated(name) | InvalidLogoutRequest::NotText(name)) => {
                    Err(*name)
                }
                Err(other) => panic!("{name}: {other}"),
            };
            assert_eq!(read, expected, "{name}");
        }
    }

    #[test]
    fn o3_each_name_has_its_own_place() {
        let form: Vec<_> = Parameters::NAMES
            .iter()
            .map(|name| format!("{name}={name}"))
            .collect();
        let read = Parameters::read(form.join("&").as_bytes()).unwrap();
        assert_eq!(read.id_token_hint.unwrap(), "id_token_hint");
        assert_eq!(read.logout_hint.unwrap(), "logout_hint");
        assert_eq!(read.client_id.unwrap(), "client_id");
        let uri = read.post_logout_redirect_uri.unwrap();
        assert_eq!(uri, "post_logout_redirect_uri");
        assert_eq!(read.state.unwrap(), "state");
        assert_eq!(read.ui_locales.unwrap(), "ui_locales");
        assert_eq!(read.sealed_request.unwrap(), Parameters::SEALED_REQUEST);
        assert_eq!(read.confirmation.unwrap(), Parameters::CONFIRMATION);
        assert_eq!(read.decline.unwrap(), Parameters::DECLINE);
    }

    #[test]
    fn o3_a_long_form_is_not_read() {
        let form = vec![b'a'; Parameters::MAX_LEN + 1];
        let read = Parameters::read(&form);
        assert!(matches!(read, Err(InvalidLogoutRequest::TooLong)));
    }
}
