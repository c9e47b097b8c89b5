use std::{error::Error as StdError, fmt, io, path::PathBuf, time::Duration};

/// Why the key ring refused a change, or could not be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no key of this id.
    UnknownKey,
    /// There is a key of this id already.
    DuplicateKey,
    /// It is the primary key: it can be neither retired nor scheduled before another one is promoted.
    PrimaryKey,
    /// With so short a lead a new key would seal here before it opens everywhere.
    ShortLead {
        /// The shortest lead that is taken.
        shortest: Duration,
    },
    /// Tickets that the key sealed may still be alive.
    TooEarly {
        /// After this time it may go.
        wait: Duration,
    },
    /// A secret has fewer than 32 bytes.
    ShortSecret,
    /// The environment variable is not set, or not base64url with commas between the secrets.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The file could not be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a key ring, or one of a format that this version does not know.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for KeyRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey => f.write_str("the key ring has no key of this id"),
            Self::DuplicateKey => f.write_str("the key ring has this key already"),
            Self::PrimaryKey => f.write_str("this is the primary key; promote another key first"),
            Self::ShortLead { shortest } => write!(
                f,
                "a new key needs a lead of at least {} s, so that it opens everywhere before it seals",
                shortest.as_secs()
            ),
            Self::TooEarly { wait } => write!(
                f,
                "tickets sealed by this key may be alive for another {} s",
                wait.as_secs()
            ),
            Self::ShortSecret => f.write_str("a secret must have at least 32 bytes"),
            Self::Environment { variable } => write!(
                f,
                "the environment variable {variable} must hold base64url secrets of at least 32 bytes, with commas between them"
            ),
            Self::Io { path, .. } => {
                write!(
                    f,
                    "the key file {} can't be read or written",
                    path.display()
                )
            }
            Self::Format { path, reason } => {
                write!(f, "the key file {} is not usable: {reason}", path.display())
            }
        }
    }
}

impl StdError for KeyRingError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
