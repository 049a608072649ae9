//! Looking at a published policy.

use std::collections::BTreeMap;

use oci_client::Reference;
use oci_client::manifest::{OciDescriptor, OciManifest, WASM_LAYER_MEDIA_TYPE};
use palisade_harness::Metadata;

use super::{Aspect, BuiltIn, State, Verdict};
use crate::keys::VerificationKey;
use crate::registry::lock::Locked;
use crate::registry::reference::is_repository;
use crate::registry::signature::{self, Flaw, SignatureError, Signatures};
use crate::registry::{Fault, Manifest, Registry, RegistryError, digest, sbom};
use crate::report::count;

/// Larger modules are not fetched.
const LARGEST_MODULE: u64 = 256 * 1024 * 1024;

/// The annotation that names a policy.
const TITLE: &str = "io.kubewarden.policy.title";

/// A public key, and where it is from.
pub struct Key {
    /// The file.
    pub file: String,
    /// The key.
    pub key: VerificationKey,
}

/// What the lock file says of a policy.
pub enum LockedAs {
    /// Its entry.
    Said {
        /// The file.
        file: String,
        /// The entry.
        locked: Locked,
    },
    /// Nothing, although this file is about the place where the policy is.
    Missing(String),
    /// Nothing, for this reason.
    Unsaid(String),
}

impl LockedAs {
    /// There is no lock file.
    pub fn no_file() -> Self {
        Self::Unsaid("there is no lock file".to_owned())
    }
}

/// What a published policy is held against.
pub struct Expectations<'e> {
    /// Each of them must have signed.
    pub keys: &'e [Key],
    /// The lock file.
    pub locked: &'e LockedAs,
    /// Whether a bill of materials is asked for.
    pub with_sbom: bool,
}

/// Looks at everything in its order.
///
/// # Errors
/// When the registry could not be asked; what was found out before that is in the verdict.
pub fn examine(
    registry: &Registry,
    image: &Reference,
    expectations: &Expectations<'_>,
    verdict: &mut Verdict,
) -> Result<(), RegistryError> {
    let found = match registry.manifest(image) {
        Ok(Some(manifest)) => Ok(manifest),
        Ok(None) => {
            Err(("there is no such policy".to_owned(), "publish it, or name its tag with --tag, or leave it out with --policy"))
        }
        Err(RegistryError::Failed { fault: Fault::Wrong(problem), .. }) => {
            Err((problem, "do not run it; the registry, or somebody on the way to it, does not give what was asked for"))
        }
        Err(error) => return Err(error),
    };
    let manifest = match found {
        Ok(manifest) => manifest,
        Err((problem, remedy)) => {
            verdict.set(Aspect::Tag, State::wrong(problem, remedy));
            verdict.skip_rest("there is no manifest");
            return Ok(());
        }
    };
    verdict.digest = Some(manifest.digest.clone());
    verdict.set(Aspect::Tag, State::Good);
    verdict.set(Aspect::Lock, against_lock(&manifest, expectations.locked));
    let state = signed(registry, image, &manifest.digest, expectations.keys)?;
    verdict.set(Aspect::Signature, state);

    let module = match module(registry, image, &manifest)? {
        Ok(module) => module,
        Err(state) => {
            verdict.set(Aspect::Module, state);
            verdict.skip_rest("there is no module");
            return Ok(());
        }
    };
    verdict.set(Aspect::Module, State::Good);
    verdict.set(Aspect::Metadata, metadata(&module, &verdict.policy));
    let built_in = palisade_policies::find(&verdict.policy);
    verdict.built_in = Some(match built_in {
        Some(built_in) if built_in.wasm == module => BuiltIn::Same,
        Some(_) => BuiltIn::Other,
        None => BuiltIn::None,
    });
    let state = if expectations.with_sbom {
        bill(registry, image, &manifest.digest, &digest(&module), expectations.keys, built_in.is_some())?
    } else {
        State::skipped("--no-sbom")
    };
    verdict.set(Aspect::Sbom, state);
    Ok(())
}

/// The module of a manifest, which is all that Kubewarden wants to find there; or what else there is.
fn layer(manifest: &Manifest) -> Result<&OciDescriptor, String> {
    match &manifest.content {
        OciManifest::ImageIndex(_) => Err("it is a list of images, and Kubewarden takes a manifest with one module".to_owned()),
        OciManifest::Image(image) => match &image.layers[..] {
            [layer] if layer.media_type == WASM_LAYER_MEDIA_TYPE => Ok(layer),
            [layer] => Err(format!("its layer is of type {}, and Kubewarden takes {WASM_LAYER_MEDIA_TYPE}", layer.media_type)),
            layers => Err(format!("there are {} in it, and Kubewarden takes one", count(layers.len(), "layer"))),
        },
    }
}

fn against_lock(manifest: &Manifest, locked: &LockedAs) -> State {
    let (file, locked) = match locked {
        LockedAs::Said { file, locked } => (file, locked),
        LockedAs::Missing(file) => {
            let remedy = "verify with the lock file that it was published with, or publish it again with this one";
            return State::wrong(format!("{file} does not name this policy"), remedy);
        }
        LockedAs::Unsaid(reason) => return State::skipped(reason),
    };
    if locked.digest != manifest.digest {
        return State::wrong(
            format!("it is {}, and {file} says {}", manifest.digest, locked.digest),
            "somebody moved the tag after it was published: find out who may push there; `palisade publish --force` puts back \
             what this palisade holds",
        );
    }
    let expected = format!("sha256:{}", locked.module.sha256);
    let by_hand = "the lock file was changed by hand; publish again to renew it";
    match layer(manifest) {
        Ok(layer) if layer.digest != expected => {
            State::wrong(format!("the module is {}, and {file} says {expected}", layer.digest), by_hand)
        }
        Ok(layer) if u64::try_from(layer.size) != Ok(locked.module.size) => {
            State::wrong(format!("the module has {} bytes, and {file} says {}", layer.size, locked.module.size), by_hand)
        }
        _ => State::Good,
    }
}

