//! The key that ID tokens and logout tokens are signed with, in a file beside the keys of the sessions.

use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;

/// An RSA key for RS256, which every client understands (OpenID Connect Core 1.0 section 15.1).
pub(crate) struct SigningKey {
    key: EncodingKey,
    id: String,
    public: Jwk,
    pem: String,
}

impl SigningKey {
    /// Reads the key, or makes it at the first start. Of several processes that start at once, all take the key of the first.
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let named = |error: &dyn Error| format!("{}: {error}", path.display());
        let pem = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => create(path),
            read => read.map_err(Into::into),
        };
        let pem = pem.map_err(|error: Box<dyn Error>| named(&*error))?;
        Self::from_pem(pem).map_err(|error| named(&error).into())
    }

    fn from_pem(pem: String) -> Result<Self, jsonwebtoken::errors::Error> {
        let key = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::RS256)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            key,
            id,
            public,
            pem,
        })
    }

    /// Its name in tokens: the thumbprint (RFC 7638).
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The public key alone, as text.
    pub(crate) fn public_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.public)
    }

    /// The private key, for the signer of logout tokens.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The public key, for everybody (RFC 7517).
    pub(crate) fn public(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.public.clone()],
        }
    }

    /// Signs claims as a JWT.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, Box<dyn Error>> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        Ok(encode(&header, claims, &self.key)?)
    }
}

/// Makes a key and puts it into a file that only this user can read. A link makes the file appear whole, and only if there is none.
fn create(path: &Path) -> Result<String, Box<dyn Error>> {
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let der: Pkcs8V1Der<'_> = key.as_der()?;
    let base64 = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    let folder = path.parent().ok_or("it is no file")?;
    fs::create_dir_all(folder)?;
    let new = folder.join(format!(".signing_key.{:016x}", rand::random::<u64>()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(pem.as_bytes())?;
        file.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&new, path));
    let removed = fs::remove_file(&new);
    match linked.and(removed) {
        Ok(()) => Ok(pem),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(fs::read_to_string(path)?),
        Err(error) => Err(error.into()),
    }
}
