"""Opens a vault file with argon2-cffi and cryptography, prints what is in it, and writes it back as the existing runtime
would: known members only, one more entry. vault.md sections 2.1 and 3."""

import base64
import json
import os
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

path, passphrase, name, value = sys.argv[1:]
with open(path) as file:
    vault = json.load(file)
salt = base64.b64decode(vault["salt"], validate=True)
key = hash_secret_raw(passphrase.encode(), salt, 3, 64 << 10, 4, 32, Type.ID, 0x13)


def opened(blob):
    blob = base64.b64decode(blob, validate=True)
    return AESGCM(key).decrypt(blob[:12], blob[12:], b"")


def sealed(plain):
    nonce = os.urandom(12)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, b"")).decode()


assert vault["version"] == 1
assert opened(vault["verification"]) == b"aileron-vault-v1"
print(json.dumps({name: opened(entry["value"]).decode() for name, entry in vault["secrets"].items()}))

metadata = ("Type", "Environment", "Labels")
secrets = {
    name: {"value": entry["value"], "metadata": {member: entry["metadata"][member] for member in metadata}}
    for name, entry in vault["secrets"].items()
}
secrets[name] = {"value": sealed(value.encode()), "metadata": {"Type": "secret", "Environment": "", "Labels": None}}
head = {member: vault[member] for member in ("version", "salt", "verification")}
with open(path, "w") as file:
    json.dump({**head, "secrets": dict(sorted(secrets.items()))}, file, indent=2)
