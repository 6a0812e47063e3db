//! Every way in which a binding gives a credential, or none. vault.md §8.2, §13.2; sandbox.md §7.2.

use std::path::Path;

use super::*;
use crate::secret::Secret;
use crate::sys::steps::Disk;
use crate::vault::custodian::Cost;

const ENVELOPE: &str =
    r#"{"access_token":"tea-access","refresh_token":"tea-refresh","expires_at":"2020-01-01T00:00:00Z"}"#;

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

/// A vault with these entries: name, kind, value, region.
fn vault(directory: &Path, entries: &[(&str, &str, &str, &str)]) -> (VaultFile, Custodian) {
    let vault = VaultFile::with(directory.join("secrets.json"), Arc::new(Disk), Cost::CHEAP);
    let custodian = vault.create(&secret("tea")).expect("a vault");
    let put = |document: &mut crate::vault::document::Document| {
        for (name, kind, value, region) in entries {
            let entry = Entry::new(*kind, custodian.seal(&secret(value))?).with_label("region", region);
            document.put(*name, entry.with_label("access_key_id", if region.is_empty() { "" } else { name }));
        }
        Ok(())
    };
    vault.change(Some(&custodian), put).expect("puts");
    (vault, custodian)
}

fn wanted(kind: CredentialKind, region: Option<&str>) -> CredentialRequest {
    let connector = "github://acme/tea".parse().expect("a name");
    CredentialRequest { connector, kind, region: region.map(str::to_owned) }
}

/// The bindings of these names, for a connector that nothing is asked of a provider for.
fn bound(vault: &VaultFile, custodian: &Arc<Custodian>, names: &[&str]) -> Bound {
    let (web, waiting) = (Web::default(), LockPolicy::default());
    let unlocked = UnlockedVault::new(vault.clone(), Arc::clone(custodian), web, waiting);
    Bound { unlocked, client: None, names: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn resolve(bound: &Bound, wanted: &CredentialRequest) -> Result<String, CredentialRefusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let resolved = runtime.block_on(bound.resolve(wanted))?;
    let key_id = resolved.access_key_id.map(|id| format!(" {id}")).unwrap_or_default();
    Ok(format!("{}{key_id}", String::from_utf8_lossy(resolved.secret.expose())))
}

#[test]
fn a_binding_gives_its_value_for_one_request_or_says_why_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let (vault, custodian) = vault(
        directory.path(),
        &[
            ("api_key/tea/home", "api_key", "tea-key", ""),
            ("oauth2/tea/home", "oauth2", ENVELOPE, ""),
            ("oauth2/tea/odd", "oauth2", "tea-odd-value", ""),
            ("api_key/tea/other", "oauth2", "tea-key", ""),
            ("aws_sigv4/s3/east", "aws_sigv4", "east-key", "us-east-1"),
            ("aws_sigv4/s3/west", "aws_sigv4", "west-key", "us-west-2"),
        ],
    );
    let custodian = Arc::new(custodian);
    use CredentialKind::{ApiKey, AwsSigv4, Oauth2};
    let opened = |names: &[&str], kind, region| resolve(&bound(&vault, &custodian, names), &wanted(kind, region));
    assert_eq!(opened(&["api_key/tea/home"], ApiKey, None).as_deref(), Ok("tea-key"));
    assert_eq!(opened(&["oauth2/tea/home"], Oauth2, None).as_deref(), Ok("tea-access"));
    let odd = opened(&["oauth2/tea/odd"], Oauth2, None).expect_err("no envelope");
    assert!(
        matches!(&odd, CredentialRefusal::Failed(why) if why.starts_with("oauth2/tea/odd: ") && !why.contains("tea-odd"))
    );
    assert_eq!(opened(&["api_key/tea/other"], ApiKey, None), Err(CredentialRefusal::KindMismatch));
    let gone = Err(CredentialRefusal::EntryMissing { path: "api_key/tea/gone".to_owned() });
    assert_eq!(opened(&["api_key/tea/gone"], ApiKey, None), gone);
    // B16
    let both = ["aws_sigv4/s3/east", "aws_sigv4/s3/west"];
    let candidates = || both.map(str::to_owned).to_vec();
    for (names, region, expected) in [
        (&both[..1], Some("eu-west-1"), Ok("east-key aws_sigv4/s3/east".to_owned())),
        (&both[..1], None, Ok("east-key aws_sigv4/s3/east".to_owned())),
        (&both[..], Some("us-west-2"), Ok("west-key aws_sigv4/s3/west".to_owned())),
        (&both[..], Some("eu-west-1"), Err(CredentialRefusal::NotBound { candidates: candidates() })),
        (&both[..], None, Err(CredentialRefusal::NotBound { candidates: candidates() })),
    ] {
        assert_eq!(opened(names, AwsSigv4, region), expected, "{names:?} {region:?}");
    }
}

#[test] // vault.md §5: the file is looked at for each request
fn what_changed_since_the_vault_was_unlocked_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    let (vault, custodian) = vault(directory.path(), &[("api_key/tea/home", "api_key", "old", "")]);
    let custodian = Arc::new(custodian);
    let bound = bound(&vault, &custodian, &["api_key/tea/home"]);
    let wanted = wanted(CredentialKind::ApiKey, None);
    assert_eq!(resolve(&bound, &wanted).as_deref(), Ok("old"));
    let renew = |document: &mut crate::vault::document::Document| {
        document.put("api_key/tea/home", Entry::new("api_key", custodian.seal(&secret("new"))?));
        Ok(())
    };
    vault.change(Some(&custodian), renew).expect("puts");
    assert_eq!(resolve(&bound, &wanted).as_deref(), Ok("new"));
    vault.rekey(&custodian, &secret("another")).expect("a new key");
    let locked = CredentialRefusal::Failed("vault: credential unavailable".to_owned());
    assert_eq!(resolve(&bound, &wanted), Err(locked));
    vault.remove().expect("removes");
    assert!(matches!(resolve(&bound, &wanted), Err(CredentialRefusal::EntryMissing { .. })));
}
