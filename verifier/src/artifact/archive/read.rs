//! From archive bytes to members, or to the rule that was broken.

use super::gzip::Unpacked;
use super::tar::{BLOCK, EntryKind, Header, check_pax, shown};
use super::{ArtifactKind, Files, MAX_DOCUMENT, MAX_ENTRIES, MAX_MODULE, Malformed};
use crate::layout::member;

/// Reads an archive strictly. artifacts.md §7, every rule of its reading paragraph.
///
/// `kind` is what was asked for; members of the other kind are then unknown names. With `None` the members decide. The
/// order of entries does not matter. Caps hold while the archive streams through: memory stays
/// below what the packed bytes can unpack to, whatever the headers claim.
///
/// # Errors
/// [`Malformed`], for the first rule found broken.
pub fn read(archive: &[u8], kind: Option<ArtifactKind>) -> Result<Files, Malformed> {
    let mut found = Found { asked: kind, kind, ..Found::default() };
    walk(archive, MAX_ENTRIES, &mut found)?;
    found.complete()
}

/// Takes the regular files of an archive, one after the other.
pub(crate) trait Members {
    /// What a name stands for.
    type Member;

    /// May this file stand here? Decided by name (as it stands, perhaps no text) and size before a byte of it is read.
    ///
    /// # Errors
    /// The rule that it breaks.
    fn admit(&mut self, name: &[u8], size: u64) -> Result<Self::Member, Malformed>;

    /// Takes the content of one that was admitted.
    fn put(&mut self, member: Self::Member, content: Vec<u8>);
}

/// Walks an archive strictly, `most` entries at most; which files may stand in it is for `members` to say.
///
/// # Errors
/// [`Malformed`], for the first rule found broken.
pub(crate) fn walk<M: Members>(archive: &[u8], most: usize, members: &mut M) -> Result<(), Malformed> {
    let mut stream = Unpacked::open(archive)?;
    let mut entry = 0;
    // The extended header that waits for the entry it describes.
    let mut waiting = None;
    while let Some(block) = next_header(&mut stream, entry + 1)? {
        entry += 1;
        if entry > most {
            return Err(Malformed::TooManyEntries { most });
        }
        let header = Header::parse(&block, entry)?;
        match header.kind {
            EntryKind::File => {
                let member = members.admit(&header.name, header.size)?;
                let content = content(&mut stream, header.size, entry)?;
                members.put(member, content);
            }
            EntryKind::Directory if header.size > 0 => {
                return Err(Malformed::DirectoryContent { entry, name: header.shown(), size: header.size });
            }
            EntryKind::Directory => {}
            EntryKind::Pax => {
                if let Some(entry) = waiting {
                    return Err(Malformed::PaxOrphan { entry });
                }
                if header.size > MAX_DOCUMENT {
                    return Err(Malformed::PaxSyntax { entry, reason: "it is larger than 1 MiB" });
                }
                check_pax(&content(&mut stream, header.size, entry)?, entry)?;
                waiting = Some(entry);
                continue;
            }
            EntryKind::Other(ref what) => {
                return Err(Malformed::NotRegular { entry, name: header.shown(), what: what.clone() });
            }
        }
        waiting = None;
    }
    if let Some(entry) = waiting {
        return Err(Malformed::PaxOrphan { entry });
    }
    zeros_to_the_end(&mut stream)?;
    stream.close()
}

/// The next header, or `None` once the two zero blocks were read.
fn next_header(stream: &mut Unpacked<'_>, entry: usize) -> Result<Option<[u8; BLOCK]>, Malformed> {
    let mut block = [0; BLOCK];
    match stream.read(&mut block)? {
        BLOCK => {}
        0 => return Err(Malformed::NoEnd),
        _ => return Err(Malformed::TarCut { entry, what: "the header" }),
    }
    if block != [0; BLOCK] {
        return Ok(Some(block));
    }
    match stream.read(&mut block)? {
        BLOCK if block == [0; BLOCK] => Ok(None),
        BLOCK => Err(Malformed::LoneZeroBlock { entry }),
        _ => Err(Malformed::NoEnd),
    }
}

/// Content and padding. What the padding holds does not matter: no reader looks at it.
fn content(stream: &mut Unpacked<'_>, size: u64, entry: usize) -> Result<Vec<u8>, Malformed> {
    let bytes = stream.take(size)?;
    if (bytes.len() as u64) < size {
        return Err(Malformed::TarCut { entry, what: "the content" });
    }
    let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
    if stream.read(&mut [0; BLOCK][..padding])? < padding {
        return Err(Malformed::TarCut { entry, what: "the padding" });
    }
    Ok(bytes)
}

