"""The archive in the box's own schema, piece by piece: no process keeps a file, and none holds it whole in memory."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from nodes.models.export import ExportChunk
from tenants.context import TenantRef, enter_tenant

CHUNK_BYTES = 1 << 18


class ChunkSink:
    """Writes an archive into the chunks of an export, in the transaction we are in."""

    def __init__(self, tenant: TenantRef, export_id: UUID) -> None:
        self._tenant, self._export_id = tenant, export_id
        self._rest = bytearray()
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.chunk_count = 0

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        self._rest += data
        self.size_bytes += len(data)
        while len(self._rest) >= CHUNK_BYTES:
            self._store(CHUNK_BYTES)
        return len(data)

    def flush(self) -> None:
        """ZipFile asks for it after each member: a chunk is full or the last."""

    def close(self) -> str:
        """Stores what is left. Returns the SHA-256 of everything."""
        if self._rest:
            self._store(len(self._rest))
        return self._digest.hexdigest()

    def _store(self, count: int) -> None:
        piece = bytes(self._rest[:count])
        del self._rest[:count]
        with enter_tenant(self._tenant):
            ExportChunk.objects.create(export_id=self._export_id, number=self.chunk_count, content=piece)
        self.chunk_count += 1


def read_chunks(tenant: TenantRef, export_id: UUID, *, count: int) -> Iterator[bytes]:
    """The archive as it is sent. Raises ExportChunk.DoesNotExist where it is deleted meanwhile: the body ends short."""
    for number in range(count):
        with enter_tenant(tenant):
            chunk = ExportChunk.objects.get(export_id=export_id, number=number)
        yield chunk.content


def delete_chunks(tenant: TenantRef, export_id: UUID) -> None:
    with enter_tenant(tenant):
        ExportChunk.objects.filter(export_id=export_id).delete()
