//! The installation's private keys: files of mode 0600 in a keys folder, public halves as rows.
//!
//! A private key without its row, or a row in force without its private key, stops the start: either
//! means that this process is about to sign for an installation that is not its own.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use super::db::Sql;

/// What a key is for; the two are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Access tokens.
    Token,
    /// Proofs under acts and exports.
    Proof,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Proof => "proof",
        }
    }
}

/// One private key with its name.
pub struct Key {
    /// First 16 hex digits of the SHA-256 of the public half.
    pub kid: String,
    signing: SigningKey,
}

impl Key {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let kid = kid_of(&signing.verifying_key());
        Self { kid, signing }
    }
    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }
    /// An Ed25519 signature; the same message always gives the same bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
    /// The key as PKCS#8, the form that the token library wants.
    #[must_use]
    pub fn pkcs8(&self) -> Vec<u8> {
        // RFC 8410: a fixed prefix, then the 32 bytes of the seed.
        const PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        [&PREFIX[..], self.signing.as_bytes()].concat()
    }
}

/// The name of a public key.
#[must_use]
pub fn kid_of(public: &VerifyingKey) -> String {
    use sha2::Digest;
    hex::encode(&sha2::Sha256::digest(public.as_bytes())[..8])
}

/// The keys of an installation.
pub struct Keys {
    /// Signs access tokens.
    pub token: Key,
    /// Signs proofs.
    pub proof: Key,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("keys folder {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Not 32 bytes in hex.
    #[error("{0} does not hold an Ed25519 key in hex")]
    Malformed(String),
    /// The folder and the database belong to different installations.
    #[error("the {0} key in the keys folder and the database do not belong together; restore the folder of this installation")]
    Mismatch(&'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    kid: String,
}

impl Keys {
    /// Reads the keys, or makes them where the database has none yet. Needs the owner's connection.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub async fn open(conn: &mut AsyncPgConnection, folder: &Path, now: DateTime<Utc>) -> Result<Self, KeyError> {
        Ok(Self { token: open_one(conn, folder, Purpose::Token, now).await?, proof: open_one(conn, folder, Purpose::Proof, now).await? })
    }

    /// Whether folder and database belong together, without making anything. Needs the owner's connection.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub async fn check(conn: &mut AsyncPgConnection, folder: &Path) -> Result<(), KeyError> {
        for purpose in [Purpose::Token, Purpose::Proof] {
            let name = purpose.as_str();
            let key = read(&file(folder, purpose))?;
            let rows: Vec<KeyRow> =
                Sql("SELECT kid FROM signing_keys WHERE purpose = $1 AND valid_until IS NULL").bind::<Text, _>(name).load(conn).await?;
            if !matches!(rows.as_slice(), [row] if row.kid == key.kid) {
                return Err(KeyError::Mismatch(name));
            }
        }
        Ok(())
    }

    /// The files in the keys folder.
    #[must_use]
    pub fn files(folder: &Path) -> [PathBuf; 2] {
        [file(folder, Purpose::Token), file(folder, Purpose::Proof)]
    }
}

fn file(folder: &Path, purpose: Purpose) -> PathBuf {
    folder.join(format!("{}.key", purpose.as_str()))
}

async fn open_one(conn: &mut AsyncPgConnection, folder: &Path, purpose: Purpose, now: DateTime<Utc>) -> Result<Key, KeyError> {
    let name = purpose.as_str();
    let rows: Vec<KeyRow> = Sql("SELECT kid FROM signing_keys WHERE purpose = $1 AND valid_until IS NULL").bind::<Text, _>(name).load(conn).await?;
    let path = file(folder, purpose);
    let failed = |source| KeyError::File { path: path.display().to_string(), source };
    match (rows.as_slice(), path.exists()) {
        ([], false) => {
            let mut seed = [0u8; 32];
            rand::fill(&mut seed);
            let key = Key::from_seed(&seed);
            make_private_folder(folder).map_err(failed)?;
            write_private(&path, hex::encode(seed).as_bytes()).map_err(failed)?;
            Sql("INSERT INTO signing_keys (kid, purpose, public_key, valid_from) VALUES ($1, $2, $3, $4)")
                .bind::<Text, _>(&key.kid)
                .bind::<Text, _>(name)
                .bind::<Binary, _>(key.public().as_bytes().to_vec())
                .bind::<Timestamptz, _>(now)
                .execute(conn)
                .await?;
            Ok(key)
        }
        ([row], true) => {
            let key = read(&path)?;
            if key.kid == row.kid { Ok(key) } else { Err(KeyError::Mismatch(name)) }
        }
        _ => Err(KeyError::Mismatch(name)),
    }
}

fn read(path: &Path) -> Result<Key, KeyError> {
    let text = std::fs::read_to_string(path).map_err(|source| KeyError::File { path: path.display().to_string(), source })?;
    let mut seed = [0u8; 32];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| KeyError::Malformed(path.display().to_string()))?;
    Ok(Key::from_seed(&seed))
}

/// Makes a folder that only its owner may open, or closes one that stands; folders above it are left as they are.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a secret so that only its owner may read it.
///
/// # Errors
/// As the file system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
