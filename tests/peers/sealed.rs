//! PyNaCl, which GitHub's own documentation seals and opens secrets with, opens what we seal.

use std::process::Command;

use aileron_cli::publisher::keys::github_secret::seal;
use aileron_cli::secret::Secret;
use aileron_testkit::peers::program;
use aileron_testkit::{Requirement, skip};

/// Makes the public half of a private key, or opens a box with it.
const SCRIPT: &str = "
import base64, sys
from nacl.public import PrivateKey, SealedBox
key = PrivateKey(bytes([9]) * 32)
if len(sys.argv) == 1:
    print(base64.b64encode(bytes(key.public_key)).decode())
else:
    sys.stdout.buffer.write(SealedBox(key).decrypt(base64.b64decode(sys.argv[1])))
";

#[test]
fn pynacl_opens_what_we_seal() {
    let Some(python) = program("python") else { return };
    let asked = |args: &[&str]| Command::new(&python).args(["-c", SCRIPT]).args(args).output().unwrap();
    let public = asked(&[]);
    if !public.status.success() {
        skip(Requirement::Peers, "Python has no PyNaCl here; run .ci/peers");
        return;
    }
    let public = String::from_utf8(public.stdout).unwrap();
    for text in ["", "x", &"a line of a key\n".repeat(500), "ключ 🔑"] {
        let sealed = seal(&Secret::from((*text).to_owned()), public.trim()).unwrap();
        let opened = asked(&[&sealed]);
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        assert_eq!(opened.stdout, text.as_bytes());
    }
}
