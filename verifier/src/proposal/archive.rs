//! `proposal.tar.gz`: what would be signed, and an index over it.
//!
//! ```text
//! proposal.json      ProposalIndex
//! connector.wasm     the module
//! manifest.toml      bound, the client secret included
//! actions/0001.md    bound, one for each action, numbered in the order of the index
//! ```
//!
//! The same strict reading as for `aileron.tar.gz`, with other names. A name of an action may be longer than a tar header
//! holds, so the files are numbered. Same input, same bytes: proposing twice writes nothing.

use serde::{Deserialize, Serialize};

use super::{ProposalError, document, text};
use crate::artifact::archive::{MAX_DOCUMENT, MAX_MODULE, Malformed, Members, Packer, walk};
use crate::layout::{self, member};
use crate::name::digest::{ContentHash, FileDigest};
use crate::name::fqn::Ref;
use crate::statement::cohort::{CommitId, Tool, Toolchain};

/// The newest schema this crate writes and reads.
const SCHEMA: u32 = 1;
/// The index inside the archive.
const INDEX: &str = "proposal.json";
/// Most bytes of the index: a line of an action takes about 300.
const MAX_INDEX: u64 = 16 << 20;
/// Most files: what the numbers of the actions have room for, and the three others.
const MAX_FILES: usize = 9_999 + 3;

/// What CI would sign. No `Debug`: the manifest may hold a client secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What it says of itself.
    pub index: ProposalIndex,
    /// `connector.wasm`.
    pub wasm: Vec<u8>,
    /// The bound manifest.
    pub manifest: Vec<u8>,
    /// The bound actions, in the order of the index.
    pub actions: Vec<Vec<u8>>,
}

/// `proposal.json`, fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalIndex {
    /// Format version; a reader refuses a higher one.
    pub schema: u32,
    /// The connector at the version.
    pub release: Ref,
    /// The commit everything was made from.
    pub commit: CommitId,
    /// What made it.
    pub tool: Tool,
    /// What compiled the module.
    pub toolchain: Toolchain,
    /// The connector's identity.
    pub content_hash: ContentHash,
    /// The module.
    pub module: FileDigest,
    /// The manifest.
    pub manifest: FileDigest,
    /// The actions, sorted by name.
    pub actions: Vec<ProposedAction>,
}

/// One action's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedAction {
    /// Its name at the version.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its bound document.
    pub sha256: FileDigest,
}

/// Who proposes what: an index without the digests.
#[derive(Clone, Debug)]
pub struct ProposalHead {
    /// The connector at the version.
    pub release: Ref,
    /// The commit everything was made from.
    pub commit: CommitId,
    /// What made it.
    pub tool: Tool,
    /// What compiled the module.
    pub toolchain: Toolchain,
}

impl Proposal {
    /// The proposal of these files; `actions` sorted by name.
    pub fn new(head: ProposalHead, wasm: Vec<u8>, manifest: Vec<u8>, actions: Vec<(Ref, Vec<u8>)>) -> Proposal {
        let line = |(reference, document): &(Ref, Vec<u8>)| ProposedAction {
            reference: reference.clone(),
            sha256: FileDigest::of(&[document]),
        };
        let index = ProposalIndex {
            schema: SCHEMA,
            release: head.release,
            commit: head.commit,
            tool: head.tool,
            toolchain: head.toolchain,
            content_hash: ContentHash::of(&[&wasm, &manifest]),
            module: FileDigest::of(&[&wasm]),
            manifest: FileDigest::of(&[&manifest]),
            actions: actions.iter().map(line).collect(),
        };
        Proposal { index, wasm, manifest, actions: actions.into_iter().map(|(_, document)| document).collect() }
    }

    /// The archive: identical input gives identical bytes on every platform.
    pub fn pack(&self) -> Vec<u8> {
        let index = text(&self.index);
        let names: Vec<String> = (1..=self.actions.len()).map(action_file).collect();
        let fixed: [(&str, &[u8]); 3] =
            [(INDEX, &index), (member::MODULE, &self.wasm), (member::MANIFEST, &self.manifest)];
        let actions = names.iter().map(String::as_str).zip(self.actions.iter().map(Vec::as_slice));
        Packer::new().pack_named(fixed.into_iter().chain(actions))
    }

