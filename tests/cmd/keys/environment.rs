//! A signing key from the environment.

use aileron_testkit::home::{PRIVATE_KEY, TestHome};

#[test]
fn a_signing_key_in_the_environment_may_be_pem_or_base64() {
    let home = TestHome::with_tea();
    let encoded = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUoxaHNaM3YvVnBndW9SSzlKTHNMTVJFU2NWcGV6SnBHWEE3ckFNY3JuOWcKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=";
    for key in [PRIVATE_KEY, encoded] {
        let mut command = home.typed("aileron-pub -C tea pack v0.1.0 --out archives");
        command.env("AILERON_SIGNING_KEY", key);
        assert_eq!(home.finish(command, "pack").code, 0);
    }
}
