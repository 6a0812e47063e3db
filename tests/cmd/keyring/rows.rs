//! Which test holds which row of keyring.md §13, and why a row has none. Kept honest both ways: every row of the
//! specification is here, and every test that is named exists.

use std::collections::BTreeSet;
use std::path::Path;

use aileron_testkit::shared;

enum Held {
    /// By a test, `file::name`, the file relative to the workspace.
    By(&'static str),
    /// By none, and why.
    Not(&'static str),
}
use Held::{By, Not};

const KEYRING: &str = "tests/cmd/keyring";

const ROWS: &[(&str, Held)] = &[
    ("L1", By("ring.rs::what_is_not_there_is_empty_and_what_cannot_be_read_is_not")),
    ("L2", By("ring.rs::grants_of_both_versions_are_read")),
    ("L3", By("ring.rs::grants_of_both_versions_are_read")),
    ("L4", By("ring.rs::grants_of_both_versions_are_read")),
    ("L5", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L6", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L7", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L8", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L9", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L10", By("ring.rs::what_is_malformed_is_refused_and_named")),
    ("L11", By("ring.rs::grants_of_both_versions_are_read")),
    ("L12", By("ring.rs::what_is_not_there_is_empty_and_what_cannot_be_read_is_not")),
    ("L13", By("ring.rs::grants_of_both_versions_are_read")),
    ("L14", By("ring.rs::grants_of_both_versions_are_read")),
    ("S1", By("ring.rs::a_saved_ring_is_the_text_of_the_specification")),
    ("S2", By("ring.rs::saving_makes_directories_and_keeps_others_out")),
    ("S3", By("ring.rs::saving_makes_directories_and_keeps_others_out")),
    ("S4", By("ring.rs::a_saved_ring_is_the_text_of_the_specification")),
    ("S5", By("ring.rs::a_saved_ring_is_the_text_of_the_specification")),
    ("S6", By("verifier/src/trust/keyring/tests.rs::a_saved_ring_has_exactly_these_bytes")),
    ("S7", By("ring.rs::authorities_are_listed_once_in_order_and_are_matched_exactly")),
    ("S8", By("ring.rs::authorities_are_listed_once_in_order_and_are_matched_exactly")),
    ("S9", By("ring.rs::authorities_are_listed_once_in_order_and_are_matched_exactly")),
    ("P1", By("ring.rs::the_ring_is_below_home_or_nowhere")),
    ("P2", By("ring.rs::the_ring_is_below_home_or_nowhere")),
    ("A1", By("trust.rs::a_name_has_two_authorities_or_is_none")),
    ("A2", By("trust.rs::a_name_has_two_authorities_or_is_none")),
    ("V1", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V2", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V3", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V4", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V5", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V6", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V7", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V8", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V9", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V10", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("V11", By("trust.rs::a_change_of_the_file_counts_for_the_next_verdict")),
    ("V12", By("trust.rs::a_change_of_the_file_counts_for_the_next_verdict")),
    ("V13", By("verifier/src/trust/keyring/tests.rs::a_refusal_names_the_authority_and_the_keys_that_were_tried")),
    ("V14", By("trust.rs::trust_reaches_exactly_as_far_as_its_grant")),
    ("F1", By("verifier/src/trust/key/fingerprint.rs::a_fingerprint_is_of_the_raw_bytes")),
    ("F2", By("verifier/src/trust/key/fingerprint.rs::a_fingerprint_is_of_the_raw_bytes")),
    ("D1", By("verifier/src/trust/key/pem.rs::a_published_key_is_pem_or_base64_with_white_space_anywhere")),
    ("D2", By("verifier/src/trust/key/pem.rs::a_published_key_is_pem_or_base64_with_white_space_anywhere")),
    ("D3", By("verifier/src/trust/key/pem.rs::the_pem_reader_accepts_what_the_matrix_accepts")),
    ("C1", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C2", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C3", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C4", By("commands.rs::trusting_a_repository_grants_its_owner_once_and_appends_a_new_key")),
    ("C5", By("commands.rs::trusting_a_repository_grants_its_owner_once_and_appends_a_new_key")),
    ("C6", By("commands.rs::trusting_a_repository_grants_its_owner_once_and_appends_a_new_key")),
    ("C7", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C8", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C9", By("commands.rs::a_key_is_trusted_as_narrowly_as_was_asked_or_not_at_all")),
    ("C10", By("commands.rs::a_key_is_trusted_as_narrowly_as_was_asked_or_not_at_all")),
    ("C11", By("commands.rs::a_bare_owner_is_looked_up_in_the_catalog")),
    ("C12", By("commands.rs::a_bare_owner_is_looked_up_in_the_catalog")),
    ("C13", By("commands.rs::a_key_is_trusted_as_narrowly_as_was_asked_or_not_at_all")),
    ("C14", By("commands.rs::list_groups_by_owner_in_byte_order")),
    ("C15", By("commands.rs::list_groups_by_owner_in_byte_order")),
    ("C16", By("commands.rs::list_groups_by_owner_in_byte_order")),
    ("C17", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C18", By("commands.rs::revoking_removes_exactly_what_was_named")),
    ("C19", By("commands.rs::revoking_removes_exactly_what_was_named")),
    ("C20", By("commands.rs::revoking_removes_exactly_what_was_named")),
    ("C21", By("commands.rs::revoking_removes_exactly_what_was_named")),
    ("C22", By("commands.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("C23", By("commands.rs::what_changes_nothing_leaves_the_file_byte_for_byte")),
    ("C24", By("commands.rs::trusting_a_plan_is_refused_with_the_reason")),
    ("C25", By("commands.rs::a_repository_with_another_key_is_mentioned_when_the_owner_is_trusted_already")),
    ("T1", By("cli/src/consumer/trust/prompt/tests.rs::yes_grants_the_owner_after_the_key_was_shown")),
    ("T2", By("cli/src/consumer/trust/prompt/tests.rs::everything_but_yes_is_no_and_writes_nothing")),
    ("T3", By("cli/src/consumer/trust/prompt/tests.rs::an_accepted_owner_is_not_asked_about_again")),
    ("T4", By("cli/src/consumer/trust/prompt/tests.rs::a_declined_owner_stays_declined")),
    ("T5", By("cli/src/consumer/trust/prompt/tests.rs::a_key_for_one_repository_does_not_speak_for_its_sibling")),
    ("T6", By("cli/src/consumer/trust/prompt/tests.rs::assuming_yes_shows_the_notice_and_the_key_but_no_question")),
    ("H1", Not("the daemon's install request; here one trust question and one consent stand before the commit")),
    ("H2", Not("as H1; --yes of the trust question is T6")),
    ("H3", Not("as H1; a declined trust question is exit 1 (artifacts.md §10)")),
    ("H4", Not("as H1; the whole panel is what `hub show` prints")),
    ("H5", By("tests/cmd/hub/catalog.rs::a_connectors_entry_is_shown_with_its_key_and_what_the_ring_says")),
    ("H6", Not("there is no daemon to answer 404; the catalog is read by the program itself")),
    ("H7", Not("there is no daemon to answer 503 or garbage")),
    ("H8", Not("the daemon's second look at the key; here the key that was shown is the one that is granted")),
    ("H9", Not("the daemon's reply; `connector install` says so itself")),
    ("H10", Not("there is no query: a look-up is a comparison of texts")),
    ("H11", By("tests/cmd/hub/catalog.rs::a_catalog_is_sorted_and_knows_a_publishers_other_connectors")),
    ("H12", By("tests/cmd/hub/catalog.rs::a_search_finds_words_and_says_when_there_are_none")),
    ("H13", By("tests/cmd/hub/catalog.rs::a_catalog_that_cannot_be_read_is_an_error")),
    ("H14", By("tests/cmd/hub/catalog.rs::a_catalog_that_cannot_be_read_is_an_error")),
    ("H15", By("tests/cmd/hub/catalog.rs::a_search_finds_words_and_says_when_there_are_none")),
    ("H16", By("tests/cmd/hub/catalog.rs::a_catalog_is_sorted_and_knows_a_publishers_other_connectors")),
    ("H17", By("tests/cmd/hub/catalog.rs::everything_is_listed_in_three_sections")),
    ("H18", By("tests/cmd/hub/catalog.rs::a_search_finds_words_and_says_when_there_are_none")),
    ("H19", By("tests/cmd/hub/catalog.rs::one_part_as_json_is_one_document")),
    ("H20", By("tests/cmd/hub/catalog.rs::what_is_no_command_is_answered_with_its_usage_and_exit_1")),
    ("H21", By("tests/cmd/hub/catalog.rs::a_catalog_that_cannot_be_read_is_an_error")),
    ("H22", By("verifier/src/artifact/catalog.rs::a_connectors_name_keeps_the_schemas_pattern")),
    ("H23", By("verifier/src/text/yaml.rs::an_entry_is_written_as_the_catalog_keeps_it")),
];

#[test]
fn every_row_has_a_test_or_a_reason() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (row, held) in ROWS {
        match held {
            Not(reason) => assert!(reason.len() > 20, "{row}"),
            By(test) => {
                let (file, name) = test.split_once("::").unwrap();
                let path =
                    workspace.join(if file.contains('/') { String::new() } else { format!("{KEYRING}/") } + file);
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.contains(&format!("fn {name}()")), "{row}: there is no {test}");
            }
        }
    }
    let Some(specification) = shared("spec/keyring.md") else { return };
    let text = std::fs::read_to_string(specification).unwrap();
    let list = text.split_once("## 13. Conformance checklist").unwrap().1.split_once("## 14.").unwrap().0;
    let id = |line: &str| {
        let cell = line.strip_prefix("| ")?.split(' ').next()?.trim_end_matches('†').to_owned();
        let (letter, number) = cell.split_at_checked(1)?;
        (letter.chars().all(char::is_uppercase) && number.parse::<u32>().is_ok()).then_some(cell)
    };
    let asked: BTreeSet<String> = list.lines().filter_map(id).collect();
    let held: BTreeSet<String> = ROWS.iter().map(|(row, _)| (*row).to_owned()).collect();
    assert_eq!(asked, held);
    assert_eq!(ROWS.len(), held.len(), "no row twice");
}
