"""The keys of the box we are at, and what they do: seal, open, digest.

Master key > keys of a box (one row a generation, wrapped) > one cipher a generation, and one key for digests, which
stays the same through all generations: what is looked up or chained by a digest survives a change of the cipher's key.
They are read once a stay behind the tenant's door and forgotten with it: what is destroyed is gone at once.
"""

import struct
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, transaction

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
from tenants.context import PUBLIC, current_door, leave_tenant
from tenants.database.base import write_prefix
from tenants.models.tenant_key import TenantKey
from tenants.sealing.master import MasterRing, load_master_ring

FORMAT = 2  # 1 was plaintext
_HEADER = struct.Struct(">BI")  # format, generation: big-endian, so that the database can compare them
HEADER_BYTES = _HEADER.size
# In plain SQL: each request of a box begins with it, and Django would take longer to write the query than to ask it.
_COLUMNS = ("generation", "master_kid", "wrapped")
_READ = f"SELECT {', '.join(_COLUMNS)} FROM tenants_tenantkey WHERE dazbox_id = %s ORDER BY generation"  # noqa: S608
_SETTINGS = 2  # results before a question's own, of the words that lead to its place


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
        door.kept["keys"] = _read_keys(door.tenant.id)
    keys: TenantKeys = door.kept["keys"]
    return keys


def ask_with_keys(query: str) -> tuple[Any, ...]:
    """The one row of a question to the box we are at. Its keys come with it in the same message, where they are not
    here yet: the door sends that message to the box's place, and in its midst it goes on to the public one.
    """
    door = current_door()
    with connection.cursor() as cursor:
        if "keys" in door.kept:
            cursor.execute(query)
            return tuple(cursor.fetchone())
        cursor.execute(f"{query}; {write_prefix(PUBLIC)}{_READ}", [door.tenant.id])
        rows = cursor.fetchall()
        cursor.set_result(-2 - _SETTINGS)
        answer = tuple(cursor.fetchone())
    door.kept["keys"] = _unwrap_all(door.tenant.id, rows)
    return answer


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
    place = _place_of(row.dazbox_id, row.generation)
    try:
        return open_sealed(ring.find(row.master_kid).cipher, bytes(row.wrapped), place=place)
    except SealBrokenError:
        raise SealBrokenError(f"{row} does not open with master key {row.master_kid}") from None


def wrap(row: TenantKey, secret: bytes, *, ring: MasterRing) -> None:
    """Puts `secret` into the row, under the master key in force. The row is not saved."""
    master = ring.wrapper
    row.master_kid = master.kid
    row.wrapped = seal(master.cipher, secret, place=_place_of(row.dazbox_id, row.generation))


def _read_keys(tenant_id: UUID) -> TenantKeys:
    with leave_tenant(), connection.cursor() as cursor:
        cursor.execute(_READ, [tenant_id])
        return _unwrap_all(tenant_id, cursor.fetchall())


def _unwrap_all(tenant_id: UUID, found: list[tuple[Any, ...]]) -> TenantKeys:
    rows = [TenantKey(dazbox_id=tenant_id, **dict(zip(_COLUMNS, row, strict=True))) for row in found]
    if not rows:
        raise KeyMissingError(f"the keys of Dazbox {tenant_id} are destroyed")
    secrets = {row.generation: unwrap(row, load_master_ring()) for row in rows}
    ciphers = {generation: AESGCM(secret[:KEY_BYTES]) for generation, secret in secrets.items()}
    return TenantKeys(tenant_id, ciphers, secrets[rows[-1].generation][KEY_BYTES:])


def _write_generation(dazbox_id: UUID, *, generation: int, names: bytes) -> int:
    row = TenantKey(dazbox_id=dazbox_id, generation=generation)
    wrap(row, make_key() + names, ring=load_master_ring())
    row.save(force_insert=True)
    return generation


def _place_of(dazbox_id: UUID, generation: int) -> bytes:
    return name_place(dazbox_id.hex, "tenant key", str(generation))
