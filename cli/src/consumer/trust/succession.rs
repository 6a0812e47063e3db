//! What a publisher says of its keys, in statements beside `keys/publisher.pub`: which key follows which, and which counts
//! no more.
//!
//! A rotation is evidence for a person and never a grant, since who stole a key can sign one too. A revocation only takes
//! away. Absent, refused and unreachable are three answers, and none of them is "yes".

use aileron_verifier::layout::ROTATION;
use aileron_verifier::name::fqn::{Authority, Fqn};
use aileron_verifier::statement::revocation::{self, Revocation};
use aileron_verifier::statement::rotation::{self, LONGEST, Rotation, Succession};
use aileron_verifier::text::printable;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::{Keyring, SignatureRefused};

use crate::consumer::fetch::origin::Origin;
use crate::consumer::trust::prompt::{Console, consents};
use crate::consumer::trust::publisher_key::{self, Fetched, KeyFetchError, statement};
use crate::consumer::trust::ring::{RingError, RingFile};

/// What the publisher's published key says about a signature that no trusted key accepts. artifacts.md §10, keyring.md §7.5.
///
/// Evidence for a person. It never changes the verdict, and nothing is granted.
#[derive(Debug)]
pub struct Divergence {
    /// Under whose authority the signature failed.
    pub authority: Authority,
    /// The keys that were tried.
    pub trusted: Vec<Fingerprint>,
    /// The key that is published now, or why that is not known.
    pub published: Result<Fetched, KeyFetchError>,
    /// What the publisher says of these keys, where the published one is none of the trusted.
    pub sayings: Option<KeySayings>,
}

impl Divergence {
    /// Looks at the published key after `refusal`, and at what is said of it beside it. `None` when there was no signature to
    /// compare, or no key is trusted at all.
    pub fn after(refusal: &SignatureRefused, ring: &Keyring, name: &Fqn, origin: &Origin) -> Option<Divergence> {
        let SignatureRefused::NoMatch { authority, tried } = refusal else { return None };
        let published = publisher_key::fetch(name, origin);
        let trusted = ring.keys(authority);
        let sayings = published.as_ref().ok().filter(|published| !trusted.contains(&published.key));
        let sayings = sayings.map(|published| KeySayings::look(&published.key, &trusted, name, origin));
        Some(Divergence { authority: authority.clone(), trusted: tried.clone(), published, sayings })
    }

    /// The published key, when it is known and none of the trusted ones.
    pub fn differs(&self) -> Option<&PublicKey> {
        let key = &self.published.as_ref().ok()?.key;
        (!self.trusted.contains(&key.fingerprint())).then_some(key)
    }
}

/// Whether a trusted key names the published one.
#[derive(Debug)]
pub enum Named {
    /// It does, in one step or several.
    By {
        /// The trusted key.
        trusted: PublicKey,
        /// The way from it to the published one.
        succession: Succession,
    },
    /// The publisher has no such statement.
    Absent,
    /// There is one, and it does not count: why.
    Refused(String),
    /// It could not be asked for.
    Unreachable(KeyFetchError),
}

impl Named {
    /// The answer as one word, for scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Named::By { .. } => "named",
            Named::Absent => "absent",
            Named::Refused(_) => "refused",
            Named::Unreachable(_) => "unreachable",
        }
    }
}

/// Whether a key counts no more.
#[derive(Debug)]
pub enum RevocationLook {
    /// It was revoked by this key: itself, or a successor.
    Revoked(PublicKey),
    /// The publisher has no such statement.
    Absent,
    /// There is one, and it does not count: why.
    Refused(String),
    /// It could not be asked for.
    Unreachable(KeyFetchError),
}

impl RevocationLook {
    /// The key that revoked it. What is not certain is said to `hear`, in one line.
    pub(in crate::consumer) fn inspect_uncertain(self, hear: impl FnOnce(String)) -> Option<PublicKey> {
        match self {
            RevocationLook::Revoked(by) => return Some(by),
            RevocationLook::Absent => {}
            RevocationLook::Refused(why) => hear(format!("a revocation that does not count: {why}")),
            RevocationLook::Unreachable(why) => {
                hear(format!("cannot find out whether the signing key was revoked: {}", printable(&why.to_string())));
            }
        }
        None
    }
}

