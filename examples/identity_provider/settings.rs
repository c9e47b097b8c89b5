//! What the environment says.

use std::{
    env::{self, VarError},
    net::SocketAddr,
    path::PathBuf,
};

/// The settings of a server.
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) key_file: PathBuf,
}

impl Settings {
    /// Reads them. A value that can't be understood is an error, because running with another one would surprise.
    pub(crate) fn from_env() -> Result<Self, String> {
        let listen = match env::var("LISTEN") {
            Ok(listen) => listen,
            Err(VarError::NotPresent) => "127.0.0.1:3000".to_owned(),
            Err(error) => return Err(format!("LISTEN: {error}")),
        };
        let listen = listen.parse().map_err(|error| {
            format!("LISTEN is {listen:?}, and not an address such as 127.0.0.1:3000: {error}")
        })?;
        let key_file = env::var_os("KEY_FILE")
            .unwrap_or_else(|| "target/identity_provider/keys.json".into())
            .into();
        Ok(Self { listen, key_file })
    }
}
