//! `palisade.lock`: what was published where, so that manifests can name policies by their digests.
//!
//! ```json
//! {
//!   "schemaVersion": 1,
//!   "destination": "registry.example.com/policies",
//!   "policies": {
//!     "rbac-least-privilege": {
//!       "reference": "registry.example.com/policies/rbac-least-privilege:v0.1.0",
//!       "digest": "sha256:…",
//!       "version": "0.1.0",
//!       "module": {"sha256": "…", "size": 129024}
//!     }
//!   }
//! }
//! ```
//!
//! `digest` is the manifest's: `HOST/PATH@DIGEST` is what never changes. The same content is always the same bytes: there is no
//! time in it, and the policies are in the order of their names.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::reference::is_digest;

/// Where it is looked for.
pub const FILE_NAME: &str = "palisade.lock";

/// Grows when a key changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// What was published to one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    schema_version: u32,
    /// The folder of the registry: `HOST[:PORT]/PATH`.
    pub destination: String,
    /// Each policy, by name.
    #[serde(deserialize_with = "each_once")]
    pub policies: BTreeMap<String, Locked>,
}

/// Reads a map, in which no name stands twice: which of the two is meant, readers would not agree about.
fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Locked>, D::Error> {
    struct Policies;
    impl<'de> Visitor<'de> for Policies {
        type Value = BTreeMap<String, Locked>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of policies")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut policies = BTreeMap::new();
            while let Some((name, locked)) = map.next_entry()? {
                if policies.insert(String::clone(&name), locked).is_some() {
                    return Err(A::Error::custom(format!("the policy {name} stands there twice")));
                }
            }
            Ok(policies)
        }
    }
    deserializer.deserialize_map(Policies)
}

/// A policy that was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Locked {
    /// `HOST[:PORT]/PATH:TAG`.
    pub reference: String,
    /// The digest of the manifest: `sha256:…`.
    pub digest: String,
    /// The policy's own version; empty where its metadata says none.
    #[serde(default)]
    pub version: String,
    /// The module itself.
    pub module: LockedModule,
}

/// A module's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedModule {
    /// In hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// Why a lock file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no lock file.
    #[error(
        "{}: {problem}; `palisade publish` writes this file, and it is not meant to be edited: put the old one back, or move it away and \
         publish again",
        path.display()
    )]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Nothing published yet.
    pub fn new(destination: impl Into<String>) -> Self {
        Self { schema_version: SCHEMA_VERSION, destination: destination.into(), policies: BTreeMap::new() }
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is no lock file.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let text = match fs::metadata(path) {
            // A device may have no end.
            Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is no file")),
            Ok(_) => fs::read(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        }
        .map_err(|source| LockError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map(Some).map_err(|problem| LockError::Invalid { path: path.to_owned(), problem })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        /// Read first: a later version may differ in everything else.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = serde_json::from_slice(text).map_err(|error| format!("no lock file: {error}"))?;
        if schema_version != SCHEMA_VERSION {
            return Err(format!(
                "schemaVersion is {schema_version}, and this palisade knows {SCHEMA_VERSION} only; take a newer one"
            ));
        }
        let lock: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        for (name, locked) in &lock.policies {
            if !is_digest(&locked.digest) {
                return Err(format!("policies.{name}.digest: expected sha256: and 64 hexadecimal digits"));
            }
            if !is_digest(&format!("sha256:{}", locked.module.sha256)) {
                return Err(format!("policies.{name}.module.sha256: expected 64 hexadecimal digits"));
            }
            // Else the digest would be that of something somewhere else.
            let expected = format!("{}/{name}", lock.destination);
            let (place, tag) = locked.reference.rsplit_once(':').unwrap_or((&locked.reference, ""));
            if place != expected || tag.is_empty() || tag.contains('/') {
                return Err(format!("policies.{name}.reference: expected {expected}:TAG"));
            }
        }
        Ok(lock)
    }

    /// Writes the file at once: whoever reads it sees the old one or the new one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let unwritable = |source| LockError::Unwritable { path: path.to_owned(), source };
        // Where it is a link, the file is meant, and the link stays.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let partial = partial(&target);
        let written = fs::File::create(&partial).and_then(|mut file| {
            file.write_all(self.to_text().as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&partial, &target)).map_err(|source| {
            // What is left of a failed attempt helps nobody.
            let _ = fs::remove_file(&partial);
            unwritable(source)
        })
    }

    /// Finds out whether the file could be written, and leaves everything as it is.
    ///
    /// # Errors
    /// When it could not.
    pub fn try_write(path: &Path) -> Result<(), LockError> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let is_read_only = fs::metadata(&target).is_ok_and(|metadata| metadata.permissions().readonly());
        let tried = if is_read_only {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"))
        } else {
            let partial = partial(&target);
            fs::File::create(&partial).and_then(|_| fs::remove_file(&partial))
        };
        tried.map_err(|source| LockError::Unwritable { path: path.to_owned(), source })
    }

    /// What the file holds.
    pub fn to_text(&self) -> String {
        // Text, numbers and maps by text: nothing that JSON could not write.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// What is written before it takes the place of a file.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let mut lock = Lock::new("localhost:5000/ours");
        for name in ["b", "a"] {
            let locked = Locked {
                reference: format!("localhost:5000/ours/{name}:v0.1.0"),
                digest: format!("sha256:{}", "0a".repeat(32)),
                version: "0.1.0".to_owned(),
                module: LockedModule { sha256: "0b".repeat(32), size: 129_024 },
            };
            lock.policies.insert(name.to_owned(), locked);
        }
        lock
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        assert!(Lock::read(&path).unwrap().is_none());
        for _ in 0..2 {
            lock().write(&path).unwrap();
            assert_eq!(Lock::read(&path).unwrap(), Some(lock()));
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME]);
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap());
    }

    #[test]
    fn what_is_no_lock_file() {
        let good = lock().to_text();
        let errors: Vec<String> = [
            "".to_owned(),
            "policies: {}".to_owned(),
            "{}".to_owned(),
            good.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2"),
            good.replace("sha256:0a", "sha512:0a"),
            good.replace("\"digest\"", "\"digset\""),
        ]
        .iter()
        .map(|text| Lock::parse(text.as_bytes()).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn keys_of_later_versions_are_no_error() {
        let text = lock().to_text().replacen('{', "{\"later\": true,", 1);
        assert_eq!(Lock::parse(text.as_bytes()), Ok(lock()));
    }

    #[test]
    fn a_folder_that_is_not_there() {
        let error = lock().write(Path::new("/nonexistent/palisade.lock")).unwrap_err();
        assert!(error.to_string().starts_with("/nonexistent/palisade.lock: cannot be written: "), "{error}");
    }
}
