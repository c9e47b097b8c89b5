//! ID tokens, signed with another implementation of JWS than the one that verifies them.

use std::{sync::LazyLock, time::SystemTime};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{KeyPair, RsaKeyPair},
};
use axum_user_session::oidc::end_session::{
    HintAlgorithm, HintKey, IdTokenHint, IdTokenHintVerifier, JwtHintVerifier,
};
use base64::{Engine, prelude::*};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto};
use serde_json::{Value, json};

use crate::support::start;

pub(crate) const ISSUER: &str = "https://id.example";

/// A pair of keys and its algorithm.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) private: EncodingKey,
    /// PEM.
    pub(crate) public: String,
}

impl Signer {
    fn rsa(algorithm: Algorithm, pair: &RsaKeyPair) -> Self {
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(pair).unwrap();
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let private = pem("PRIVATE KEY", private.as_ref());
        Self {
            algorithm,
            private: EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(),
            public: pem("PUBLIC KEY", public.as_ref()),
        }
    }

    fn other(algorithm: Algorithm, kind: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let private = pair.serialize_der();
        Self {
            algorithm,
            private: match algorithm {
                Algorithm::EdDSA => EncodingKey::from_ed_der(&private),
                _ => EncodingKey::from_ec_der(&private),
            },
            public: pair.public_key_pem(),
        }
    }

    pub(crate) fn key(&self, algorithm: HintAlgorithm) -> HintKey {
        HintKey::from_pem(algorithm, &self.public).unwrap()
    }

    /// A token with any header and any claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// An ID token as a provider issues it.
    pub(crate) fn issue(&self, claims: &Value) -> String {
        let header = Header::new(self.algorithm);
        self.sign(&json!({ "alg": header.alg, "typ": "JWT" }), claims)
    }
}

pub(crate) fn encoded(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// RSA keys take a while to make.
pub(crate) static RSA: LazyLock<[Signer; 6]> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ]
    .map(|algorithm| Signer::rsa(algorithm, &pair))
});
pub(crate) static P256: LazyLock<Signer> =
    LazyLock::new(|| Signer::other(Algorithm::ES256, &rcgen::PKCS_ECDSA_P256_SHA256));
pub(crate) static P384: LazyLock<Signer> =
    LazyLock::new(|| Signer::other(Algorithm::ES384, &rcgen::PKCS_ECDSA_P384_SHA384));
pub(crate) static ED25519: LazyLock<Signer> =
    LazyLock::new(|| Signer::other(Algorithm::EdDSA, &rcgen::PKCS_ED25519));

/// The provider's verifier: it signs with P-256.
pub(crate) fn verifier() -> JwtHintVerifier {
    JwtHintVerifier::new(ISSUER).key(P256.key(HintAlgorithm::Es256))
}

/// The claims of an ID token that was issued to client1, at the start of the test.
pub(crate) fn claims(subject: &str, session_id: &str) -> Value {
    let now = start()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    json!({
        "iss": ISSUER,
        "sub": subject,
        "aud": "client1",
        "sid": session_id,
        "iat": now,
        "exp": now + 300,
    })
}

/// An ID token for a user's session at client1.
pub(crate) fn hint(subject: &str, session_id: &str) -> String {
    P256.issue(&claims(subject, session_id))
}

/// Another provider, with keys of the same kind.
pub(crate) fn stranger() -> Signer {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    Signer {
        algorithm: Algorithm::ES256,
        private: EncodingKey::from_ec_der(&pair.serialize_der()),
        public: pair.public_key_pem(),
    }
}

pub(crate) async fn verify(verifier: &JwtHintVerifier, token: &str) -> Option<IdTokenHint> {
    verify_at(verifier, token, start()).await
}

pub(crate) async fn verify_at(
    verifier: &JwtHintVerifier,
    token: &str,
    now: SystemTime,
) -> Option<IdTokenHint> {
    verifier.verify(token, now).await.unwrap()
}
