//! Key pairs in the form that cosign writes and reads.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sigstore::crypto::signing_key::{
    COSIGN_PRIVATE_KEY_PEM_LABEL, PRIVATE_KEY_PEM_LABEL, PUBLIC_KEY_PEM_LABEL, SIGSTORE_PRIVATE_KEY_PEM_LABEL, SigStoreKeyPair,
    kdf,
};
use sigstore::crypto::{CosignVerificationKey, SigStoreSigner, Signature, SigningScheme};

/// Where cosign takes the password of a private key from, and so do we.
pub const PASSWORD_VARIABLE: &str = "COSIGN_PASSWORD";

/// More than any key has: a larger file is none.
const LARGEST: u64 = 64 * 1024;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file that cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds something else.
    #[error("{}: {found}; expected {expected}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// A private key that is encrypted, and nothing to decrypt it with.
    #[error("{}: the private key is encrypted; set {PASSWORD_VARIABLE} to its password (empty, if it was made with none)", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// A password that does not fit.
    #[error("{}: {PASSWORD_VARIABLE} is not the password of this private key, or the file is damaged", path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// A key that is to be made, and nothing to encrypt it with.
    #[error("the private key is to be encrypted: set {PASSWORD_VARIABLE} to a password for it (empty for none)")]
    NothingToEncryptWith,
    /// A file that would be overwritten.
    #[error("{}: there is such a file already, and keys are never overwritten; move it away, or choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the cryptographic library says.
    #[error("the key cannot be used: {0}")]
    Crypto(#[from] sigstore::errors::SigstoreError),
}

const PRIVATE: &str = "a private key as `palisade generate-key-pair` and `cosign generate-key-pair` write it, \
                       or an unencrypted one in PKCS #8 (-----BEGIN PRIVATE KEY-----)";
const PUBLIC: &str = "a public key (-----BEGIN PUBLIC KEY-----)";

/// A private key, ready to sign.
pub struct SigningKey {
    signer: SigStoreSigner,
    public: VerificationKey,
}

/// A public key.
#[derive(Clone)]
pub struct VerificationKey(CosignVerificationKey);

impl SigningKey {
    /// Reads a private key, decrypted with the password of `COSIGN_PASSWORD`.
    ///
    /// # Errors
    /// When the file cannot be read, is no private key, or is encrypted by another password.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::read_with(path, password().as_deref())
    }

    fn read_with(path: &Path, password: Option<&OsStr>) -> Result<Self, KeyError> {
        let other = |found: String| KeyError::Other { path: path.to_owned(), found, expected: PRIVATE };
        let key = read_pem(path, PRIVATE)?;
        let decrypted;
        let der = match key.tag() {
            COSIGN_PRIVATE_KEY_PEM_LABEL | SIGSTORE_PRIVATE_KEY_PEM_LABEL => {
                if !has_nonce(key.contents()) {
                    return Err(other("it is not encrypted as cosign does it".to_owned()));
                }
                let password = password.ok_or_else(|| KeyError::NoPassword { path: path.to_owned() })?;
                decrypted = kdf::decrypt(key.contents(), password.as_encoded_bytes()).map_err(|error| match error {
                    sigstore::errors::SigstoreError::PrivateKeyDecryptError(problem) => other(problem),
                    sigstore::errors::SigstoreError::SerdeJsonError(_) => {
                        other("it is not encrypted as cosign does it".to_owned())
                    }
                    _ => KeyError::WrongPassword { path: path.to_owned() },
                })?;
                &decrypted[..]
            }
            PRIVATE_KEY_PEM_LABEL => key.contents(),
            PUBLIC_KEY_PEM_LABEL => return Err(other("this is a public key, which signs nothing".to_owned())),
            label => return Err(other(format!("there is a {label}"))),
        };
        let pair =
            SigStoreKeyPair::from_der(der).map_err(|_| other("the key is of a kind that is not supported".to_owned()))?;
        let scheme = match &pair {
            SigStoreKeyPair::ECDSA(keys) => return Self::new(keys.to_sigstore_signer()?),
            SigStoreKeyPair::ED25519(_) => SigningScheme::ED25519,
            SigStoreKeyPair::RSA(_) => SigningScheme::RSA_PKCS1_SHA256(0),
        };
        Self::new(pair.to_sigstore_signer(&scheme)?)
    }

    fn new(signer: SigStoreSigner) -> Result<Self, KeyError> {
        let public = VerificationKey(signer.to_verification_key()?);
        Ok(Self { signer, public })
    }

    /// Signs a message, and gives the signature in Base64.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn sign(&self, message: &[u8]) -> Result<String, KeyError> {
        Ok(STANDARD.encode(self.signer.sign(message)?))
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> &VerificationKey {
        &self.public
    }
}

