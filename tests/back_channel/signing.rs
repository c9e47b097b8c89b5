//! Tokens are signed with the host's key (o5).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_user_session::{
    error::BoxError,
    id::SessionId,
    oidc::{
        Client,
        back_channel::{
            BackChannelLogout, DeliveryTask, JwtSigner, LogoutToken, LogoutTokenSigner,
            SigningAlgorithm,
        },
    },
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    SignatureAlgorithm,
};
use serde_json::Value;

use crate::{
    fixtures::{ISSUER, Provider},
    support::start,
};

const ALL: [(SigningAlgorithm, Algorithm, &SignatureAlgorithm); 9] = [
    (SigningAlgorithm::Rs256, Algorithm::RS256, &PKCS_RSA_SHA256),
    (SigningAlgorithm::Rs384, Algorithm::RS384, &PKCS_RSA_SHA256),
    (SigningAlgorithm::Rs512, Algorithm::RS512, &PKCS_RSA_SHA256),
    (SigningAlgorithm::Ps256, Algorithm::PS256, &PKCS_RSA_SHA256),
    (SigningAlgorithm::Ps384, Algorithm::PS384, &PKCS_RSA_SHA256),
    (SigningAlgorithm::Ps512, Algorithm::PS512, &PKCS_RSA_SHA256),
    (
        SigningAlgorithm::Es256,
        Algorithm::ES256,
        &PKCS_ECDSA_P256_SHA256,
    ),
    (
        SigningAlgorithm::Es384,
        Algorithm::ES384,
        &PKCS_ECDSA_P384_SHA384,
    ),
    (SigningAlgorithm::EdDsa, Algorithm::EdDSA, &PKCS_ED25519),
];

#[tokio::test]
async fn o5_tokens_are_signed_with_every_algorithm() {
    let client = Client::builder("c").build().unwrap();
    let session = SessionId::parse("0123456789ABCDEF0123456789ABCDEF").unwrap();
    for (algorithm, theirs, kind) in ALL {
        let name = algorithm.as_str();
        let key = KeyPair::generate_for(kind).unwrap();
        let signer =
            JwtSigner::from_pem(algorithm, "2027-01", key.serialize_pem().as_bytes()).unwrap();
        let token = LogoutToken::new(
            "https://idp.example",
            &client,
            "alice",
            Some(session),
            start(),
        );
        let jwt = signer.sign(&token).await.unwrap();

        let public = key.public_key_pem();
        let public = match theirs {
            Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(public.as_bytes()),
            Algorithm::EdDSA => DecodingKey::from_ed_pem(public.as_bytes()),
            _ => DecodingKey::from_rsa_pem(public.as_bytes()),
        };
        let mut validation = Validation::new(theirs);
        validation.set_audience(&["c"]);
        validation.set_issuer(&["https://idp.example"]);
        let read = decode::<Value>(&jwt, &public.unwrap(), &validation).unwrap();
        assert_eq!(read.header.typ.as_deref(), Some("logout+jwt"), "{name}");
        assert_eq!(read.header.kid.as_deref(), Some("2027-01"), "{name}");
        assert_eq!(read.claims.as_object(), Some(token.claims()), "{name}");
        let shown = format!("{signer:?}");
        assert!(
            shown.contains("2027-01") && shown.len() < 100,
            "{name}: {shown}"
        );
    }
}

#[test]
fn o5_a_key_must_fit_its_algorithm() {
    let pem = |kind| KeyPair::generate_for(kind).unwrap().serialize_pem();
    let p256 = pem(&PKCS_ECDSA_P256_SHA256);
    let rsa = pem(&PKCS_RSA_SHA256);
    let ed = pem(&PKCS_ED25519);
    let public = KeyPair::generate().unwrap().public_key_pem();
    for (name, algorithm, pem, fits) in [
        ("P-256", SigningAlgorithm::Es256, &*p256, true),
        ("P-256 for ES384", SigningAlgorithm::Es384, &p256, false),
        ("P-256 for RS256", SigningAlgorithm::Rs256, &p256, false),
        ("P-256 for EdDSA", SigningAlgorithm::EdDsa, &p256, false),
        ("RSA", SigningAlgorithm::Ps256, &rsa, true),
        ("RSA for ES256", SigningAlgorithm::Es256, &rsa, false),
        ("Ed25519", SigningAlgorithm::EdDsa, &ed, true),
        ("Ed25519 for RS256", SigningAlgorithm::Rs256, &ed, false),
        ("a public key", SigningAlgorithm::Es256, &public, false),
        ("half a key", SigningAlgorithm::Es256, &p256[..100], false),
        ("nothing", SigningAlgorithm::Es256, "", false),
    ] {
        let signer = JwtSigner::from_pem(algorithm, "k", pem.as_bytes());
        assert_eq!(signer.is_ok(), fits, "{name}");
    }
    let der = KeyPair::generate_for(&PKCS_ED25519)
        .unwrap()
        .serialize_der();
    assert!(JwtSigner::from_der(SigningAlgorithm::EdDsa, "k", &der).is_ok());
    let der = KeyPair::generate().unwrap().serialize_der();
    assert!(JwtSigner::from_der(SigningAlgorithm::Es256, "k", &der).is_ok());
    let refused = JwtSigner::from_der(SigningAlgorithm::Es256, "k", b"nonsense");
    let error = refused.unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is no private key that can sign with ES256"
    );
}

/// A signer that does what its turn says.
struct Moody(Arc<Mutex<Vec<&'static str>>>);

impl LogoutTokenSigner for Moody {
    async fn sign(&self, token: &LogoutToken) -> Result<String, BoxError> {
        let turn = self.0.lock().unwrap().pop();
        match turn {
            Some("fail") => Err("the key is away".into()),
            Some("panic") => panic!("as a test wants it"),
            Some("nonsense") => Ok("a b&c=d".to_owned()),
            Some("an open form") => Ok("a.b.c&more=1".to_owned()),
            _ => Ok(format!("{}.c2ln", token.signing_input("ES256", "k"))),
        }
    }
}

#[tokio::test]
async fn o6_what_the_signer_does_is_no_clients_fault() {
    let provider = Provider::new();
    provider.register(&["a"]);
    let turns = Arc::new(Mutex::new(vec![
        "an open form",
        "nonsense",
        "panic",
        "fail",
    ]));
    let back_channel = BackChannelLogout::builder(
        ISSUER,
        provider.store.clone(),
        provider.registry.clone(),
        Moody(turns),
    )
    .clock(provider.clock.clone())
    .trust_authorities(provider.authority.pem())
    .trust_no_other_authorities()
    .dangerously_allow_network("127.0.0.0/8")
    .build()
    .unwrap();
    provider.end(1, &["a"]).await;
    let mut states = Vec::new();
    for _ in 0..5 {
        DeliveryTask::new(&back_channel).run_once().await.unwrap();
        states.extend(provider.states().await);
        provider.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(
        states,
        [
            "a failed 1: the token could not be signed",
            "a failed 2: the registry or the signer panicked",
            "a failed 3: the token could not be signed",
            "a failed 4: the token could not be signed",
            "a delivered 5: the token could not be signed",
        ]
    );
    assert_eq!(provider.receivers.heard().len(), 1);
}
