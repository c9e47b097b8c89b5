use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Appends parameters to the query of a client's registered address, which has no fragment. What is there stays as it is, character by character, and a value can
/// be no more than a value.
pub(super) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut uri = uri.to_owned();
    for (name, value) in parameters {
        uri.push_str(match uri.find('?') {
            None => "?",
            Some(_) if uri.ends_with(['?', '&']) => "",
            Some(_) => "&",
        });
        uri.push_str(name);
        uri.push('=');
        uri.extend(utf8_percent_encode(value, VALUE));
    }
    uri
}

/// All but the unreserved characters (RFC 3986 section 2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o3_state_is_one_more_parameter_and_no_more() {
        for (name, uri, state, expected) in [
            (
                "no query",
                "https://a.example/x",
                "s",
                "https://a.example/x?state=s",
            ),
            (
                "a query",
                "https://a.example/?b=c",
                "s",
                "https://a.example/?b=c&state=s",
            ),
            (
                "an empty query",
                "https://a.example/?",
                "s",
                "https://a.example/?state=s",
            ),
            (
                "an open query",
                "https://a.example/?b&",
                "s",
                "https://a.example/?b&state=s",
            ),
            (
                "no path",
                "https://a.example",
                "s",
                "https://a.example?state=s",
            ),
            (
                "an app's scheme",
                "com.example.app:/x",
                "s",
                "com.example.app:/x?state=s",
            ),
            (
                "what separates parameters",
                "https://a.example/",
                "a&b=c;d#e?f",
                "https://a.example/?state=a%26b%3Dc%3Bd%23e%3Ff",
            ),
            (
                "what is encoded already",
                "https://a.example/",
                "%26+ ",
                "https://a.example/?state=%2526%2B%20",
            ),
            (
                "a line break",
                "https://a.example/",
                "a\r\nSet-Cookie: b=c",
                "https://a.example/?state=a%0D%0ASet-Cookie%3A%20b%3Dc",
            ),
            (
                "not ASCII",
                "https://a.example/",
                "ü",
                "https://a.example/?state=%C3%BC",
            ),
        ] {
            assert_eq!(
                with_parameters(uri, &[("state", state)]),
                expected,
                "{name}"
            );
        }
    }
}
