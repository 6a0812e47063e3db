//! The model host that uploads are tested with keeps the rows of the norm that are about a host's state.

use aileron_testkit::aegis::bundle::{Bundle, host};
use aileron_testkit::aegis::model::{HostModel, Starts};
use aileron_verifier::aegis::Kind::{Connector, Plugin};
use aileron_verifier::aegis::trust_store::Revocations;
use aileron_verifier::aegis::upload::Host;

const ID: &str = "org.example.plugins.toy";

fn fresh() -> HostModel {
    HostModel::new(host())
}

fn newer() -> Bundle {
    Bundle { version: "1.1.0", library: b"newer".to_vec(), ..Bundle::signed() }
}

#[test] // aegis-bundle.md §16, row 36
fn row_36_an_upload_over_live_instances_waits_for_a_restart_and_touches_nothing_that_runs() {
    let mut model = fresh();
    assert_eq!(model.upload(&Bundle::signed().zip(), Plugin, false).map(|package| package.state), Ok("ready"));
    model.use_it(Plugin, ID);
    let before = model.package(Plugin, ID).expect("it is there").clone();
    let package = model.upload(&newer().zip(), Plugin, false).expect("it is taken").clone();
    assert_eq!(
        (package.state, &package.running, &package.version),
        ("pending_restart", &before.running, &before.version)
    );
    assert!(package.waiting.is_some_and(|waiting| waiting != before.running), "new bytes wait beside the old ones");
    assert_eq!(package.last_error.as_deref(), Some("Restart Aegis to activate the updated native plugin package"));
    assert_eq!(model.started, 1, "nothing was started");
}

#[test] // aegis-bundle.md §16, rows 37 and 38
fn rows_37_and_38_a_package_in_use_is_not_deleted_and_one_that_was_deleted_comes_back_clean() {
    let mut model = fresh();
    model.upload(&Bundle::signed().zip(), Plugin, false).expect("it is taken");
    model.use_it(Plugin, ID);
    model.upload(&newer().zip(), Plugin, false).expect("it is taken");
    assert!(model.delete(Plugin, ID).is_err_and(|why| why.contains("configured instances")));
    model.stop_using(Plugin, ID);
    model.delete(Plugin, ID).expect("nothing uses it");
    assert!(model.package(Plugin, ID).is_none() && model.delete(Plugin, ID).is_err());
    let package = model.upload(&newer().zip(), Plugin, false).expect("it is taken");
    assert_eq!(
        (package.state, package.version.as_str(), &package.waiting, &package.last_error),
        ("ready", "1.1.0", &None, &None)
    );
}

#[test] // aegis-bundle.md §16, row 39
fn row_39_what_waits_is_ready_after_a_restart_and_its_message_is_gone() {
    let allowing = HostModel::new(Host { allow_unsafe: true, ..host() });
    for (mut model, key_id) in [(fresh(), Some("ops-key-1")), (allowing, None)] {
        let signed = |bundle: Bundle| Bundle { key_id, ..bundle }.zip();
        model.upload(&signed(Bundle::signed()), Plugin, true).expect("it is taken");
        model.use_it(Plugin, ID);
        model.upload(&signed(newer()), Plugin, true).expect("it is taken");
        let waiting = model.package(Plugin, ID).and_then(|package| package.waiting.clone()).expect("bytes wait");
        model.restart();
        let package = model.package(Plugin, ID).expect("it is there");
        assert_eq!((package.state, &package.last_error, &package.waiting), ("ready", &None, &None));
        assert_eq!((package.version.as_str(), &package.running), ("1.1.0", &waiting));
    }
}

#[test] // aegis-bundle.md §16, row 32; §8.5
fn a_restart_quarantines_what_no_longer_verifies_and_only_an_upload_lifts_it() {
    let mut model = fresh();
    model.upload(&Bundle::signed().zip(), Plugin, false).expect("it is taken");
    model.host.trust.revoked = Revocations::new(["ops-key-1"], []);
    model.restart();
    let package = model.package(Plugin, ID).expect("it is there");
    assert!(package.state == "error" && package.last_error.as_deref().is_some_and(|why| why.contains("revoked")));
    model.host.trust.revoked = Revocations::default();
    model.restart();
    assert_eq!(model.package(Plugin, ID).map(|package| package.state), Some("error"));
    assert_eq!(model.upload(&Bundle::signed().zip(), Plugin, false).map(|package| package.state), Ok("ready"));
}

#[test] // aegis-bundle.md §2.2, steps 19 and 20; §15, items 6 and 9
fn the_same_bytes_keep_their_record_and_a_binary_that_does_not_start_is_stored_all_the_same() {
    let mut model = fresh();
    model.upload(&Bundle::signed().zip(), Plugin, false).expect("it is taken");
    let resigned = Bundle { key_id: Some("ops-key-2"), ..Bundle::signed() };
    let record = model.upload(&resigned.zip(), Plugin, false).expect("it is taken").record(Plugin);
    assert_eq!((record["signature_key_id"].as_str(), model.started), (Some("ops-key-1"), 1));
    model.starts = Starts::As("org.example.plugins.other".to_owned());
    let package = model.upload(&newer().zip(), Plugin, false).expect("it is taken");
    let why =
        "plugin subprocess reported id \"org.example.plugins.other\" but manifest declares \"org.example.plugins.toy\"";
    assert_eq!((package.state, package.last_error.as_deref()), ("error", Some(why)));
    let wrong = model.upload(&newer().zip(), Connector, false).expect_err("another kind");
    assert_eq!(wrong.text, "connector manifest is missing connector_id");
}

#[test] // aegis-bundle.md §11.1
fn three_uploads_may_come_at_once_and_then_ten_a_minute() {
    let mut model = fresh();
    let turns = |model: &mut HostModel| (0..5).filter(|_| model.has_a_turn()).count();
    assert_eq!(turns(&mut model), 3);
    model.passes(6);
    assert_eq!(turns(&mut model), 1);
    model.passes(600);
    assert_eq!(turns(&mut model), 3);
}
