"""The keys of the box we are at, and what they do: seal, open, digest.

Master key > keys of a box (one row a generation, wrapped) > one cipher a generation, and one key for digests, which
stays the same through all generations: what is looked up or chained by a digest survives a change of the cipher's key.
They are read once a stay behind the tenant's door and forgotten with it: what is destroyed is gone at once.
"""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from mcp_saas.kit.crypto import (
    KEY_BYTES,
    KeyMissingError,
    SealBrokenError,
    derive_key,
    digest_keyed,
    make_key,
    name_place,
    open_sealed,
    seal,
)
from tenants.context import TenantRef, current_door
from tenants.database.question import Row, ask_public
from tenants.models.tenant_key import TenantKey
from tenants.sealing.master import MasterRing, load_master_ring

FORMAT = 2  # 1 was plaintext
_HEADER = struct.Struct(">BI")  # format, generation: big-endian, so that the database can compare them
HEADER_BYTES = _HEADER.size
# In plain SQL: each request of a box begins with it, and Django would take longer to write the query than to ask it.
_KEYS_AND_MARKS = """
SELECT generation, master_kid, wrapped, ARRAY(
    SELECT mark FROM tenants_revision WHERE schema_name = $2 ORDER BY table_name
) FROM tenants_tenantkey WHERE dazbox_id = $1 ORDER BY generation
"""


class Wrapped(NamedTuple):
    """A row of keys as it is stored."""

    generation: int
    master_kid: str
    wrapped: bytes


@dataclass(frozen=True, slots=True, repr=False)
class TenantKeys:
    """Unwrapped. Never print, log, pickle or keep one beyond the door."""

    tenant_id: UUID
    ciphers: dict[int, AESGCM]  # by generation
    names: bytes
    digest_keys: dict[str, bytes] = field(default_factory=dict)  # by purpose, derived as they are needed

    @property
    def header(self) -> bytes:
        """What every value begins with that is sealed now."""
        return _HEADER.pack(FORMAT, self.generation)

    @property
    def generation(self) -> int:
        """Of the cipher that seals now."""
        return max(self.ciphers)

    def seal(self, content: bytes, *, table: str, column: str, row: str) -> bytes:
        header = self.header
        place = name_place(self.tenant_id.hex, table, column, row)
        return header + seal(self.ciphers[self.generation], content, place=header + place)

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Raises SealBrokenError unless it was sealed for this place, KeyMissingError where its key is destroyed."""
        where = f"{table}.{column} of row {row}"
        if len(sealed) < HEADER_BYTES or sealed[0] != FORMAT:
            raise SealBrokenError(f"{where} holds no sealed value")
        generation = _HEADER.unpack_from(sealed)[1]
        if generation not in self.ciphers:
            raise KeyMissingError(
                f"{where} is sealed with generation {generation}, which is destroyed or of another box"
            )
        place = sealed[:HEADER_BYTES] + name_place(self.tenant_id.hex, table, column, row)
        try:
            return open_sealed(self.ciphers[generation], memoryview(sealed)[HEADER_BYTES:], place=place)
        except SealBrokenError as error:
            raise SealBrokenError(f"{where}: {error}") from None

    def digest(self, purpose: str, content: bytes) -> bytes:
        """32 bytes: equal contents of one purpose and box have equal digests. The same in every generation."""
        return digest_keyed(self.derive_digest_key(purpose), content)

    def derive_digest_key(self, purpose: str) -> bytes:
        """32 bytes by HKDF, for what digests by the thousand and knows no tenants. The same in every generation."""
        if purpose not in self.digest_keys:
            self.digest_keys[purpose] = derive_key(self.names, f"dazbox digest {purpose}")
        return self.digest_keys[purpose]


def current_keys() -> TenantKeys:
    """Of the tenant whose door we are behind. Raises NoTenantError outside of one, KeyMissingError without keys."""
    door = current_door()
    if "keys" not in door.kept:
        read_revision()
    keys: TenantKeys = door.kept["keys"]
    return keys


def read_revision() -> str:
    """What answers that are kept are named by: another text as soon as something has changed for the tenant we are in
    (`tenants.models.revision`), and never one that was there before. Whatever it names is sealed, so the keys come with
    it, in one query of public tables alone. Raises as `current_keys` does.
    """
    door = current_door()
    rows = ask_public(_KEYS_AND_MARKS, str(door.tenant.id), door.tenant.schema_name)
    if "keys" not in door.kept or not rows:
        door.kept["keys"] = _unwrap_all(door.tenant, rows)
    return (rows[0][-1] or b"").decode()


def create_keys(dazbox_id: UUID) -> None:
    """The first generation of a box. One that has keys keeps them."""
    if not TenantKey.objects.filter(dazbox_id=dazbox_id).exists():
        _write_generation(dazbox_id, generation=1, names=make_key())


@transaction.atomic
def add_generation(dazbox_id: UUID) -> int:
    """A new cipher for what is sealed from now on: by those who come in through the door after this is committed."""
    newest = TenantKey.objects.select_for_update().filter(dazbox_id=dazbox_id).order_by("-generation").first()
    if newest is None:
        raise KeyMissingError(f"Dazbox {dazbox_id} has no keys")
    names = unwrap(newest, load_master_ring())[KEY_BYTES:]
    return _write_generation(dazbox_id, generation=newest.generation + 1, names=names)


def replace_keys(dazbox_id: UUID) -> None:
    """For a box that forgets everything: what it stored so far is unreadable, and backups of it cannot be restored."""
    newest = max(list_generations(dazbox_id), default=0)
    destroy_keys(dazbox_id)
    _write_generation(dazbox_id, generation=newest + 1, names=make_key())


def destroy_keys(dazbox_id: UUID) -> None:
    """Whatever the box stored is unreadable from now on, wherever copies of it are."""
    TenantKey.objects.filter(dazbox_id=dazbox_id).delete()


def list_generations(dazbox_id: UUID) -> list[int]:
    return list(
        TenantKey.objects.filter(dazbox_id=dazbox_id).order_by("generation").values_list("generation", flat=True)
    )


def unwrap(row: TenantKey, ring: MasterRing) -> bytes:
    """The cipher's key and the key for digests, 32 bytes each. Raises KeyMissingError, SealBrokenError."""
    return _unwrap(row.dazbox_id, Wrapped(row.generation, row.master_kid, bytes(row.wrapped)), ring=ring)