/// What a publisher says of a published key and of those that are trusted in its place.
#[derive(Debug)]
pub struct KeySayings {
    /// Whether a trusted key names the published one.
    pub named: Named,
    /// Trusted keys, each with what is said of its end.
    pub revocations: Vec<(Fingerprint, RevocationLook)>,
}

impl KeySayings {
    /// Asks for all of it.
    pub fn look(published: &PublicKey, trusted: &[PublicKey], repository: &Fqn, origin: &Origin) -> KeySayings {
        let repository = repository.repository();
        let look = |key: &PublicKey| (key.fingerprint(), revocation(key, Some(published), &repository, origin));
        KeySayings {
            named: named(published, trusted, &repository, origin),
            revocations: trusted.iter().map(look).collect(),
        }
    }

    /// The trusted keys that were revoked, each with the key that did it.
    pub fn revoked(&self) -> impl Iterator<Item = (&Fingerprint, &PublicKey)> {
        self.revocations.iter().filter_map(|(key, look)| match look {
            RevocationLook::Revoked(by) => Some((key, by)),
            RevocationLook::Absent | RevocationLook::Refused(_) | RevocationLook::Unreachable(_) => None,
        })
    }

    /// Whether anything is there to be shown before a question.
    pub fn is_said(&self) -> bool {
        matches!(self.named, Named::By { .. } | Named::Refused(_)) || self.revoked().next().is_some()
    }

    /// One line for each thing that is said of `published`, or that could not be found out.
    pub fn lines(&self, published: &Fingerprint) -> Vec<String> {
        let named = match &self.named {
            Named::By { trusted, succession } => {
                let steps =
                    if succession.len() > 1 { format!(", in {} steps", succession.len()) } else { String::new() };
                let from = succession.first_version().map(|version| format!(" from version {version} on"));
                format!(
                    "named by the key you trust: {ROTATION} says that {published} follows {}{}{steps}",
                    trusted.fingerprint(),
                    from.unwrap_or_default()
                )
            }
            Named::Absent => format!("no key you trust names it: there is no {ROTATION}"),
            Named::Refused(why) => format!("no key you trust names it: {ROTATION} does not count: {}", printable(why)),
            Named::Unreachable(why) => {
                format!("not known whether a key you trust names it: {}", printable(&why.to_string()))
            }
        };
        let revoked = self.revocations.iter().filter_map(|(key, look)| match look {
            RevocationLook::Revoked(by) if by.fingerprint() == *key => {
                Some(format!("revoked by its publisher: {key}, which you trust (it signed that itself)"))
            }
            RevocationLook::Revoked(by) => {
                Some(format!("revoked by its publisher: {key}, which you trust (signed by {})", by.fingerprint()))
            }
            RevocationLook::Absent => None,
            RevocationLook::Refused(why) => {
                Some(format!("a revocation of {key}, which you trust, does not count: {}", printable(why)))
            }
            RevocationLook::Unreachable(why) => {
                Some(format!("not known whether {key}, which you trust, was revoked: {}", printable(&why.to_string())))
            }
        });
        std::iter::once(named).chain(revoked).collect()
    }
}

/// Whether one of the trusted keys names the published one. The way is walked back from there, statement by statement, and
/// then judged from the trusted key on.
fn named(published: &PublicKey, trusted: &[PublicKey], repository: &Fqn, origin: &Origin) -> Named {
    let (mut newest_first, mut at, mut path) = (Vec::new(), *published, ROTATION.to_owned());
    while newest_first.len() < LONGEST {
        let found = match statement::<Rotation>(repository, &path, origin) {
            Ok(Some(found)) => found,
            Ok(None) if path == ROTATION => return Named::Absent,
            Ok(None) => return Named::Refused("it does not lead from a key you trust to the published one".to_owned()),
            Err(why) => return Named::Unreachable(why),
        };
        // Who signed it is judged below, when it is known from where.
        let said = match found.read_unverified() {
            Ok(said) => said,
            Err(why) => return Named::Refused(why.to_string()),
        };
        if said.new != at && path == ROTATION {
            // A rotation that was begun and not carried out leaves the one before it under its other name.
            path = rotation::path_to(&at);
            continue;
        }
        if said.new != at {
            return Named::Refused(format!("it names {}", said.new.fingerprint()));
        }
        newest_first.push(found);
        if trusted.contains(&said.old) {
            let oldest_first = newest_first.into_iter().rev();
            return match Succession::follow(said.old, oldest_first, repository) {
                Ok(succession) => Named::By { trusted: said.old, succession },
                Err(why) => Named::Refused(why.to_string()),
            };
        }
        (at, path) = (said.old, rotation::path_to(&said.old));
    }
    Named::Refused(format!("more than {LONGEST} keys lie between"))
}