    /// Reads an archive strictly, and holds its index against its files. That it says what is true is not judged here.
    ///
    /// # Errors
    /// [`ProposalError`], for the first rule found broken.
    pub fn read(archive: &[u8]) -> Result<Proposal, ProposalError> {
        let malformed = |cause| ProposalError::Malformed { file: layout::PROPOSAL, cause };
        let mut files = Files::default();
        walk(archive, MAX_FILES, &mut files).map_err(malformed)?;
        let missing = |name: &str| contradiction(format!("{name} is missing"));
        let index = files.index.ok_or_else(|| missing(INDEX))?;
        let proposal = Proposal {
            index: document(INDEX, &index, SCHEMA)?,
            wasm: files.wasm.ok_or_else(|| missing(member::MODULE))?,
            manifest: files.manifest.ok_or_else(|| missing(member::MANIFEST))?,
            actions: files.actions,
        };
        proposal.contradicted().map_or(Ok(proposal), |words| Err(contradiction(words)))
    }

    /// The first thing in the index that its files do not bear out.
    fn contradicted(&self) -> Option<String> {
        let Proposal { index, wasm, manifest, actions } = self;
        if index.actions.len() != actions.len() {
            return Some(format!("{INDEX} lists {} actions, {} are there", index.actions.len(), actions.len()));
        }
        let pairs = [(member::MODULE, index.module, wasm), (member::MANIFEST, index.manifest, manifest)];
        let fixed = pairs.into_iter().map(|(name, listed, found)| (name.to_owned(), listed, found));
        let listed = index.actions.iter().zip(actions).zip(1..);
        let actions = listed.map(|((line, found), number)| (action_file(number), line.sha256, found));
        let mut differing = fixed.chain(actions).filter(|(_, listed, found)| FileDigest::of(&[found]) != *listed);
        if let Some((name, ..)) = differing.next() {
            return Some(format!("{name} is not the file that {INDEX} lists"));
        }
        let names = index.actions.iter().map(|action| &action.reference);
        let in_order = names.clone().zip(names.skip(1)).all(|(one, next)| one.name.subpath() < next.name.subpath());
        (!in_order).then(|| format!("{INDEX} does not list the actions in order, once each"))
    }
}

fn contradiction(words: String) -> ProposalError {
    ProposalError::Contradiction { file: layout::PROPOSAL, words }
}

/// `actions/0001.md`.
fn action_file(number: usize) -> String {
    format!("{}/{number:04}.md", layout::ACTIONS)
}

/// What has been read so far. Actions come in the order of their numbers.
#[derive(Default)]
struct Files {
    index: Option<Vec<u8>>,
    wasm: Option<Vec<u8>>,
    manifest: Option<Vec<u8>>,
    actions: Vec<Vec<u8>>,
}

enum Member {
    Index,
    Module,
    Manifest,
    Action,
}

impl Members for Files {
    type Member = Member;

    fn admit(&mut self, name: &[u8], size: u64) -> Result<Member, Malformed> {
        let next = action_file(self.actions.len() + 1);
        let known = [
            (INDEX, Member::Index, self.index.is_some(), MAX_INDEX),
            (member::MODULE, Member::Module, self.wasm.is_some(), MAX_MODULE),
            (member::MANIFEST, Member::Manifest, self.manifest.is_some(), MAX_DOCUMENT),
        ];
        let found = known.into_iter().find(|(known, ..)| known.as_bytes() == name);
        let (name, member, is_there, limit) = match found {
            Some(found) => found,
            None if name == next.as_bytes() => ("an action", Member::Action, false, MAX_DOCUMENT),
            None => {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(Malformed::UnknownName { name, kind: None });
            }
        };
        if is_there {
            return Err(Malformed::Duplicate(name));
        }
        if size > limit {
            return Err(Malformed::MemberTooLarge { member: name, found: size, limit });
        }
        Ok(member)
    }

