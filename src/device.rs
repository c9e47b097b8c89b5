/// Where a user signed in from, to be told apart in a list of sessions.
///
/// Personal data, so a session has it only if the host gives it to
/// [`with_device`](crate::AuthenticationProperties::with_device). Stores keep it in the clear.
///
/// ```
/// use axum_user_session::store::Device;
///
/// let device = Device::new().with_user_agent("Example/1.0").with_address("192.0.2.7");
/// assert_eq!(device.user_agent(), Some("Example/1.0"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    user_agent: Option<String>,
    address: Option<String>,
}

impl Device {
    /// The longest text of either, in characters; more is cut off.
    pub const MAX_CHARS: usize = 256;

    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// With what the browser calls itself, the request's `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = Some(plain_text(user_agent, Self::MAX_CHARS));
        self
    }

    /// With a network address, or what the host makes of it, such as a town.
    #[must_use]
    pub fn with_address(mut self, address: &str) -> Self {
        self.address = Some(plain_text(address, Self::MAX_CHARS));
        self
    }

    /// What the browser calls itself.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The network address.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
}

/// Text that every store can keep, and that is harmless in every log and list: cut to a length, control characters made spaces.
pub(crate) fn plain_text(text: &str, max_chars: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(max_chars).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_a_device_is_plain_text_of_bounded_length() {
        let device = Device::new()
            .with_user_agent(&"ä".repeat(300))
            .with_address("a\0b\nc");
        assert_eq!(device.user_agent().unwrap().chars().count(), 256);
        assert_eq!(device.address(), Some("a b c"));
    }
}