/// Whether each key signed the manifest with this digest.
fn signed(registry: &Registry, image: &Reference, digest: &str, keys: &[Key]) -> Result<State, RegistryError> {
    let signatures = match Signatures::read(registry, image, digest) {
        Ok(signatures) => signatures,
        Err(SignatureError::Registry(error)) => return Err(error),
        Err(error) => return Ok(State::wrong(error.to_string(), "delete that tag, and publish again with --sign-key")),
    };
    for Key { file, key } in keys {
        match signatures.verify(key) {
            Ok(()) => {}
            Err(flaws) if flaws.is_empty() => {
                let problem = format!("it is not signed: there is no signature under the tag {}", signature::tag(digest));
                let remedy = format!(
                    "do not run it before you know that it is what was published; then sign it: publish again with --sign-key and \
                     the private key of {file}"
                );
                return Ok(State::wrong(problem, remedy));
            }
            Err(flaws) => {
                let problem = format!("{file} signed nothing of it; there is {}", in_words(&flaws));
                let remedy = "do not run it before you know who made it; if that is your publisher, take the public key that \
                              belongs to theirs, or have it signed by this one: publish again with --sign-key";
                return Ok(State::wrong(problem, remedy));
            }
        }
    }
    Ok(State::Good)
}

/// What is wrong with signatures, what is alike once.
fn in_words(flaws: &[Flaw]) -> String {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for flaw in flaws {
        *numbers.entry(flaw.to_string()).or_default() += 1;
    }
    let words = |(flaw, number): (String, usize)| if number == 1 { flaw } else { format!("{flaw} ({number} times)") };
    numbers.into_iter().map(words).collect::<Vec<_>>().join("; ")
}

/// The module, or what is wrong with it.
fn module(registry: &Registry, image: &Reference, manifest: &Manifest) -> Result<Result<Vec<u8>, State>, RegistryError> {
    let again = "it was not made by `palisade publish` or `kwctl push`; publish it again, with --force";
    let layer = match layer(manifest) {
        Ok(layer) => layer,
        Err(problem) => return Ok(Err(State::wrong(problem, again))),
    };
    Ok(registry.blob(image, layer, LARGEST_MODULE)?.map_err(|problem| {
        let problem = format!("the bytes of {} are not there: {problem}", layer.digest);
        State::wrong(
            problem,
            "the storage of the registry is damaged, or somebody meddles with it; delete the tag there, and publish again",
        )
    }))
}

/// Whether the module can be run, and is the policy of that name: a signature only says who made a module, and another one by the same
/// hand may have been put in its place.
fn metadata(module: &[u8], policy: &str) -> State {
    let remedy = "Kubewarden cannot run it; annotate the module (kwctl annotate), and publish it again";
    if !module.starts_with(b"\0asm") {
        return State::wrong("it is no WebAssembly module", remedy);
    }
    match Metadata::section(module) {
        Err(problem) => State::wrong(format!("it is no module that can be read: {problem}"), remedy),
        Ok(None) => State::wrong("the module has no metadata", remedy),
        Ok(Some(section)) => match serde_json::from_slice::<Metadata>(section) {
            Ok(metadata) => {
                let title = metadata.annotations.get(TITLE).map_or("", |title| title.trim());
                // A title that is no name of a repository was not what it was named by; but those that are built in have one.
                if title == policy || !(is_repository(title) || palisade_policies::find(policy).is_some()) {
                    return State::Good;
                }
                State::wrong(
                    if title.is_empty() {
                        format!("the module has no title, and that of {policy} has")
                    } else {
                        format!("the module is the policy {title}")
                    },
                    "somebody put it in the place of another one: find out who may push there, and publish again with --force",
                )
            }
            Err(error) => State::wrong(format!("its metadata cannot be read: {error}"), remedy),
        },
    }
}

/// Whether there is a bill of materials of the module with this digest, signed by one of the keys.
fn bill(
    registry: &Registry,
    image: &Reference,
    subject: &str,
    module: &str,
    keys: &[Key],
    is_expected: bool,
) -> Result<State, RegistryError> {
    let remedy = "publish again with --sign-key: the right one is then attached, beside what is there";
    let mut problems = Vec::new();
    for attached in sbom::attached(registry, image, subject)? {
        let own = &attached.digest;
        match attached.module {
            Err(flaw) => problems.push(format!("{own}: {flaw}")),
            Ok(other) if format!("sha256:{other}") != module => {
                problems.push(format!("{own}: it is about a module with the hash {other}"));
            }
            Ok(_) => {
                // Who signs the module in addition need not have made the bill.
                for key in keys {
                    match signed(registry, image, own, std::slice::from_ref(key))? {
                        State::Wrong { problem, .. } => problems.push(format!("{own}: {problem}")),
                        state => return Ok(state),
                    }
                }
            }
        }
    }
    Ok(match (problems.is_empty(), is_expected) {
        (false, _) => State::wrong(problems.join("; "), remedy),
        (true, true) => State::wrong("there is none", "publish again: it is then attached; or ask for none: --no-sbom"),
        (true, false) => State::skipped("there is none, as this policy is not built in"),
    })
}
