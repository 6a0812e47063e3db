//! aegis-bundle.md §16: what the host's own tests say, row by row. Rows 1 to 6 of the wrapper, 7 to 33 of a bundle.
//!
//! Rows 34 to 45 are about a host's disk, its instances and its child processes. Of these, what can be judged on a bundle is
//! here: 34 is step 16 of the upload again, 41 the rule `connector.alias`. Row 42 is a test of the recorder that `aegis try` has in
//! place of a host, rows 43 to 45 are in `tests/cmd/aegis/trial`. [`COVERED`] says for each row what holds it.

use aileron_verifier::aegis::canonical::canonical;
use aileron_verifier::aegis::envelope::{self, BuildError, Claims, WrapperError};
use aileron_verifier::aegis::lint::{self, Checksums};
use aileron_verifier::aegis::start::{AtStart, Stored, at_start};
use aileron_verifier::aegis::trust_store::Revocations;
use aileron_verifier::aegis::upload::Host;
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::{Kind, MANIFEST, SIGNATURE};
use aileron_verifier::trust::key::PublicKey;
use serde_json::json;

use super::toy::{self, EXPIRES_AT, ID, KEY_ID, SIGNED_AT, Toy, at, host, key, target, unsafe_host};

fn claims(key_id: &str, signed_at: &str, expires_at: &str) -> Claims {
    Claims { key_id: key_id.to_owned(), signed_at: at(signed_at), expires_at: at(expires_at) }
}

fn refused(toy: &Toy, words: &str) {
    let refusal = toy.refusal(&unsafe_host()).expect("it is refused");
    assert!(refusal.contains(words), "{refusal}");
}

