use std::fmt;

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::{DecodingKey, DecodingKeyKind, jwk::Jwk};

/// A public key of this provider that ID tokens are signed with, and the one algorithm that it is used for.
///
/// ```
/// use axum_user_session::oidc::end_session::{HintAlgorithm, HintKey};
///
/// let key = HintKey::from_jwk(
///     HintAlgorithm::EdDsa,
///     r#"{"kty":"OKP","crv":"Ed25519","kid":"2026","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// assert_eq!(key.id(), Some("2026"));
/// # Ok::<_, axum_user_session::oidc::end_session::InvalidHintKey>(())
/// ```
#[derive(Clone)]
pub struct HintKey {
    id: Option<String>,
    algorithm: HintAlgorithm,
    key: ParsedPublicKey,
}

impl HintKey {
    /// Reads a public key from PEM: `PUBLIC KEY` (RFC 5280), or `RSA PUBLIC KEY` (RFC 8017).
    ///
    /// # Errors
    ///
    /// [`InvalidHintKey`] if it is none, or not one for the algorithm.
    pub fn from_pem(
        algorithm: HintAlgorithm,
        pem: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidHintKey> {
        let read = match algorithm.verification() {
            Verification::Rsa(_) => DecodingKey::from_rsa_pem,
            Verification::Ec(_) => DecodingKey::from_ec_pem,
            Verification::Ed(_) => DecodingKey::from_ed_pem,
        };
        let key = read(pem.as_ref()).map_err(|_| InvalidHintKey)?;
        Self::of(None, algorithm, &key)
    }

    /// Reads a JSON Web Key (RFC 7517), with its `kid`.
    ///
    /// # Errors
    ///
    /// [`InvalidHintKey`] if it is none, or not one for the algorithm.
    pub fn from_jwk(
        algorithm: HintAlgorithm,
        json: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidHintKey> {
        let jwk: Jwk = serde_json::from_slice(json.as_ref()).map_err(|_| InvalidHintKey)?;
        let stated = jwk.common.key_algorithm.map(|stated| stated.to_string());
        if stated.is_some_and(|stated| stated != algorithm.as_str()) {
            return Err(InvalidHintKey);
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| InvalidHintKey)?;
        Self::of(jwk.common.key_id, algorithm, &key)
    }

    /// With the id that tokens name it by (`kid`, RFC 7515 section 4.1.4). A key without one is tried for every token of its algorithm.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Its id, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> HintAlgorithm {
        self.algorithm
    }

    /// The parser, not the cryptography, comes from `jsonwebtoken`: that one is a setting of the whole process, and may panic where another crate has changed its features.
    fn of(
        id: Option<String>,
        algorithm: HintAlgorithm,
        key: &DecodingKey,
    ) -> Result<Self, InvalidHintKey> {
        let key = match (algorithm.verification(), key.kind()) {
            (Verification::Rsa(rsa), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa)
            }
            (Verification::Rsa(rsa), DecodingKeyKind::SecretOrDer(der)) => {
                ParsedPublicKey::new(rsa, der)
            }
            (
                Verification::Ec(other) | Verification::Ed(other),
                DecodingKeyKind::SecretOrDer(point),
            ) => ParsedPublicKey::new(other, point),
            _ => return Err(InvalidHintKey),
        };
        let key = key.map_err(|_| InvalidHintKey)?;
        Ok(Self { id, algorithm, key })
    }

    /// Whether the key may be meant by a header with this algorithm and this key id.
    pub(super) fn is_meant(&self, algorithm: &str, id: Option<&str>) -> bool {
        let same_id = match (&self.id, id) {
            (Some(own), Some(named)) => own == named,
            _ => true,
        };
        same_id && self.algorithm.as_str() == algorithm
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for HintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HintKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// How ID tokens are signed (`alg`, RFC 7518 section 3.1, RFC 8037): with a pair of keys, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HintAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, keys of 2048 to 8192 bits.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl HintAlgorithm {
    /// Its name in a token's header, such as `RS256`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    fn verification(self) -> Verification {
        match self {
            Self::Rs256 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Verification::Ec(&signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Verification::Ec(&signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Verification::Ed(&signature::ED25519),
        }
    }
}

impl fmt::Display for HintAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An algorithm, by the kind of its keys.
enum Verification {
    Rsa(&'static RsaParameters),
    Ec(&'static dyn VerificationAlgorithm),
    Ed(&'static dyn VerificationAlgorithm),
}

/// Something is no public key, or not one for the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidHintKey;

impl fmt::Display for InvalidHintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no public key for this algorithm")
    }
}

impl std::error::Error for InvalidHintKey {}