    fn put(&mut self, member: Member, content: Vec<u8>) {
        match member {
            Member::Index => self.index = Some(content),
            Member::Module => self.wasm = Some(content),
            Member::Manifest => self.manifest = Some(content),
            Member::Action => self.actions.push(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(text: &str) -> Ref {
        text.parse().expect("a Ref")
    }

    fn head() -> ProposalHead {
        ProposalHead {
            release: reference("github://acme/tea@0.1.0"),
            commit: "0123456789012345678901234567890123456789".parse().expect("a commit"),
            tool: Tool { name: "aileron-pub".into(), version: "0.1.0".into() },
            toolchain: Toolchain::PREBUILT,
        }
    }

    fn proposal() -> Proposal {
        let action = |name: &str| {
            (reference(&format!("github://acme/tea/actions/{name}@0.1.0")), format!("+++ {name}").into_bytes())
        };
        Proposal::new(head(), b"\0asm".to_vec(), b"[connector]".to_vec(), vec![action("brew"), action("pour")])
    }

    fn refused(archive: &[u8]) -> String {
        match Proposal::read(archive) {
            Ok(_) => panic!("it was read"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_packed_is_read_back_and_packed_to_the_same_bytes() {
        let archive = proposal().pack();
        let read = Proposal::read(&archive).unwrap_or_else(|error| panic!("{error}"));
        assert!(read == proposal());
        assert_eq!(read.pack(), archive);
        let without = Proposal::new(head(), vec![1], vec![2], Vec::new());
        assert!(Proposal::read(&without.pack()).is_ok_and(|read| read == without), "no action at all");
    }

    #[test]
    fn an_index_that_its_files_do_not_bear_out_is_refused() {
        type Change = fn(&mut Proposal);
        let changes: [(Change, &str); 8] = [
            (|it| it.wasm.push(0), "connector.wasm is not the file that proposal.json lists"),
            (|it| it.manifest.push(0), "manifest.toml is not the file that proposal.json lists"),
            (|it| it.actions[1].push(0), "actions/0002.md is not the file that proposal.json lists"),
            (|it| it.actions.swap(0, 1), "actions/0001.md is not the file that proposal.json lists"),
            (|it| drop(it.actions.pop()), "proposal.json lists 2 actions, 1 are there"),
            (|it| drop(it.index.actions.pop()), "proposal.json lists 1 actions, 2 are there"),
            (
                |it| {
                    it.actions.swap(0, 1);
                    it.index.actions.swap(0, 1);
                },
                "proposal.json does not list the actions in order, once each",
            ),
            (|it| it.index.schema = 2, "proposal.json has schema 2; this tool reads up to 1"),
        ];
        for (change, words) in changes {
            let mut proposal = proposal();
            change(&mut proposal);
            let said = refused(&proposal.pack());
            assert!(said.contains(words), "{said}, not {words}");
        }
    }

    #[test]
    fn only_its_own_files_may_stand_in_it() {
        let index = text(&proposal().index);
        let files: [(&str, &[u8]); 3] =
            [(INDEX, &index), (member::MODULE, b"\0asm"), (member::MANIFEST, b"[connector]")];
        for (more, words) in [
            (("signature.sig", &b"x"[..]), "\"signature.sig\" does not belong into an archive"),
            (("actions/0002.md", b"x"), "\"actions/0002.md\" does not belong into an archive"),
            (("../connector.wasm", b"x"), "does not belong into an archive"),
            (("connector.wasm", b"\0asm"), "connector.wasm stands twice in the archive"),
        ] {
            let said = refused(&Packer::new().pack_named(files.into_iter().chain([more])));
            assert!(said.contains(words), "{said}, not {words}");
        }
        assert!(refused(&Packer::new().pack_named(files.into_iter().skip(1))).contains("proposal.json is missing"));
        assert!(refused(&Packer::new().pack_named(files.into_iter().take(2))).contains("manifest.toml is missing"));
        assert!(refused(b"no archive").contains("not a gzip stream"));
    }

    proptest! {
        #[test]
        fn no_byte_can_change_without_being_noticed(at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut archive = proposal().pack();
            let at = at.index(archive.len());
            archive[at] ^= 1u8 << bit;
            // What is left of gzip's own header says nothing of the files.
            if let Ok(read) = Proposal::read(&archive) {
                prop_assert!(read == proposal());
            }
        }
    }
}