#[test]
fn row_1_members_are_sorted_at_every_level_arrays_stay_white_space_goes() {
    let form = canonical(b"{\n \"b\": [ 2, {\"d\": 1, \"c\": [ ]} ],\n \"a\": {\"z\": 0, \"y\": 0} }").expect("JSON");
    assert_eq!(form, br#"{"a":{"y":0,"z":0},"b":[2,{"c":[],"d":1}]}"#);
}

#[test]
fn row_2_a_reordered_display_manifest_verifies_and_key_id_and_expiry_come_back() {
    let signed = Toy::new().signed(&key(1));
    let compact = format!(" {}", String::from_utf8(canonical(&signed.files[MANIFEST]).expect("JSON")).expect("UTF-8"));
    let examined = signed.file(MANIFEST, compact.as_bytes()).at(&host()).expect("a bundle");
    assert!(examined.verdict.is_verified());
    let claims = examined.verdict.claims().expect("claims");
    assert_eq!((claims.key_id.as_str(), claims.expires_at), (KEY_ID, at(EXPIRES_AT)));
}

#[test]
fn row_3_a_display_manifest_with_another_id_is_an_error() {
    let signed = Toy::new().signed(&key(1)).with(|manifest| manifest["plugin_id"] = json!("org.example.plugins.other"));
    refused(&signed, "signed payload manifest does not match bundle manifest.json");
}

#[test]
fn rows_4_and_5_a_wrapper_needs_a_key_id_and_an_expiry_after_signing() {
    let build = |claims| envelope::build(b"{}", &claims);
    assert_eq!(build(claims(" ", SIGNED_AT, EXPIRES_AT)), Err(BuildError::NoKeyId));
    assert_eq!(build(claims("k", EXPIRES_AT, SIGNED_AT)), Err(BuildError::NeverValid));
}

#[test]
fn row_6_a_wrapper_without_key_id_is_refused_and_the_text_names_it() {
    let wrapper = json!({ "expires_at": EXPIRES_AT, "signed_at": SIGNED_AT, "manifest": {} });
    let refused = envelope::parse(wrapper.to_string().as_bytes()).expect_err("no key id");
    assert_eq!(refused, WrapperError::NoKeyId);
    assert!(refused.to_string().contains("key_id"));
}

#[test]
fn rows_7_and_8_the_hosts_own_architecture_is_selected_and_its_bytes_are_read() {
    for arch in ["amd64", "arm64"] {
        let signed = Toy::new().signed(&key(1));
        let examined = signed.at(&Host { arch: arch.to_owned(), ..host() }).expect("a bundle");
        assert_eq!((examined.manifest.id.as_str(), examined.library), (ID, format!("bin/linux-{arch}/toy")));
        assert_eq!(examined.raw_manifest, signed.files[MANIFEST]);
        assert_eq!((examined.target.target_os.as_str(), examined.library_size), ("linux", 20));
    }
}

#[test]
fn row_9_two_targets_equal_but_for_path_and_checksum_are_duplicates() {
    let mut other = target("amd64", b"other");
    other["library_path"] = json!("bin/other");
    let twice = Toy::new().with(|manifest| manifest["targets"].as_array_mut().expect("targets").push(other));
    refused(&twice, "duplicate target");
}

#[test]
fn rows_10_to_12_id_version_and_checksum_are_refused_by_name() {
    for (member, value, words) in
        [("plugin_id", "foo/bar", "plugin_id \"foo/bar\""), ("version", "v1.0.0", "version \"v1.0.0\"")]
    {
        refused(&Toy::new().with(|manifest| manifest[member] = json!(value)), words);
    }
    let without =
        Toy::new().with(|manifest| drop(manifest["targets"][0].as_object_mut().expect("a target").remove("sha256")));
    refused(&without, "missing sha256");
}

#[test]
fn rows_13_and_14_an_unsafe_path_and_a_link_are_refused() {
    refused(&Toy::new().file("../x", b""), "unsafe path");
    let mut zip = Toy::new().zip();
    let end = zip.len() - 22;
    let directory = u32::from_le_bytes(std::array::from_fn(|at| zip[end + 16 + at])) as usize;
    zip[directory + 41] = 0xa1;
    assert!(Archive::read(&zip).expect("a zip").entries()[0].is_link());
    assert!(toy::refusal(&zip, &unsafe_host()).expect("refused").contains("unsupported symlink"));
}

#[test]
fn row_15_a_signature_alone_asks_for_all_three() {
    refused(&Toy::new().file(SIGNATURE, b"x"), "manifest.signed.json, manifest.sig, and manifest.pub together");
}

#[test]
fn rows_16_and_17_a_library_and_all_entries_together_have_a_limit() {
    let limit = 700_000;
    let library = vec![b'x'; limit];
    let of = |library: &[u8]| {
        let toy = Toy::new().with(|manifest| manifest["targets"][0] = target("amd64", library));
        toy.file("bin/linux-amd64/toy", library)
    };
    let host = Host { max_upload_size: limit as i64, ..unsafe_host() };
    assert_eq!(of(&library).refusal(&host), None);
    let larger = [&library[..], b"x"].concat();
    assert!(of(&larger).refusal(&host).expect("refused").contains("exceeds uncompressed size limit"));
    let padded =
        of(&library).file("manifest.signed.json", &library).file(SIGNATURE, &library).file("manifest.pub", b"x");
    assert!(padded.refusal(&host).expect("refused").contains("total uncompressed size limit"));
}

#[test]
fn row_18_257_entries_are_too_many() {
    let many = |count: usize| (0..count).fold(Toy::new(), |toy, number| toy.file(&format!("bin/{number}"), b""));
    assert_eq!(many(253).refusal(&unsafe_host()), None);
    refused(&many(254), "257 entries, exceeding limit");
}

#[test]
fn rows_19_to_21_a_host_says_why_it_has_no_target() {
    let other = Host { arch: "riscv64".to_owned(), ..unsafe_host() };
    assert!(Toy::new().refusal(&other).expect("refused").contains("host architecture riscv64"));
    refused(
        &Toy::new().with(|manifest| manifest["targets"][0]["min_host_api_version"] = json!(2)),
        "requires host API version",
    );
    let unknown = json!(["api.zeta", "api.alpha"]);
    let lacking = Toy::new().with(|manifest| manifest["targets"][0]["required_capabilities"] = unknown);
    refused(&lacking, "unsupported host capabilities: api.alpha, api.zeta");
}

#[test]
fn rows_22_to_26_the_signature_counts_or_does_not_without_an_error() {
    let signed = Toy::new().signed(&key(1)).zip();
    let with = |change: fn(&mut Host)| {
        let mut host = unsafe_host();
        change(&mut host);
        toy::class(&signed, &host)
    };
    assert_eq!(with(|_| {}), "verified");
    assert_eq!(
        with(|host| host.trust.trusted = aileron_verifier::aegis::trust_store::TrustStore::read("")),
        "untrusted_key"
    );
    assert_eq!(with(|host| host.trust.now = at("2027-01-03T03:04:05Z")), "expired");
    assert_eq!(with(|host| host.trust.revoked = Revocations::new([KEY_ID], [])), "revoked_key_id");
    let fingerprint = PublicKey::from_bytes(key(1).verifying_key().to_bytes()).hex_fingerprint();
    let mut revoking = unsafe_host();
    revoking.trust.revoked = Revocations::new([], [fingerprint.as_str()]);
    let relabelled = Toy::new().signed_as(&key(1), "fresh").zip();
    assert_eq!(toy::class(&relabelled, &revoking), "revoked_fingerprint");
}

#[test]
fn row_27_an_explicit_default_is_part_of_what_is_compared() {
    let signed = Toy::new().signed(&key(1));
    assert_eq!(toy::class(&signed.zip(), &host()), "verified");
    let without = signed.with(|manifest| drop(manifest.as_object_mut().expect("an object").remove("official")));
    assert_eq!(toy::class(&without.zip(), &host()), "manifest_mismatch");
}

#[test]
fn rows_28_to_31_the_gate_takes_what_is_verified_and_says_why_else() {
    assert_eq!(Toy::new().refusal(&host()).as_deref(), Some("unsigned sideloads are disabled"));
    let signed = Toy::new().signed(&key(1));
    let examined = signed.at(&host()).expect("a bundle");
    assert_eq!((examined.gate.name(), examined.verdict.claims().expect("claims").key_id.as_str()), ("install", KEY_ID));
    let mut late = host();
    late.trust.now = at("2028-01-01T00:00:00Z");
    assert!(signed.refusal(&late).expect("refused").contains("expired"));
    let mut revoking = host();
    revoking.trust.revoked = Revocations::new([KEY_ID], []);
    assert!(signed.refusal(&revoking).expect("refused").contains("revoked"));
}

#[test] // pain: GoyaPtyLtd/BaseElements-Plugin#209, an expiry that stops what is installed overnight
fn row_32_a_starting_host_quarantines_what_was_verified_and_is_no_longer() {
    let examined = Toy::new().signed(&key(1)).at(&host()).expect("a bundle");
    let stored = Stored { kind: Kind::Plugin, material: examined.material(), was_verified: true, allow_unsafe: true };
    assert_eq!(at_start(&stored, &host().trust), AtStart::Ready { verified: true });
    let mut revoking = host().trust;
    revoking.revoked = Revocations::new([KEY_ID], []);
    let AtStart::Quarantined(reason) = at_start(&stored, &revoking) else { panic!("it stays") };
    assert!(reason.contains("revoked"), "{reason}");
    let late = toy::trust("2027-01-02T03:09:05.678901235Z");
    let AtStart::Quarantined(reason) = at_start(&stored, &late) else { panic!("it stays") };
    assert!(reason.starts_with("plugin signature expired at 2027-01-02T03:04:05Z"), "{reason}");
    let mut untrusting = host().trust;
    untrusting.trusted = aileron_verifier::aegis::trust_store::TrustStore::read("");
    let quarantined = AtStart::Quarantined("plugin signature did not verify".to_owned());
    assert_eq!(at_start(&stored, &untrusting), quarantined);
    let unsafe_one = Stored { was_verified: false, ..stored };
    assert_eq!(at_start(&unsafe_one, &untrusting), AtStart::Ready { verified: false });
    let cannot = "plugin signature cannot be re-verified against trusted keys".to_owned();
    assert_eq!(at_start(&Stored { allow_unsafe: false, ..unsafe_one }, &untrusting), AtStart::Quarantined(cannot));
}

#[test] // aegis-bundle.md §3.9
fn a_manifest_that_the_database_rewrites_verifies_once_and_never_again() {
    let signed = Toy::new().with(|manifest| manifest["x_weight"] = json!(1e30)).signed(&key(1));
    let examined = signed.at(&host()).expect("a bundle");
    assert!(examined.verdict.is_verified());
    let stored = Stored { kind: Kind::Plugin, material: examined.material(), was_verified: true, allow_unsafe: false };
    assert!(matches!(at_start(&stored, &host().trust), AtStart::Quarantined(_)));
    let checked = lint::manifest(MANIFEST, &examined.raw_manifest, None, Checksums::Filled);
    assert!(checked.problems.iter().any(|problem| problem.rule.id() == "json.number"), "strict mode tells it before");
}

#[test]
fn row_33_the_id_of_a_built_in_plugin_conflicts() {
    refused(
        &Toy::new().with(|manifest| manifest["plugin_id"] = json!("fog_of_war")),
        "conflicts with a bundled plugin",
    );
}

#[test]
fn row_34_other_bytes_than_the_manifests_checksum_are_refused() {
    refused(&Toy::new().signed(&key(1)).file("bin/linux-amd64/toy", b"other"), "do not match manifest target sha256");
}

#[test]
fn rows_40_and_41_an_alias_that_another_connector_owns_is_told_before() {
    for (key, ids, is_told) in
        [("", json!(["geo-old"]), false), ("discord", json!([]), true), ("x", json!(["discord"]), true)]
    {
        let manifest = json!({
            "connector_id": "org.example.connectors.geo", "name": "Geo", "version": "1.0.0",
            "instance_key": key, "legacy_ids": ids, "targets": [],
        });
        let checked = lint::manifest(MANIFEST, manifest.to_string().as_bytes(), None, Checksums::Filled);
        let told =
            checked.problems.iter().any(|problem| problem.rule == aileron_verifier::aegis::rules::CONNECTOR_ALIAS);
        assert_eq!(told, is_told, "{manifest}");
    }
}

/// Each row, and the test that holds it: its file and its name. Rows without one are about what this project has not: a host's
/// instances.
const COVERED: [(u8, &str, &str); 44] = [
    (1, HERE, "row_1_"),
    (2, HERE, "row_2_"),
    (3, HERE, "row_3_"),
    (4, HERE, "rows_4_and_5_"),
    (5, HERE, "rows_4_and_5_"),
    (6, HERE, "row_6_"),
    (7, HERE, "rows_7_and_8_"),
    (8, HERE, "rows_7_and_8_"),
    (9, HERE, "row_9_"),
    (10, HERE, "rows_10_to_12_"),
    (11, HERE, "rows_10_to_12_"),
    (12, HERE, "rows_10_to_12_"),
    (13, HERE, "rows_13_and_14_"),
    (14, HERE, "rows_13_and_14_"),
    (15, HERE, "row_15_"),
    (16, HERE, "rows_16_and_17_"),
    (17, HERE, "rows_16_and_17_"),
    (18, HERE, "row_18_"),
    (19, HERE, "rows_19_to_21_"),
    (20, HERE, "rows_19_to_21_"),
    (21, HERE, "rows_19_to_21_"),
    (22, HERE, "rows_22_to_26_"),
    (23, HERE, "rows_22_to_26_"),
    (24, HERE, "rows_22_to_26_"),
    (25, HERE, "rows_22_to_26_"),
    (26, HERE, "rows_22_to_26_"),
    (27, HERE, "row_27_"),
    (28, HERE, "rows_28_to_31_"),
    (29, HERE, "rows_28_to_31_"),
    (30, HERE, "rows_28_to_31_"),
    (31, HERE, "rows_28_to_31_"),
    // The pure function `start` says what a starting host does, with the reason it stores.
    (32, HERE, "row_32_"),
    (33, HERE, "row_33_"),
    (34, HERE, "row_34_"),
    // A path below the runtime directory is made of sanitized parts: none of them leads out.
    (35, "../../verifier/src/aegis/path.rs", "ids_and_versions_become_one_segment_of_a_path"),
    // Deleted or not, an upload of what is there already changes nothing: it is told before.
    (37, "../cmd/aegis/pack.rs", "signing_the_same_executable_again_under_the_same_version_is_warned_about"),
    (38, HERE, "rows_28_to_31_"),
    (39, HERE, "row_39_"),
    (40, HERE, "rows_40_and_41_"),
    (41, HERE, "rows_40_and_41_"),
    (42, "../../cli/src/publisher/aegis/extension/host_api.rs", "row_42_a_plugin_that_declares_only_the_log_"),
    (43, "../cmd/aegis/trial/good.rs", "row_43_a_good_plugin_goes_through_every_step_"),
    (44, "../cmd/aegis/trial/good.rs", "row_44_a_good_connector_answers_ping_"),
    (45, "../cmd/aegis/trial/good.rs", "row_45_an_extension_has_the_environment_of_a_host_"),
];
const HERE: &str = "../spec/aegis/checklist.rs";

#[test] // aegis-bundle.md §16
fn each_row_is_held_by_a_test_that_is_there() {
    for (row, file, test) in COVERED {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).expect(file);
        assert!(text.contains(&format!("fn {test}")), "row {row}: {file} has no {test}");
    }
    let rows: Vec<u8> = COVERED.iter().map(|(row, ..)| *row).collect();
    let about_a_running_host = [36];
    let all: Vec<u8> = (1..=45).filter(|row| !about_a_running_host.contains(row)).collect();
    assert_eq!(rows, all);
}

#[test]
fn row_39_a_package_that_waits_for_a_start_is_ready_after_it_where_unsafe_ones_are_allowed() {
    let examined = Toy::new().at(&unsafe_host()).expect("a bundle");
    let stored = Stored { kind: Kind::Plugin, material: examined.material(), was_verified: false, allow_unsafe: true };
    assert_eq!(at_start(&stored, &host().trust), AtStart::Ready { verified: false });
    let strict = Stored { allow_unsafe: false, ..stored };
    assert!(matches!(at_start(&strict, &host().trust), AtStart::Quarantined(_)));
}
