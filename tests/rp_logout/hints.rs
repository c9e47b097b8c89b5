//! `id_token_hint`: which tokens are ID tokens of this provider.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base64::{Engine, prelude::*};
use serde_json::{Value, json};

use crate::{
    support::{HOUR, start},
    tokens::{P256, P384, claims, encoded, stranger, verifier, verify, verify_at},
};

#[tokio::test]
async fn o3_a_hostile_token_is_no_hint() {
    let good = claims("alice", "s1");
    let token = P256.issue(&good);
    let header = json!({ "alg": "ES256", "typ": "JWT" });
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        P256.sign(&header, &good)
    };
    let [head, body, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let stranger = stranger();
    let mac = |algorithm: &str, key: &[u8]| {
        let message = format!(
            "{}.{body}",
            encoded(&json!({ "alg": algorithm, "typ": "JWT" }))
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    };
    let none = |alg: &str| format!("{}.{body}.", encoded(&json!({ "alg": alg, "typ": "JWT" })));
    let elevated = encoded(&claims("root", "s1"));
    let twice = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","alg":"ES256"}"#);
    let der = BASE64_URL_SAFE_NO_PAD.encode([0x30; 70]);
    let hashed = digest::digest(&digest::SHA256, body.as_bytes());
    for (name, token) in [
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("one part", head.to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{token}.{signature}")),
        (
            "encrypted, five parts",
            format!("{head}.{body}.{body}.{body}.{signature}"),
        ),
        ("a space in front", format!(" {token}")),
        ("a line feed behind", format!("{token}\n")),
        ("padding", format!("{token}=")),
        ("cut off", token[..token.len() - 1].to_owned()),
        ("without a signature", format!("{head}.{body}.")),
        (
            "another signature",
            format!(
                "{head}.{body}.{}",
                &stranger.issue(&good).rsplit('.').next().unwrap()
            ),
        ),
        ("a signature in DER", format!("{head}.{body}.{der}")),
        (
            "zeros for a signature",
            format!("{head}.{body}.{}", BASE64_URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        (
            "a digest for a signature",
            format!("{head}.{body}.{}", BASE64_URL_SAFE_NO_PAD.encode(hashed)),
        ),
        (
            "other claims under it",
            format!("{head}.{elevated}.{signature}"),
        ),
        ("another key", stranger.issue(&good)),
        ("none", none("none")),
        ("None", none("None")),
        (
            "nOnE with the signature",
            format!("{}{signature}", none("nOnE")),
        ),
        (
            "no algorithm",
            format!("{}.{body}.{signature}", encoded(&json!({ "typ": "JWT" }))),
        ),
        (
            "the public key as a secret",
            mac("HS256", P256.public.as_bytes()),
        ),
        ("an empty secret", mac("HS256", b"")),
        (
            "a secret, said to be ours",
            mac("ES256", P256.public.as_bytes()),
        ),
        ("another curve", P384.issue(&good)),
        ("another curve, said to be ours", P384.sign(&header, &good)),
        (
            "the right one, said to be another",
            with("alg", json!("RS256")),
        ),
        (
            "the algorithm in small letters",
            with("alg", json!("es256")),
        ),
        ("the algorithm twice", format!("{twice}.{body}.{signature}")),
        ("a key of its own", {
            let jwk = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" });
            stranger.sign(&json!({ "alg": "ES256", "typ": "JWT", "jwk": jwk }), &good)
        }),
        ("critical", with("crit", json!(["exp"]))),
        ("critical null", with("crit", Value::Null)),
        ("a logout token's type", with("typ", json!("logout+jwt"))),
        (
            "a logout token's whole type",
            with("typ", json!("application/logout+jwt")),
        ),
        ("an access token's type", with("typ", json!("at+jwt"))),
        (
            "an access token's type in capitals",
            with("typ", json!("AT+JWT")),
        ),
        ("any other type", with("typ", json!("dpop+jwt"))),
        ("a type that is a number", with("typ", json!(1))),
        (
            "a header that is no object",
            format!("{}.{body}.{signature}", encoded(&json!("ES256"))),
        ),
        (
            "a header that is no JSON",
            format!("AAAA.{body}.{signature}"),
        ),
        ("huge", {
            let mut huge = good.clone();
            huge["x"] = "x".repeat(16 * 1024).into();
            P256.issue(&huge)
        }),
        ("a megabyte of nothing", "a".repeat(1 << 20)),
        ("a megabyte of dots", ".".repeat(1 << 20)),
    ] {
        assert!(verify(&verifier(), &token).await.is_none(), "{name}");
    }
    assert!(verify(&verifier(), &token).await.is_some());
}

#[tokio::test]
async fn o3_claims_table() {
    let good = claims("alice", "s1");
    let now = good["iat"].as_u64().unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let both = |aud: Value, azp: Value| {
        let mut claims = with("aud", aud);
        claims["azp"] = azp;
        claims
    };
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    for (name, claims, client) in [
        ("as it should be", good.clone(), Some("client1")),
        (
            "expired a year ago",
            with("exp", json!(now - 365 * 86_400)),
            Some("client1"),
        ),
        (
            "issued a year ago",
            with("iat", json!(now - 365 * 86_400)),
            Some("client1"),
        ),
        (
            "issued a minute ahead",
            with("iat", json!(now + 60)),
            Some("client1"),
        ),
        (
            "issued more than that ahead",
            with("iat", json!(now + 61)),
            None,
        ),
        (
            "a fraction of a second",
            with("iat", json!(now as f64 + 0.5)),
            Some("client1"),
        ),
        ("issued never", without("iat"), None),
        ("issued in words", with("iat", json!("now")), None),
        ("issued at infinity", with("iat", json!(1e300)), None),
        ("never to expire", without("exp"), None),
        ("to expire in words", with("exp", json!("never")), None),
        (
            "another issuer",
            with("iss", json!("https://evil.example")),
            None,
        ),
        (
            "the issuer with a slash",
            with("iss", json!("https://id.example/")),
            None,
        ),
        ("no issuer", without("iss"), None),
        ("no subject", without("sub"), None),
        ("an empty subject", with("sub", json!("")), None),
        ("a subject that is a number", with("sub", json!(1)), None),
        ("no audience", without("aud"), None),
        ("an empty audience", with("aud", json!([])), None),
        (
            "an audience of one",
            with("aud", json!(["client1"])),
            Some("client1"),
        ),
        (
            "an audience of two",
            with("aud", json!(["client1", "client2"])),
            None,
        ),
        (
            "two, and who it is for",
            both(json!(["client1", "client2"]), json!("client2")),
            Some("client2"),
        ),
        (
            "two, and somebody else",
            both(json!(["client1", "client2"]), json!("client3")),
            None,
        ),
        (
            "one, and somebody else",
            both(json!("client1"), json!("client2")),
            None,
        ),
        (
            "one, and the same",
            both(json!("client1"), json!("client1")),
            Some("client1"),
        ),
        (
            "an audience that is an object",
            with("aud", json!({ "client1": 1 })),
            None,
        ),
        (
            "an audience that is no id",
            with("aud", json!("a\u{0}b")),
            None,
        ),
        ("a logout event", with("events", event), None),
        ("events that are null", with("events", Value::Null), None),
        ("no session", without("sid"), Some("client1")),
        ("a session that is none", with("sid", json!("a;b")), None),
        ("a session that is a number", with("sid", json!(1)), None),
        ("a nonce", with("nonce", json!("n")), Some("client1")),
    ] {
        let hint = verify(&verifier(), &P256.issue(&claims)).await;
        let found = hint.as_ref().map(|hint| hint.client().as_str());
        assert_eq!(found, client, "{name}");
    }
    let twice = format!(
        "{},\"sub\":\"root\"}}",
        good.to_string().strip_suffix('}').unwrap()
    );
    let twice: String = BASE64_URL_SAFE_NO_PAD.encode(twice);
    let token = P256.issue(&good);
    let head = token.split('.').next().unwrap();
    let message = format!("{head}.{twice}");
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &P256.private, P256.algorithm).unwrap();
    let token = format!("{message}.{signature}");
    assert!(
        verify(&verifier(), &token).await.is_none(),
        "a subject twice"
    );
}

#[tokio::test]
async fn o3_the_time_is_the_callers() {
    let token = P256.issue(&claims("alice", "s1"));
    let before = start() - Duration::from_secs(61);
    assert!(verify_at(&verifier(), &token, before).await.is_none());
    let after = start() + 1000 * HOUR;
    assert!(verify_at(&verifier(), &token, after).await.is_some());
}
