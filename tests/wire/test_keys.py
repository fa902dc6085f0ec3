from __future__ import annotations

import base64
import stat
from pathlib import Path

import nkeys
import pytest
from nacl.signing import VerifyKey

from hub.errors import SettingsError
from hub.wire import keys
from schemas.keys import decode_public

FORGED = b"hub-message-v1\0live.tx.bulletin.flash.all.clear.weapon\0" + bytes(32)


def test_each_use_has_a_key_of_its_own_type_that_only_its_owner_can_read(tmp_path: Path) -> None:
    made = keys.make(tmp_path / "keys")
    assert [made.root.public[0], made.sign.public[0], made.connect.public[0], made.hub.public[0]] == [
        "O",
        "A",
        "U",
        "U",
    ]
    for use in keys.USES:
        assert stat.S_IMODE((tmp_path / "keys" / f"{use}.nk").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_what_was_made_is_never_made_anew(tmp_path: Path) -> None:
    made = keys.make(tmp_path)
    (tmp_path / "root.nk").unlink()
    assert keys.load(tmp_path).root is None
    again = keys.make(tmp_path)
    assert (again.sign, again.connect, again.hub) == (made.sign, made.connect, made.hub)
    assert again.root != made.root


def test_a_signature_verifies_under_the_public_half(tmp_path: Path) -> None:
    key = keys.generate("A")
    VerifyKey(decode_public(key.public, "A")).verify(FORGED, key.sign(FORGED))
    assert nkeys.from_seed(bytearray(key.seed, "ascii")).public_key.decode() == key.public


def test_a_key_that_logs_in_signs_no_message() -> None:
    """A hostile server sends the bytes of a flash as its nonce."""
    with pytest.raises(ValueError, match="does not sign this"):
        keys.generate("U").sign(FORGED)
    assert len(keys.generate("U").sign(b"nonce-of-a-server")) == 64


@pytest.mark.parametrize("prefix", ["A", "O"])
@pytest.mark.parametrize("data", [b"", b"nonce", b"hub-message-v1", b"hub-message-v2\0x", b" hub-message-v1\0"])
def test_a_key_that_speaks_signs_nothing_unprefixed(prefix: keys.Prefix, data: bytes) -> None:
    with pytest.raises(ValueError, match="does not sign this"):
        keys.generate(prefix).sign(data)


def test_no_seed_stands_in_a_representation() -> None:
    key = keys.generate("A")
    assert key.seed not in repr(key)
    assert key.seed not in repr(keys.Keys(key, key, key))


def damaged(seed: str) -> str:
    raw = bytearray(base64.b32decode(seed + "=" * (-len(seed) % 8)))
    raw[10] ^= 1
    return base64.b32encode(bytes(raw)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.chmod(0o640), "chmod 600"),
        (lambda path: path.write_text(""), "no seed of type A"),
        (lambda path: path.write_text(keys.generate("U").seed), "another type"),
        (lambda path: path.write_text(damaged(path.read_text().strip())), "checksum"),
        (lambda path: path.write_text(keys.generate("A").public), "no seed of type A"),
    ],
    ids=["missing", "open", "empty", "type", "damaged", "public"],
)
def test_a_bad_seed_file_is_named_with_what_is_wrong(tmp_path: Path, spoil, words: str) -> None:
    keys.make(tmp_path)
    spoil(tmp_path / "sign.nk")
    with pytest.raises(SettingsError, match=words) as refused:
        keys.load(tmp_path)
    assert "sign.nk" in refused.value.message


def test_one_key_has_one_use(tmp_path: Path) -> None:
    keys.make(tmp_path)
    (tmp_path / "hub.nk").write_bytes((tmp_path / "connect.nk").read_bytes())
    with pytest.raises(SettingsError, match="one use"):
        keys.load(tmp_path)
