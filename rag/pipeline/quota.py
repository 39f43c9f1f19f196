"""What a box's documents use of its plan, and what is refused beyond it."""

from contextlib import suppress
from uuid import UUID

from django.db.models import Sum
from django.dispatch import receiver
from django.utils import timezone
from redis.exceptions import RedisError

from rag.models.document import Document
from rag.pipeline.budget import count_tokens
from rag.selectors.document import sum_sizes
from tenants.context import current_tenant
from tenants.engine.plan import LimitName, refuse_beyond
from tenants.events import usage_asked
from tenants.selectors import find_plan

MB = 1_000_000


def check_room(document_id: UUID, size_bytes: int, *, is_new: bool) -> None:
    """Beside all other documents. Raises Problem 429 beyond the plan's documents or megabytes."""
    limits = find_plan(current_tenant().id).limits
    others = Document.objects.exclude(id=document_id)
    if is_new and others.count() >= limits["rag_documents"]:
        raise refuse_beyond("rag_documents", limits["rag_documents"], detail="Delete some.")
    used = others.aggregate(total=Sum("size_bytes"))["total"] or 0
    if used + size_bytes > limits["rag_mb"] * MB:
        raise refuse_beyond("rag_mb", limits["rag_mb"], detail=f"The documents here take {used / MB:.1f}.")


def find_chunk_excess(document: Document, count: int) -> str:
    """Words for why so many chunks of this document are too many, or nothing."""
    limit = find_plan(current_tenant().id).limits["rag_chunks"]
    others = Document.objects.exclude(id=document.id).aggregate(total=Sum("chunk_count"))["total"] or 0
    if others + count <= limit:
        return ""
    return f"It has {count:,} passages and the other documents {others:,}; the plan allows {limit:,} together."


@receiver(usage_asked, dispatch_uid="rag usage")
def count_usage(**_: object) -> dict[LimitName, int]:
    """Of the tenant we are in. Without Redis nobody knows of tokens."""
    chunks = Document.objects.aggregate(total=Sum("chunk_count"))["total"] or 0
    used: dict[LimitName, int] = {
        "rag_documents": Document.objects.count(),
        "rag_mb": -(-sum_sizes() // MB),
        "rag_chunks": chunks,
    }
    with suppress(RedisError):
        used["llm_tokens_per_day"] = count_tokens(current_tenant().id, timezone.now())
    return used
