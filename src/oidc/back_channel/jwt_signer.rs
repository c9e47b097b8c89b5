use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::aws_lc::DEFAULT_PROVIDER};

use super::{logout_token::LogoutToken, signer::LogoutTokenSigner};
use crate::error::BoxError;

/// Signs logout tokens with a private key in memory. A cheap handle.
///
/// Take the key and the algorithm that ID tokens are signed with; its public half must be in the host's JWKS under the same key id, as long as tokens are under way.
///
/// ```no_run
/// use axum_user_session::oidc::back_channel::{JwtSigner, SigningAlgorithm};
///
/// let pem = std::fs::read("signing-key.pem")?;
/// let signer = JwtSigner::from_pem(SigningAlgorithm::Es256, "2027-01", &pem)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwtSigner(Arc<Inner>);

struct Inner {
    algorithm: SigningAlgorithm,
    key_id: String,
    key: EncodingKey,
}

impl JwtSigner {
    /// A signer with a key in PEM: PKCS #8 (`BEGIN PRIVATE KEY`), or for RSA also PKCS #1 (`BEGIN RSA PRIVATE KEY`).
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if it is none, or one for another algorithm. It is tried once.
    pub fn from_pem(
        algorithm: SigningAlgorithm,
        key_id: impl Into<String>,
        pem: &[u8],
    ) -> Result<Self, InvalidKey> {
        let key = match algorithm.family() {
            Family::Rsa => EncodingKey::from_rsa_pem(pem),
            Family::Ec => EncodingKey::from_ec_pem(pem),
            Family::Ed => EncodingKey::from_ed_pem(pem),
        };
        let key = key.map_err(|_| InvalidKey { algorithm })?;
        Self::tried(algorithm, key_id.into(), key)
    }

    /// A signer with a key in DER: PKCS #8 for elliptic curves, PKCS #1 for RSA.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(
        algorithm: SigningAlgorithm,
        key_id: impl Into<String>,
        der: &[u8],
    ) -> Result<Self, InvalidKey> {
        let key = match algorithm.family() {
            Family::Rsa => EncodingKey::from_rsa_der(der),
            Family::Ec => EncodingKey::from_ec_der(der),
            Family::Ed => EncodingKey::from_ed_der(der),
        };
        Self::tried(algorithm, key_id.into(), key)
    }

    fn tried(
        algorithm: SigningAlgorithm,
        key_id: String,
        key: EncodingKey,
    ) -> Result<Self, InvalidKey> {
        let signer = Self(Arc::new(Inner {
            algorithm,
            key_id,
            key,
        }));
        match signer.signature(b"a trial") {
            Ok(_) => Ok(signer),
            Err(_) => Err(InvalidKey { algorithm }),
        }
    }

    /// Names the provider: the process-wide one panics where another crate has enabled a second one.
    fn signature(&self, message: &[u8]) -> Result<String, BoxError> {
        let Inner { algorithm, key, .. } = &*self.0;
        let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm.name_there(), key)?;
        let signature = signer.try_sign(message)?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }
}

impl LogoutTokenSigner for JwtSigner {
    async fn sign(&self, token: &LogoutToken) -> Result<String, BoxError> {
        let input = token.signing_input(self.0.algorithm.as_str(), &self.0.key_id);
        let signature = self.signature(input.as_bytes())?;
        Ok(format!("{input}.{signature}"))
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSigner")
            .field("algorithm", &self.0.algorithm)
            .field("key_id", &self.0.key_id)
            .finish_non_exhaustive()
    }
}

/// How tokens are signed (RFC 7518 section 3.1, RFC 8037 section 3.1). Symmetric algorithms are not offered, and neither is `none`, which section 2.4 of Back-Channel Logout 1.0
/// forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, which every client knows.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// EdDSA with Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// Its name, as in the header parameter `alg`.
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

    fn name_there(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    fn family(self) -> Family {
        match self {
            Self::Es256 | Self::Es384 => Family::Ec,
            Self::EdDsa => Family::Ed,
            _ => Family::Rsa,
        }
    }
}

enum Family {
    Rsa,
    Ec,
    Ed,
}

/// A key can't sign with an algorithm. The text does not hold the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKey {
    algorithm: SigningAlgorithm,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = self.algorithm.as_str();
        write!(f, "this is no private key that can sign with {algorithm}")
    }
}

impl std::error::Error for InvalidKey {}
