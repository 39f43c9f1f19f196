"""What `rag.pipeline.twin` relies on: the two languages of our own texts have the same sections, each one chunk."""

from rag.engine.chunk import cut
from rag.sources.corpus.product import read_product_texts


def test_each_section_is_one_chunk_and_has_its_place_in_the_other_language() -> None:
    chunks = {file.path: [chunk.heading_path for chunk in cut(file.sections)] for file in read_product_texts()}
    assert [path for path, headings in chunks.items() if len(set(headings)) != len(headings)] == []
    english = {path.removeprefix("en/"): len(found) for path, found in chunks.items() if path.startswith("en/")}
    french = {path.removeprefix("fr/"): len(found) for path, found in chunks.items() if path.startswith("fr/")}
    assert english == french
