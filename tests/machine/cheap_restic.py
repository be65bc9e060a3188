"""restic with a repository whose password is cheap to check: everything else in restic and the repository is real.

Each start of restic derives a key from the password by scrypt, with parameters that take half a second of a core;
`restic init` takes three seconds more to choose them. Here, `init` copies a repository that restic made before, and
that has a key with the cheapest parameters. Nothing else differs: the parameters stand in the key's file, and restic
reads them there (restic 0.14, internal/repository/key.go, and internal/crypto/crypto.go for the form of the file).
"""

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

WRAPPER = """#!/bin/sh
# `init` of a repository with the known password copies one; all else is restic's own
case " $* " in *" init "*) ;; *) exec {restic} "$@" ;; esac
repository=$RESTIC_REPOSITORY
if [ "$(cat "$RESTIC_PASSWORD_FILE" 2>/dev/null)" != '{password}' ] || [ -e "$repository/config" ]; then
    exec {restic} "$@"
fi
case $repository in /*) ;; *) exec {restic} "$@" ;; esac
mkdir -p "$repository" && cp -a {template}/. "$repository"
"""


def make_cheap_restic(folder: Path, restic: str, password: str) -> Path:
    """Create a program in `folder` that replaces `restic`, for repositories with this password."""
    template = folder / "repository"
    environment = {"PATH": os.defpath, "HOME": "/nowhere", "RESTIC_PASSWORD": password}
    subprocess.run(
        [restic, "--no-cache", "init", "--quiet", "--repo", template], env=environment, check=True, timeout=120
    )
    (key,) = (template / "keys").iterdir()
    cheap = cheap_key(key.read_bytes(), password)
    key.unlink()
    key.with_name(hashlib.sha256(cheap).hexdigest()).write_bytes(cheap)
    wrapper = folder / "restic"
    wrapper.write_text(WRAPPER.format(restic=restic, password=password, template=template))
    wrapper.chmod(0o755)
    return wrapper


def cheap_key(key: bytes, password: str) -> bytes:
    """The same master key under the same password, with the cheapest parameters of scrypt."""
    document = json.loads(key)
    salt = base64.b64decode(document["salt"])
    sealed = base64.b64decode(document["data"])
    expensive = _derived(password, salt, document["N"], document["r"], document["p"])
    nonce, text, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    assert _tag(expensive, nonce, text) == tag, "the password is that of the repository"
    master = _crypt(expensive, nonce, text)
    document |= {"N": 2, "r": 1, "p": 1}
    cheap = _derived(password, salt, 2, 1, 1)
    text = _crypt(cheap, nonce, master)
    document["data"] = base64.b64encode(nonce + text + _tag(cheap, nonce, text)).decode()
    return json.dumps(document).encode()


def _derived(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """A key for AES-256 (32 bytes) and one for Poly1305-AES (k and r, 16 bytes each)."""
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=64, maxmem=1 << 30)


def _crypt(key: bytes, nonce: bytes, text: bytes) -> bytes:
    return Cipher(algorithms.AES(key[:32]), modes.CTR(nonce)).encryptor().update(text)


def _tag(key: bytes, nonce: bytes, text: bytes) -> bytes:
    """Poly1305-AES: the one-time pad is the nonce under AES."""
    k, r = key[32:48], key[48:]
    pad = Cipher(algorithms.AES(k), modes.ECB()).encryptor().update(nonce)
    return Poly1305.generate_tag(r + pad, text)
