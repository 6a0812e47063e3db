//! A machine without a keychain gives an error, at once.

use std::process::Command;

use aileron_cli::publisher::sign::{KeyError, Keychain as _, OsKeychain};

/// Set in the child, which has no session bus.
const CHILD: &str = "AILERON_TEST_WITHOUT_SESSION_BUS";

#[test]
fn a_machine_without_a_keychain_says_so() {
    if std::env::var_os(CHILD).is_some() {
        for _ in 0..2 {
            let said = OsKeychain.load("github://acme/slack").map(|text| text.is_some());
            assert!(matches!(said, Err(KeyError::NoKeychain(_))), "{said:?}");
        }
        return;
    }
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "keys::keychain::a_machine_without_a_keychain_says_so"])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env_remove("XDG_RUNTIME_DIR")
        .env(CHILD, "1")
        .output()
        .expect("runs");
    assert!(
        child.status.success(),
        "{}{}",
        String::from_utf8_lossy(&child.stdout),
        String::from_utf8_lossy(&child.stderr)
    );
}