/// Whether `key` was revoked: by itself, or by a key that follows it on the way to the published one, which is fetched where
/// it is not known and needed.
pub fn revocation(key: &PublicKey, published: Option<&PublicKey>, repository: &Fqn, origin: &Origin) -> RevocationLook {
    let found = match statement::<Revocation>(repository, &revocation::path_of(key), origin) {
        Ok(Some(found)) => found,
        // Only GitHub and mirrors have a place for keys.
        Ok(None) | Err(KeyFetchError::Scheme(_)) => return RevocationLook::Absent,
        Err(why) => return RevocationLook::Unreachable(why),
    };
    let by = match found.read_unverified() {
        Ok(said) if said.key == *key => said.by,
        Ok(said) => return RevocationLook::Refused(format!("it is about {}", said.key.fingerprint())),
        Err(why) => return RevocationLook::Refused(why.to_string()),
    };
    if by != *key {
        let published = match published {
            Some(published) => *published,
            None => match publisher_key::fetch(repository, origin) {
                Ok(fetched) => fetched.key,
                Err(why) => return RevocationLook::Unreachable(why),
            },
        };
        match named(&published, &[*key], repository, origin) {
            Named::By { succession, .. } if succession.names(&by) => {}
            Named::Unreachable(why) => return RevocationLook::Unreachable(why),
            Named::By { .. } | Named::Absent | Named::Refused(_) => {
                return RevocationLook::Refused(format!("{} does not follow that key", by.fingerprint()));
            }
        }
    }
    let mut ring = Keyring::new();
    ring.grant(repository.repo_authority(), by);
    match found.verify(repository, &ring) {
        Ok(_) => RevocationLook::Revoked(by),
        Err(why) => RevocationLook::Refused(why.to_string()),
    }
}

/// Asks whether the published key is to be trusted beside the one that names it, as far as that one is. The ring that comes
/// of it; `None` where nothing is asked (no key that you trust names it, or that key was revoked), where nobody can be asked,
/// and for a no.
///
/// # Errors
/// [`RingError`].
pub fn ask(divergence: &Divergence, ring: &RingFile, console: &mut dyn Console) -> Result<Option<Keyring>, RingError> {
    let (Ok(published), Some(sayings)) = (&divergence.published, &divergence.sayings) else { return Ok(None) };
    let Named::By { trusted, .. } = &sayings.named else { return Ok(None) };
    if sayings.revoked().next().is_some() {
        return Ok(None);
    }
    let (old, new) = (trusted.fingerprint(), published.key.fingerprint());
    let known = ring.load_or_refuse()?;
    let reach = |authority: &Authority| known.exact(authority).contains(trusted);
    let authorities = [Some(divergence.authority.clone()), divergence.authority.owner()];
    let reached: Vec<Authority> = authorities.into_iter().flatten().filter(reach).collect();
    let names: Vec<&str> = reached.iter().map(Authority::as_str).collect();
    let reach = names.join(" and ");
    let mut notice = format!(
        "\nThe publisher of {} signs with another key now.\n  trusted    {old} for {reach}\n  published  {new} at {}\n",
        divergence.authority,
        printable(&published.at.to_string())
    );
    for line in sayings.lines(&new) {
        notice.push_str(&format!("  {line}\n"));
    }
    notice.push_str(
        "  Who stole the old key could say the same: compare the new fingerprint with one you got another way.\n",
    );
    let question = format!("Trust the new key for {reach} too? [y/N]: ");
    let is_yes = console.say(&notice).and_then(|()| consents(console, &question)).unwrap_or(false);
    if !is_yes || reached.is_empty() {
        return Ok(None);
    }
    let wider = ring.edit(|ring| {
        for authority in &reached {
            ring.grant(authority.clone(), published.key);
        }
        ring.clone()
    })?;
    // It is granted, whether or not that can be shown.
    let _ = console
        .say(&format!("✓ Trusted {new} for {reach}, beside the old key\n  Keyring: {}\n", ring.path().display()));
    Ok(Some(wider))
}
