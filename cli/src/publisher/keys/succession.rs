//! `keys rotate` and `keys revoke`: the statements by which a publisher goes from one key to the next.
//!
//! The order of the writes is what makes a rotation safe to interrupt: first the new private key, then what both keys
//! signed, and the public key last. Until that one is replaced, the old key is in force and `rotate` may begin again with
//! another file; afterwards everything is there.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aileron_verifier::layout::{KEY_LIMIT, ROTATION, SIGNATURE_SUFFIX};
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::Version;
use aileron_verifier::statement::revocation::{self, Revocation};
use aileron_verifier::statement::rotation::{self, LONGEST, Rotation, Succession};
use aileron_verifier::statement::{Document as _, StatementError, UnverifiedStatement};
use aileron_verifier::trust::key::{Fingerprint, PublicKey};

use super::{KeysError, PUBLIC_KEY, README, readme};
use crate::publisher::committed_key;
use crate::publisher::project::KeyFile;
use crate::publisher::sign::SigningKey;
use crate::publisher::sign::file::{check_private_key_path, create_private_key_file};
use crate::secret::Secret;
use crate::sys::disk::{self, Created, Disk, Readers, Replace, Steps, TEMPORARY};
use crate::sys::process::Spawner;

/// What is to be made of one key.
pub struct RotationRequest {
    /// The first version that the new key signs.
    pub first_version: Version,
    /// Where the new private key goes: a new file outside the repository.
    pub private: PathBuf,
    /// Encrypts that file.
    pub passphrase: Option<Secret>,
}

/// What [`rotate`] made.
pub struct Rotated {
    /// The key that was in force.
    pub old: Fingerprint,
    /// The one that is.
    pub new: Fingerprint,
    /// What was written in the repository, relative to it.
    pub files: Vec<String>,
    /// Whether [`README`] has words of the publisher's own, so that it still names the old key.
    pub stale_readme: bool,
}

/// What [`revoke`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that counts no more.
    pub key: Fingerprint,
    /// The key that says so.
    pub by: Fingerprint,
    /// The statement, relative to the repository.
    pub path: String,
    /// Whether it is the key that signs releases now.
    pub is_current: bool,
}

/// Makes a new key pair and puts it in the old one's place in the repository at `root`, known as `name`: both keys sign that.
///
/// # Errors
/// [`KeysError`]. [`PUBLIC_KEY`] is then the old key, and the new private key is gone.
pub fn rotate(
    root: &Path,
    name: &Fqn,
    old: &SigningKey,
    request: &RotationRequest,
    spawner: Spawner<'_>,
) -> Result<Rotated, KeysError> {
    rotate_on(&(Arc::new(Disk) as Arc<dyn Steps>), root, name, old, request, spawner)
}

fn rotate_on(
    steps: &Arc<dyn Steps>,
    root: &Path,
    name: &Fqn,
    old: &SigningKey,
    request: &RotationRequest,
    spawner: Spawner<'_>,
) -> Result<Rotated, KeysError> {
    let committed = committed(root)?;
    if old.public() != committed {
        let (signing, committed) = (old.public().fingerprint(), committed.fingerprint());
        return Err(KeysError::OtherKey { signing, committed });
    }
    check_private_key_path(&request.private, spawner)?;
    let older = older_statement(root, name, &committed)?;
    let new = SigningKey::generate()?;
    let private = match &request.passphrase {
        Some(passphrase) => new.to_encrypted_pem(passphrase)?,
        None => new.to_pem(),
    };
    let statement = Rotation {
        authority: name.repository(),
        first_version: request.first_version.clone(),
        new: new.public(),
        old: committed,
        schema: rotation::SCHEMA,
    };
    let bytes = statement.render();
    let signatures = [old.sign(&[&bytes]), new.sign(&[&bytes])].concat();
    let current_readme = disk::read_if_there(&root.join(README), KEY_LIMIT)?;
    let is_ours = current_readme.as_ref().is_some_and(|text| *text == readme(name, &committed).into_bytes());

    let mut made = Created::with(Arc::clone(steps));
    create_private_key_file(&mut made, &request.private, &private, spawner)?;
    let replace = Replace { steps: &**steps, temporary: TEMPORARY, readers: Readers::All, durable: true };
    let mut files = Vec::new();
    let mut put = |path: &str, bytes: &[u8]| -> Result<(), KeysError> {
        replace.put(&root.join(path), bytes)?;
        files.push(path.to_owned());
        Ok(())
    };
    for KeyFile { path, bytes } in &older {
        put(path, bytes)?;
    }
    put(&format!("{ROTATION}{SIGNATURE_SUFFIX}"), &signatures)?;
    put(ROTATION, &bytes)?;
    put(PUBLIC_KEY, new.public().to_pem().as_bytes())?;
    made.keep(); // from here on the new key is in force
    if is_ours {
        put(README, readme(name, &new.public()).as_bytes())?;
    }
    let stale_readme = current_readme.is_some() && !is_ours;
    Ok(Rotated { old: committed.fingerprint(), new: new.public().fingerprint(), files, stale_readme })
}