impl VerificationKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// When the file cannot be read, or is no public key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let other = |found: String| KeyError::Other { path: path.to_owned(), found, expected: PUBLIC };
        let key = read_pem(path, PUBLIC)?;
        match key.tag() {
            PUBLIC_KEY_PEM_LABEL => CosignVerificationKey::try_from_der(key.contents())
                .map(Self)
                .map_err(|_| other("the key is of a kind that is not supported".to_owned())),
            label if label.contains("PRIVATE KEY") => {
                Err(other("this is a private key, and stays where it is; use the file that ends in .pub".to_owned()))
            }
            label => Err(other(format!("there is a {label}"))),
        }
    }

    /// Whether a signature, in Base64, is that of this message by this key.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        self.0.verify_signature(Signature::Base64Encoded(signature.as_bytes()), message).is_ok()
    }
}

/// Whether there is a nonce of the length of the cipher's. The cryptographic library takes this for granted.
fn has_nonce(encrypted: &[u8]) -> bool {
    let nonce = serde_json::from_slice::<serde_json::Value>(encrypted)
        .ok()
        .and_then(|parts| STANDARD.decode(parts["cipher"]["nonce"].as_str()?).ok());
    nonce.is_some_and(|nonce| nonce.len() == kdf::BOX_NONCE_SIZE as usize)
}

fn password() -> Option<OsString> {
    std::env::var_os(PASSWORD_VARIABLE)
}

fn read_pem(path: &Path, expected: &'static str) -> Result<pem::Pem, KeyError> {
    let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
    let other = |found: String| KeyError::Other { path: path.to_owned(), found, expected };
    if fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(other("this is no key: it is too large".to_owned()));
    }
    let text = fs::read(path).map_err(unreadable)?;
    pem::parse(text).map_err(|_| other("this is no key: it is not in PEM".to_owned()))
}

/// Makes a key pair of ECDSA on P-256, as cosign does, and writes `PREFIX.key` and `PREFIX.pub`.
///
/// # Errors
/// When there is no password, or one of the files is there already or cannot be written. Then neither is left.
pub fn generate(prefix: &Path) -> Result<[PathBuf; 2], KeyError> {
    generate_with(prefix, &password().ok_or(KeyError::NothingToEncryptWith)?)
}

fn generate_with(prefix: &Path, password: &OsStr) -> Result<[PathBuf; 2], KeyError> {
    let paths = ["key", "pub"].map(|extension| {
        let mut path = prefix.as_os_str().to_owned();
        path.push(".");
        path.push(extension);
        PathBuf::from(path)
    });
    let [key, public] = &paths;
    // Before the work of encrypting, and again when they are made.
    if let Some(path) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(KeyError::Exists { path: path.clone() });
    }
    let pair = SigningScheme::ECDSA_P256_SHA256_ASN1.create_signer()?.to_sigstore_keypair()?;
    // Lines end as cosign's do: the public key is pasted into YAML.
    let private_pem = pair.private_key_to_encrypted_pem(password.as_encoded_bytes())?.replace("\r\n", "\n");
    let public_pem = pair.public_key_to_pem()?.replace("\r\n", "\n");
    write_new(key, private_pem.as_bytes(), 0o600)?;
    write_new(public, public_pem.as_bytes(), 0o644).inspect_err(|_| drop(fs::remove_file(key)))?;
    Ok(paths)
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let unwritable = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => KeyError::Unwritable { path: path.to_owned(), source },
    };
    let mut file = options.open(path).map_err(unwritable)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|source| {
        drop(fs::remove_file(path));
        unwritable(source)
    })
}

#[cfg(test)]
pub mod tests;
