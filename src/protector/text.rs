use std::sync::{Arc, LazyLock};

use base64::engine::{Engine, GeneralPurposeConfig, general_purpose::NO_PAD};

/// Unpadded base64url.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of a text, in one allocation; none if there are none, or it is not the one text that they have.
pub(super) fn decode(text: &[u8]) -> Option<Arc<[u8]>> {
    let len = text.len() / 4 * 3 + text.len() % 4 * 3 / 4;
    if len < 1 {
        return None;
    }
    // An iterator of known length is collected into the `Arc` in place.
    let mut shared: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
    let bytes = Arc::get_mut(&mut shared).expect("nobody else has the new buffer yet");
    (BASE64.decode_slice(text, bytes) == Ok(len)).then_some(shared)
}

/// Refuses padding and stray bits, so that sealed bytes have one text.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(CONFIG));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG));

const CONFIG: GeneralPurposeConfig = NO_PAD;
