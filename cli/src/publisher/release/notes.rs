//! What a reader of a release page sees. One line for an action; for the connector everything about the cohort, once: a list
//! of siblings under each of 600 actions was 36 MB of text. artifacts.md §11.

use std::fmt::Write as _;

use aileron_verifier::layout::SUITE;
use aileron_verifier::name::version::Version;
use aileron_verifier::statement::cohort;

use super::{Artifact, Proven, Since, SinceLines};
use crate::publisher::forge::Remote;

/// Characters of the notes: GitHub takes 125,000, and what it adds to links is not ours to count.
const LENGTH: usize = 120_000;
/// Characters of the changelog's section; a longer one is cut, the repository has it all.
const CHANGELOG: usize = 30_000;

/// How much of each action is shown.
#[derive(Clone, Copy)]
enum Rows {
    Whole,
    Short,
    /// So many short ones.
    First(usize),
}

/// Hash, key, what is new, actions, changelog.
pub(super) fn connector(proven: &Proven, remote: &Remote) -> String {
    let fits = |text: &String| text.chars().count() <= LENGTH;
    let whole = [Rows::Whole, Rows::Short].into_iter().map(|rows| render(proven, remote, rows)).find(fits);
    whole.unwrap_or_else(|| {
        let bare = render(proven, remote, Rows::First(0)).chars().count();
        let mut room = LENGTH.saturating_sub(bare);
        let fits = |action: &&Artifact| {
            let row = short_row(action).chars().count();
            let has_room = row <= room;
            room = room.saturating_sub(row);
            has_room
        };
        let shown = proven.actions.iter().take_while(fits).count();
        render(proven, remote, Rows::First(shown))
    })
}

/// Hash, and where the rest is.
pub(super) fn action(artifact: &Artifact, proven: &Proven, remote: &Remote) -> String {
    let tag = proven.release.tag();
    format!("`{}` · belongs to [{tag}]({}/releases/tag/{})", artifact.archive.digest, remote.page, tag.as_segment())
}

fn render(proven: &Proven, remote: &Remote, rows: Rows) -> String {
    let mut text = format!(
        "`{}`\n\n- content hash `{}`\n- signed by `{}`\n- commit {}\n- every archive is listed in `{}`, which is signed too\n",
        proven.release,
        proven.content,
        proven.signer(),
        proven.cohort.commit,
        cohort::ASSET,
    );
    if let Some(since) = Since::of(proven, remote) {
        growth(&mut text, &since);
    }
    actions(&mut text, proven, rows);
    if let Some(section) = &proven.changelog {
        let _ = write!(text, "\n### Changes\n\n{}\n", cut(section.trim(), CHANGELOG));
    }
    text
}

/// What users of the previous version now consent to.
fn growth(text: &mut String, since: &Since) {
    let previous = &since.version;
    if since.is_none() {
        let _ = writeln!(text, "- may do what {previous} may, no more and no less");
        return;
    }
    let SinceLines { gained, changed, lost } = since.lines();
    let _ = write!(text, "\n### Capabilities since {previous}\n\n");
    if since.permissions.is_none() {
        let _ = writeln!(text, "- {}", Since::UNREADABLE);
    }
    for (what, lines) in [("now may", gained), ("changed", changed), ("no longer", lost)] {
        for line in lines {
            let _ = writeln!(text, "- {what}: {}", code(&line));
        }
    }
}

/// Text of a document as a code span: Markdown in it is shown and not followed.
fn code(text: &str) -> String {
    format!("`` {} ``", text.replace('`', "'"))
}

fn actions(text: &mut String, proven: &Proven, rows: Rows) {
    let actions = &proven.actions;
    if actions.is_empty() {
        return;
    }
    text.push_str("\n### Actions\n\n| action | archive |\n|---|---|\n");
    let shown = if let Rows::First(count) = rows { count.min(actions.len()) } else { actions.len() };
    for action in &actions[..shown] {
        match rows {
            Rows::Whole => {
                let _ = writeln!(text, "| `{}` | `{}` |", action.reference, action.archive.digest);
            }
            Rows::Short | Rows::First(_) => text.push_str(&short_row(action)),
        }
    }
    if shown < actions.len() {
        let has_suite = proven.suite.is_some();
        let list = if has_suite { SUITE } else { cohort::ASSET };
        let _ = write!(text, "\n… and {} more: all of them are in `{list}` below\n", actions.len() - shown);
    }
}

fn short_row(action: &Artifact) -> String {
    let name = action.reference.name.action_name().unwrap_or_default();
    format!("| {name} | `{}…` |\n", &action.archive.digest.hex()[..12])
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\n\n…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

/// The section of a changelog that is headed by this version, as in `## [0.1.0] - 2026-05-01` or `# v0.1.0`. Up to the next
/// heading of its level or above.
pub(super) fn section(changelog: &str, version: &Version) -> Option<String> {
    let is_ours = |title: &str| {
        let word = title.split_whitespace().next().unwrap_or_default();
        let word = word.trim_matches(['[', ']', '(', ')', ':']);
        word.strip_prefix('v').unwrap_or(word) == version.as_str()
    };
    let mut lines = changelog.lines().skip_while(|line| !level(line).is_some_and(|(_, title)| is_ours(title)));
    let (depth, _) = level(lines.next()?)?;
    let section: Vec<&str> = lines.take_while(|line| level(line).is_none_or(|(other, _)| other > depth)).collect();
    let text = section.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Depth and title, if the line is a heading.
fn level(line: &str) -> Option<(usize, &str)> {
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&hashes).then(|| (hashes, line[hashes..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_of_a_version_is_found_in_a_changelog() {
        let text = "# Changelog\n\n## [Unreleased]\n- soon\n\n## [0.2.0] - 2026-05-01\n\n### Added\n- two\n\n## v0.1.0\n- one\n";
        let found = |version: &str| section(text, &version.parse().unwrap());
        assert_eq!(found("0.2.0").as_deref(), Some("### Added\n- two"));
        assert_eq!(found("0.1.0").as_deref(), Some("- one"));
        assert_eq!(found("0.3.0"), None);
        assert_eq!(found("0.2.0-rc.1"), None);
        assert_eq!(section("## 1.0.0\n\n## 0.9.0\n- x", &"1.0.0".parse().unwrap()), None, "nothing is said of it");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "äö\n\n…");
    }
}