/// Further zero blocks are fine: GNU tar pads to 10,240 bytes.
fn zeros_to_the_end(stream: &mut Unpacked<'_>) -> Result<(), Malformed> {
    let mut block = [0; BLOCK];
    loop {
        let count = stream.read(&mut block)?;
        if block[..count].iter().any(|byte| *byte != 0) {
            return Err(Malformed::AfterEnd("bytes that are not zero"));
        }
        match count {
            0 => return Ok(()),
            BLOCK => {}
            _ => return Err(Malformed::AfterEnd("zeros that are no whole block")),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Wasm,
    Bin,
    Manifest,
    Document,
    Signature,
}

impl Member {
    const ALL: [Member; 5] = [Member::Wasm, Member::Bin, Member::Manifest, Member::Document, Member::Signature];

    fn name(self) -> &'static str {
        match self {
            Member::Wasm => member::MODULE,
            Member::Bin => member::OTHER_MODULE,
            Member::Manifest => member::MANIFEST,
            Member::Document => member::DOCUMENT,
            Member::Signature => member::SIGNATURE,
        }
    }

    /// The kind it tells; a signature is in both.
    fn kind(self) -> Option<ArtifactKind> {
        match self {
            Member::Wasm | Member::Bin | Member::Manifest => Some(ArtifactKind::Connector),
            Member::Document => Some(ArtifactKind::Action),
            Member::Signature => None,
        }
    }

    fn limit(self) -> u64 {
        match self {
            Member::Wasm | Member::Bin => MAX_MODULE,
            Member::Manifest | Member::Document | Member::Signature => MAX_DOCUMENT,
        }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    asked: Option<ArtifactKind>,
    /// Asked for, or told by the first member that tells.
    kind: Option<ArtifactKind>,
    /// `connector.wasm` or `connector.bin`.
    binary: Option<(&'static str, Vec<u8>)>,
    manifest: Option<Vec<u8>>,
    document: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
}

impl Members for Found {
    type Member = Member;

    fn admit(&mut self, name: &[u8], size: u64) -> Result<Member, Malformed> {
        let bare = name.strip_prefix(b"./").unwrap_or(name);
        let member = Member::ALL.into_iter().find(|member| member.name().as_bytes() == bare);
        let unknown = || Malformed::UnknownName { name: shown(name), kind: self.asked };
        let member = member.ok_or_else(unknown)?;
        if let Some(tells) = member.kind()
            && self.kind.is_some_and(|kind| kind != tells)
        {
            return Err(match self.asked {
                Some(_) => unknown(),
                None => Malformed::MixedKinds { member: member.name(), kind: tells },
            });
        }
        self.kind = self.kind.or(member.kind());
        let stands = match member {
            Member::Wasm | Member::Bin => match &self.binary {
                Some((name, _)) if *name != member.name() => return Err(Malformed::SecondBinary),
                binary => binary.is_some(),
            },
            Member::Manifest => self.manifest.is_some(),
            Member::Document => self.document.is_some(),
            Member::Signature => self.signature.is_some(),
        };
        if stands {
            return Err(Malformed::Duplicate(member.name()));
        }
        if size > member.limit() {
            return Err(Malformed::MemberTooLarge { member: member.name(), found: size, limit: member.limit() });
        }
        Ok(member)
    }

    fn put(&mut self, member: Member, content: Vec<u8>) {
        match member {
            Member::Wasm | Member::Bin => self.binary = Some((member.name(), content)),
            Member::Manifest => self.manifest = Some(content),
            Member::Document => self.document = Some(content),
            Member::Signature => self.signature = Some(content),
        }
    }
}

impl Found {
    fn complete(self) -> Result<Files, Malformed> {
        let kind = self.kind.ok_or(Malformed::Empty)?;
        let missing = |member: Member| Malformed::Missing { kind, member: member.name() };
        Ok(match kind {
            ArtifactKind::Connector => Files::Connector {
                wasm: self.binary.ok_or(missing(Member::Wasm))?.1,
                manifest: self.manifest.ok_or(missing(Member::Manifest))?,
                signature: self.signature.ok_or(missing(Member::Signature))?,
            },
            ArtifactKind::Action => Files::Action {
                document: self.document.ok_or(missing(Member::Document))?,
                signature: self.signature.ok_or(missing(Member::Signature))?,
            },
        })
    }
}