/// Says of a key of this repository that it counts no more, signed by that key or by one that follows it.
///
/// # Errors
/// [`KeysError`]; nothing is written then.
pub fn revoke(
    root: &Path,
    name: &Fqn,
    statements: &[KeyFile],
    signing: &SigningKey,
    which: &Fingerprint,
) -> Result<Revoked, KeysError> {
    let committed = committed(root)?;
    let newest_first = line(statements, &committed, name)?;
    let at = |wanted: &Fingerprint| newest_first.iter().position(|key| key.fingerprint() == *wanted);
    let Some(revoked) = at(which) else { return Err(KeysError::UnknownKey(*which)) };
    let signer = signing.public();
    if at(&signer.fingerprint()).is_none_or(|by| by > revoked) {
        return Err(KeysError::NotASuccessor { signing: signer.fingerprint(), key: *which });
    }
    let key = newest_first[revoked];
    let statement = Revocation { authority: name.repository(), by: signer, key, schema: revocation::SCHEMA };
    let (bytes, path) = (statement.render(), revocation::path_of(&key));
    let replace = Replace { steps: &Disk, temporary: TEMPORARY, readers: Readers::All, durable: true };
    replace.put(&root.join(format!("{path}{SIGNATURE_SUFFIX}")), &signing.sign(&[&bytes]))?;
    replace.put(&root.join(&path), &bytes)?;
    Ok(Revoked { key: *which, by: signer.fingerprint(), path, is_current: key == committed })
}

/// Whether statements of this repository lead from one key to the other, each step signed by both of its keys.
pub fn leads(statements: &[KeyFile], from: &PublicKey, to: &PublicKey, name: &Fqn) -> bool {
    line(statements, to, name).is_ok_and(|keys| keys.contains(from)) && from != to
}

/// The keys of a repository, from this one back: each is followed by the one before it, and both signed that.
///
/// # Errors
/// [`KeysError::Statement`] where a key is named by a statement that does not hold, and by no other.
pub fn line(statements: &[KeyFile], newest: &PublicKey, name: &Fqn) -> Result<Vec<PublicKey>, KeysError> {
    let mut keys = vec![*newest];
    while let Some(at) = keys.last().filter(|_| keys.len() <= LONGEST) {
        // A rotation that was interrupted may have left the first of the two without its signatures.
        let named = [ROTATION.to_owned(), rotation::path_to(at)].map(|path| followed_by(at, &path, statements, name));
        match named.into_iter().flatten().reduce(|one, other| one.or(other)) {
            Some(old) => keys.push(old?),
            None => break,
        }
    }
    Ok(keys)
}

/// The key that `new` follows, by the statement at this path; `None` where that is not about it.
fn followed_by(
    new: &PublicKey,
    path: &str,
    statements: &[KeyFile],
    name: &Fqn,
) -> Option<Result<PublicKey, KeysError>> {
    let bytes = |path: &str| statements.iter().find(|file| file.path == path).map(|file| &*file.bytes);
    let document = bytes(path)?;
    let old = Rotation::read_unverified(document).ok().filter(|said| said.new == *new)?.old;
    let signatures = bytes(&format!("{path}{SIGNATURE_SUFFIX}")).unwrap_or_default();
    let followed = Succession::follow(old, [UnverifiedStatement::new(document, signatures)], &name.repository());
    let failed = |why: StatementError| KeysError::Statement { path: path.to_owned(), why: why.to_string() };
    Some(followed.map(|_| old).map_err(failed))
}

/// The key that is committed, from the work tree.
///
/// # Errors
/// [`KeysError::NoPublicKey`], [`KeysError::NotAKey`], [`KeysError::Disk`].
pub fn committed(root: &Path) -> Result<PublicKey, KeysError> {
    let path = root.join(PUBLIC_KEY);
    let bytes = disk::read_if_there(&path, KEY_LIMIT)?.ok_or(KeysError::NoPublicKey)?;
    let text = String::from_utf8_lossy(&bytes);
    committed_key::read(&text).map_err(|source| KeysError::NotAKey { path, source })
}

/// The statement that named the key which is now followed, under the name it has from now on, signatures first; nothing where
/// it has that name already, or where there is none.
fn older_statement(root: &Path, name: &Fqn, committed: &PublicKey) -> Result<Vec<KeyFile>, KeysError> {
    let read = |path: &str| disk::read_if_there(&root.join(path), KEY_LIMIT);
    let kept = rotation::path_to(committed);
    let Some(bytes) = read(ROTATION)?.filter(|_| !root.join(&kept).is_file()) else { return Ok(Vec::new()) };
    let failed = |why: String| KeysError::Statement { path: ROTATION.to_owned(), why };
    let said = Rotation::read_unverified(&bytes).map_err(|why| failed(why.to_string()))?;
    if said.old == *committed {
        return Ok(Vec::new()); // begun, and not carried out
    }
    let signatures = read(&format!("{ROTATION}{SIGNATURE_SUFFIX}"))?.unwrap_or_default();
    let statement = UnverifiedStatement::new(bytes.clone(), signatures.clone());
    let followed = Succession::follow(said.old, [statement], &name.repository());
    match followed.map_err(|why| failed(why.to_string()))?.names(committed) {
        true => Ok(vec![
            KeyFile { path: format!("{kept}{SIGNATURE_SUFFIX}"), bytes: signatures },
            KeyFile { path: kept, bytes },
        ]),
        false => Err(failed(format!("it names neither {PUBLIC_KEY} nor its successor"))),
    }
}
