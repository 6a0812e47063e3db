//! Tables that say which test holds which row of a specification's checklist, and why a row has none. Kept honest both ways:
//! every row of the specification is in its table, and every test that is named exists.

use std::collections::BTreeSet;
use std::path::Path;

use aileron_testkit::shared;

/// What holds a row.
pub(crate) enum Held {
    /// A test, `file::name`, the file relative to the workspace, or only its name where it is in the table's own folder.
    By(&'static str),
    /// None, and why.
    Not(&'static str),
}

/// Checks a table whose tests are in `folder` against the part of a specification between two of its lines.
pub(crate) fn check(rows: &[(&str, Held)], folder: &str, (specification, from, to): (&str, &str, &str)) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (row, held) in rows {
        match held {
            Held::Not(reason) => assert!(reason.len() > 20, "{row}"),
            Held::By(test) => {
                let (file, name) = test.split_once("::").unwrap();
                let path = workspace.join(if file.contains('/') { String::new() } else { format!("{folder}/") } + file);
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.contains(&format!("fn {name}()")), "{row}: there is no {test}");
            }
        }
    }
    let Some(specification) = shared(specification) else { return };
    let text = std::fs::read_to_string(specification).unwrap();
    let list = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let id = |line: &str| {
        let cell = line.strip_prefix("| ")?.split(' ').next()?.trim_end_matches('†').to_owned();
        let (letter, number) = cell.split_at_checked(1)?;
        (letter.chars().all(char::is_uppercase) && number.parse::<u32>().is_ok()).then_some(cell)
    };
    let asked: BTreeSet<String> = list.lines().filter_map(id).collect();
    let held: BTreeSet<String> = rows.iter().map(|(row, _)| (*row).to_owned()).collect();
    assert_eq!(asked, held);
    assert_eq!(rows.len(), held.len(), "no row twice");
}
