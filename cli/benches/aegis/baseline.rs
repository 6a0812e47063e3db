//! What the host's scripts, or an operator, would call: `zip`, `sha256sum`, `unzip` and `openssl`, in one bash each.
//!
//! They are spared all that is not these programs: the wrapper that is signed is there already, and nothing is checked.

use std::path::Path;
use std::process::Command;

use crate::measured::{Spent, spent};

const PREPARE: &str = r#"
set -euo pipefail
openssl genpkey -algorithm ed25519 -out "$ROOT/key.pem"
openssl pkey -in "$ROOT/key.pem" -pubout -out "$ROOT/public.pem"
head -c 700 /dev/zero | tr '\0' x > "$ROOT/wrapper"
openssl pkeyutl -sign -rawin -inkey "$ROOT/key.pem" -in "$ROOT/wrapper" -out "$ROOT/signature"
"#;

const PACK: &str = r#"
set -euo pipefail
cd "$DIST"
sha256sum bin/*/* > /dev/null
openssl pkeyutl -sign -rawin -inkey "$ROOT/key.pem" -in "$ROOT/wrapper" | base64 -w0 > "$ROOT/manifest.sig"
rm -f "$ROOT/theirs.zip"
zip -qr "$ROOT/theirs.zip" manifest.json bin
"#;

const VERIFY: &str = r#"
set -euo pipefail
openssl pkeyutl -verify -rawin -pubin -inkey "$ROOT/public.pem" -in "$ROOT/wrapper" -sigfile "$ROOT/signature" > /dev/null
unzip -p "$ZIP" bin/linux-amd64/hello | sha256sum > /dev/null
"#;

/// Makes a key, and something signed.
pub(crate) fn prepare(root: &Path) {
    let made = Command::new("bash").args(["-c", PREPARE]).env("ROOT", root).status().expect("bash");
    assert!(made.success(), "openssl is needed");
}

/// Checksums, a signature, a zip file.
pub(crate) fn pack(root: &Path, dist: &Path) -> Spent {
    spent("bash".as_ref(), |command| command.args(["-c", PACK]).env("ROOT", root).env("DIST", dist))
}

/// The signature, and the checksum of one executable.
pub(crate) fn verify(root: &Path, zip: &Path) -> Spent {
    spent("bash".as_ref(), |command| command.args(["-c", VERIFY]).env("ROOT", root).env("ZIP", zip))
}