def wrap(row: TenantKey, secret: bytes, *, ring: MasterRing) -> None:
    """Puts `secret` into the row, under the master key in force. The row is not saved."""
    master = ring.wrapper
    row.master_kid = master.kid
    row.wrapped = seal(master.cipher, secret, place=_place_of(row.dazbox_id, row.generation))


def _read_wrapped(row: Row) -> Wrapped:
    """As PostgreSQL writes it, marks or not. Raises ValueError for a null, of which there is none."""
    generation, master_kid, wrapped = row[:3]
    if generation is None or master_kid is None or wrapped is None:
        raise ValueError("a column of the keys is null")
    return Wrapped(int(generation), master_kid.decode(), bytes.fromhex(wrapped.decode().removeprefix("\\x")))


def _unwrap_all(tenant: TenantRef, rows: list[Row]) -> TenantKeys:
    """Of rows in order of their generation."""
    if not rows:
        raise KeyMissingError(f"the keys of Dazbox {tenant.id} are destroyed")
    found, ring = [_read_wrapped(row) for row in rows], load_master_ring()
    secrets = {one.generation: _unwrap(tenant.id, one, ring=ring) for one in found}
    ciphers = {generation: AESGCM(secret[:KEY_BYTES]) for generation, secret in secrets.items()}
    return TenantKeys(tenant.id, ciphers, secrets[found[-1].generation][KEY_BYTES:])


def _unwrap(tenant_id: UUID, key: Wrapped, *, ring: MasterRing) -> bytes:
    place = _place_of(tenant_id, key.generation)
    try:
        return open_sealed(ring.find(key.master_kid).cipher, key.wrapped, place=place)
    except SealBrokenError:
        raise SealBrokenError(
            f"generation {key.generation} of Dazbox {tenant_id} does not open with master key {key.master_kid}"
        ) from None


def _write_generation(dazbox_id: UUID, *, generation: int, names: bytes) -> int:
    row = TenantKey(dazbox_id=dazbox_id, generation=generation)
    wrap(row, make_key() + names, ring=load_master_ring())
    row.save(force_insert=True)
    return generation


def _place_of(dazbox_id: UUID, generation: int) -> bytes:
    return name_place(dazbox_id.hex, "tenant key", str(generation))
