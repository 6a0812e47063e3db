//! What the fuzz targets hold for any bytes, over bytes that are nearly right.

use aileron_testkit::fuzzed::aegis;
use proptest::prelude::*;

use super::toy::{Toy, key};

/// A file with some bytes changed.
fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0_u8..3);
    prop::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut file = file.clone();
        for (at, byte, how) in changes {
            let at = at.index(file.len());
            match how {
                0 => file[at] = byte,
                1 => file.insert(at, byte),
                _ => drop((file.len() > 1).then(|| file.remove(at))),
            }
        }
        file
    })
}

fn file(name: &str) -> Vec<u8> {
    Toy::new().signed(&key(1)).files[name].clone()
}

proptest! {
    #[test]
    fn a_damaged_archive_holds_its_bounds(bytes in damaged(Toy::new().signed(&key(1)).zip())) {
        aegis::zip(&bytes);
    }

    #[test]
    fn a_damaged_manifest_holds_its_bounds(bytes in damaged(file("manifest.json"))) {
        aegis::manifest(&bytes);
    }

    #[test]
    fn a_damaged_wrapper_holds_its_bounds(bytes in damaged(file("manifest.signed.json"))) {
        aegis::wrapper(&bytes);
    }

    #[test]
    fn a_damaged_revocation_file_holds_its_bounds(bytes in damaged(br#"{"revoked_key_ids":[" a","<b>"],"revoked_public_key_fingerprints":["AB"]}"#.to_vec())) {
        aegis::revocations(&bytes);
    }

    #[test]
    fn damaged_times_hold_their_bounds(instant in damaged(b"2026-01-02T03:04:05.678+02:00".to_vec()), duration in damaged(b"-12h30m1.5s100\xc2\xb5s".to_vec())) {
        aegis::times(&instant);
        aegis::times(&duration);
    }

    #[cfg(unix)]
    #[test]
    fn damaged_answers_of_an_extension_hold_their_bounds(bytes in damaged(definition())) {
        aegis::answers(&bytes);
    }
}

/// What a plugin answers, with a nested field, and its handshake before it.
#[cfg(unix)]
fn definition() -> Vec<u8> {
    use aileron_cli::publisher::aegis::extension::messages::{ConfigField, ConfigSchema, PluginDefinition};
    use prost::Message as _;
    let inner =
        ConfigField { name: "inner".into(), kind: "int".into(), default_json: b"1".to_vec(), ..ConfigField::default() };
    let outer =
        ConfigField { name: "outer".into(), kind: "object".into(), nested: vec![inner], ..ConfigField::default() };
    let config_schema = Some(ConfigSchema { fields: vec![outer] });
    let events = vec!["RCON_CHAT_MESSAGE".into(), "*".into()];
    PluginDefinition { plugin_id: "a".into(), config_schema, events, ..PluginDefinition::default() }.encode_to_vec()
}
