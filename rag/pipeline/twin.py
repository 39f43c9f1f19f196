"""The same section in the other language: the product's own texts tell the same in both, section by section."""

from collections.abc import Sequence

from django.db.models import Q
from msgspec.structs import replace

from rag.engine.evidence import UNDER, Evidence, Language
from rag.library.models import LibraryChunk
from rag.pipeline.library import PRODUCT
from tenants.context import leave_tenant


def put_into(language: Language, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Each passage of the product's own texts in that language, where it is in the other; the rest as they are; none
    twice. A section is one chunk, at the same place in both files.
    """
    foreign = [one.id for one in evidence if one.language != language]
    with leave_tenant():  # the library is everybody's
        twins = _find_twins(foreign, language) if foreign else {}
    spoken: dict[str, Evidence] = {}
    for one in evidence:
        told = replace(twins[one.id], other_heading=one.heading) if one.id in twins else one
        if told.id not in spoken or told.other_heading:
            spoken[told.id] = told
    return list(spoken.values())


def tell_chunk(chunk: LibraryChunk, language: Language) -> Evidence:
    headings = [chunk.document.title, *(one for one in chunk.heading_path if one != chunk.document.title)]
    return Evidence(
        id=str(chunk.id),
        kind="passage",
        text=chunk.text,
        language=language,
        title=UNDER.join(headings),
        source=chunk.document.source,
        licence=chunk.document.licence,
    )


def _find_twins(ids: Sequence[str], language: Language) -> dict[str, Evidence]:
    """By the id of the passage each stands for."""
    rows = LibraryChunk.objects.filter(id__in=ids, document__collection=PRODUCT).select_related("document")
    places = {(f"{language}/{row.document.path.partition('/')[2]}", row.position): str(row.id) for row in rows}
    wanted = Q()
    for path, position in places:
        wanted |= Q(document__path=path, position=position)
    if not places:
        return {}
    found = LibraryChunk.objects.filter(wanted, document__collection=PRODUCT).select_related("document")
    return {places[row.document.path, row.position]: tell_chunk(row, language) for row in found}
