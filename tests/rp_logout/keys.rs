//! The keys that hints are verified with.

use axum_user_session::oidc::end_session::{HintAlgorithm, HintKey, JwtHintVerifier};
use base64::{Engine, prelude::*};
use serde_json::{Value, json};

use crate::tokens::{ED25519, ISSUER, P256, P384, RSA, Signer, claims, stranger, verify};

#[tokio::test]
async fn o3_each_algorithm_verifies_its_own_tokens_and_no_others() {
    for (signer, algorithm) in all() {
        let verifier = JwtHintVerifier::new(ISSUER).key(signer.key(algorithm));
        for (other, of) in all() {
            let hint = verify(&verifier, &other.issue(&claims("alice", "s1"))).await;
            assert_eq!(
                hint.is_some(),
                of == algorithm,
                "{of} by a key for {algorithm}"
            );
        }
        let hint = verify(&verifier, &signer.issue(&claims("alice", "s1")))
            .await
            .unwrap();
        assert_eq!(
            (hint.subject(), hint.client().as_str()),
            ("alice", "client1")
        );
        assert_eq!(hint.session_id().unwrap().as_str(), "s1");
    }
}

#[tokio::test]
async fn o3_the_key_id_picks_the_key() {
    let stranger = stranger();
    let key = |signer: &Signer| signer.key(HintAlgorithm::Es256);
    let named = JwtHintVerifier::new(ISSUER)
        .key(key(&P256).with_id("old"))
        .key(key(&stranger).with_id("new"));
    let unnamed = JwtHintVerifier::new(ISSUER)
        .key(key(&stranger))
        .key(key(&P256));
    for (name, verifier, kid, expected) in [
        ("its own id", &named, json!("old"), true),
        ("another key's id", &named, json!("new"), false),
        ("nobody's id", &named, json!("older"), false),
        (
            "an id that is a path",
            &named,
            json!("../../dev/null"),
            false,
        ),
        ("no id", &named, Value::Null, true),
        ("an id, and keys without one", &unnamed, json!("old"), true),
        ("no id, and keys without one", &unnamed, Value::Null, true),
    ] {
        let mut header = json!({ "alg": "ES256" });
        if !kid.is_null() {
            header["kid"] = kid;
        }
        let token = P256.sign(&header, &claims("alice", "s1"));
        assert_eq!(verify(verifier, &token).await.is_some(), expected, "{name}");
    }
}

#[tokio::test]
async fn o3_keys_are_read_from_jwk() {
    let (x, y) = p256_point(&P256.public);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "x": x, "y": y });
    let key = HintKey::from_jwk(HintAlgorithm::Es256, jwk.to_string()).unwrap();
    assert_eq!(key.id(), Some("k"));
    assert_eq!(key.algorithm(), HintAlgorithm::Es256);
    let verifier = JwtHintVerifier::new(ISSUER).key(key);
    let token = P256.issue(&claims("alice", "s1"));
    assert!(verify(&verifier, &token).await.is_some());

    let mut other = jwk.clone();
    other["alg"] = "ES384".into();
    let secret = json!({ "kty": "oct", "k": "AAAA" });
    for (name, algorithm, jwk) in [
        (
            "another algorithm than it says",
            HintAlgorithm::Es256,
            &other,
        ),
        ("another curve", HintAlgorithm::Es384, &jwk),
        ("another kind", HintAlgorithm::Rs256, &jwk),
        ("a secret", HintAlgorithm::Es256, &secret),
        ("nothing", HintAlgorithm::Es256, &json!({})),
    ] {
        let read = HintKey::from_jwk(algorithm, jwk.to_string());
        assert!(read.is_err(), "{name}");
    }
}

#[test]
fn o3_a_key_is_for_the_algorithms_of_its_kind() {
    for (signer, own) in all() {
        for (_, algorithm) in all() {
            let same_kind = own.as_str()[1..2] == algorithm.as_str()[1..2]
                && (own.as_str().starts_with('E') == algorithm.as_str().starts_with('E'));
            // A curve is for one algorithm, an RSA key for six.
            let expected = own == algorithm || (same_kind && !own.as_str().starts_with('E'));
            let read = HintKey::from_pem(algorithm, &signer.public);
            assert_eq!(read.is_ok(), expected, "{own}'s key for {algorithm}");
        }
    }
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (name, pem) in [
        ("a private key", &*private),
        ("nothing", ""),
        ("a word", "key"),
    ] {
        for (_, algorithm) in all() {
            assert!(HintKey::from_pem(algorithm, pem).is_err(), "{name}");
        }
    }
}

fn all() -> [(&'static Signer, HintAlgorithm); 9] {
    [
        (&RSA[0], HintAlgorithm::Rs256),
        (&RSA[1], HintAlgorithm::Rs384),
        (&RSA[2], HintAlgorithm::Rs512),
        (&RSA[3], HintAlgorithm::Ps256),
        (&RSA[4], HintAlgorithm::Ps384),
        (&RSA[5], HintAlgorithm::Ps512),
        (&P256, HintAlgorithm::Es256),
        (&P384, HintAlgorithm::Es384),
        (&ED25519, HintAlgorithm::EdDsa),
    ]
}

/// The coordinates, which are the last 64 bytes of the key.
fn p256_point(pem: &str) -> (String, String) {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(text).unwrap();
    let (x, y) = der[der.len() - 64..].split_at(32);
    let encode = |half: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(half);
    (encode(x), encode(y))
}
