"""The shared library takes in what has a licence, goes on where it was cut off, and lets go of what is gone."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rag.engine.state import DocumentState
from rag.library.models import LibraryChunk, LibraryDocument, LibraryEmbedding
from rag.pipeline.library import PRODUCT, fill_index, load_files, prune
from rag.pipeline.point import BATCH, Index
from rag.sources.corpus.file import CorpusError
from rag.sources.corpus.folder import check_folder, read_files, read_manifest
from rag.sources.corpus.product import read_product_texts
from rag.sources.qdrant import scope
from rag.sources.qdrant.point import Query
from tests.fakes.embedder import CountingEmbedder, ProviderError

pytestmark = pytest.mark.django_db
TEXT = "# Anchors\n\n" + "\n\n".join(f"## Part {n}\n\nWords of part {n}." for n in range(40))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "texts"
    (root / "en").mkdir(parents=True)
    (root / "en" / "anchors.md").write_text(TEXT)
    (root / "page.html").write_text("<html><h1>Page</h1><p>Words of a page.")
    write_manifest(root, "en/anchors.md", "page.html")
    return root


def write_manifest(root: Path, *paths: str, **changes: str) -> None:
    facts = {"source": "https://example.org/x", "licence": "MIT", "attribution": "Somebody", "lang": "en"} | changes
    manifest = {"collection": "tests", "files": [{"path": path, **facts} for path in paths]}
    (root / "manifest.json").write_text(json.dumps(manifest))


def load(root: Path, index: Index) -> Any:
    manifest = read_manifest(root / "manifest.json")
    check_folder(root, manifest, manifest_path=root / "manifest.json")
    loaded = load_files(manifest.collection, read_files(root, manifest))
    fill_index(index)
    return loaded


def count_points(index: Index) -> int:
    return index.store.count(scope.shared())


def test_a_text_is_found_with_its_source_and_licence(folder: Path, index: Index) -> None:
    loaded = load(folder, index)
    assert (loaded.written, loaded.unchanged, loaded.refused) == (2, 0, {})
    [question] = index.embedder.embed(["Anchors > Part 3\nWords of part 3."], with_tokens=False)
    [[hit, *_]] = index.store.search(scope.shared(), [Query(dense=question.dense)])
    assert (hit.content.text, hit.content.source, hit.content.licence) == (
        "Words of part 3.",
        "https://example.org/x",
        "MIT",
    )
    assert {row.state for row in LibraryDocument.objects.all()} == {DocumentState.READY}
    assert count_points(index) == LibraryChunk.objects.count() == 41


def test_unchanged_files_are_skipped_and_of_changed_ones_only_new_words_are_embedded(
    folder: Path, index: Index
) -> None:
    load(folder, index)
    assert isinstance(index.embedder, CountingEmbedder)
    index.embedder.texts.clear()
    assert load(folder, index).unchanged == 2
    (folder / "en" / "anchors.md").write_text(TEXT.replace("Words of part 7.", "Other words."))
    assert load(folder, index).written == 1
    assert index.embedder.texts == ["Anchors > Part 7\nOther words."]
    assert count_points(index) == 41


@pytest.mark.fault
def test_a_load_that_is_cut_off_goes_on_where_it_was(folder: Path, index: Index) -> None:
    assert isinstance(index.embedder, CountingEmbedder)
    calls: list[object] = []

    def fail(texts: object) -> None:
        calls.append(texts)
        if len(calls) == 2:
            raise ProviderError

    index.embedder.before = fail
    with pytest.raises(ProviderError):
        load(folder, index)
    assert count_points(index) == BATCH
    assert fill_index(index) == 41 - BATCH
    assert len(index.embedder.texts) == len(set(index.embedder.texts)) == 41


def test_pruning_removes_what_is_gone_from_rows_and_index(folder: Path, index: Index) -> None:
    load(folder, index)
    (folder / "en" / "anchors.md").unlink()
    write_manifest(folder, "page.html")
    loaded = load(folder, index)
    assert count_points(index) == 41  # not without being asked
    assert prune("tests", index, keep=loaded.paths) == 1
    assert count_points(index) == LibraryChunk.objects.count() == LibraryEmbedding.objects.count() == 1


@pytest.mark.fault
def test_a_file_without_a_licence_stops_the_load_before_anything_is_written(folder: Path, index: Index) -> None:
    (folder / "stray.md").write_text("whose is this?")
    (folder / "link.md").symlink_to("/etc/passwd")
    write_manifest(folder, "en/anchors.md", "page.html", "gone.md", "../manifest.json")
    with pytest.raises(CorpusError) as caught:
        load(folder, index)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "stray.md",
        "../manifest.json",
        "gone.md",
    ]
    assert not LibraryDocument.objects.exists()


@pytest.mark.parametrize("changes", [{"licence": ""}, {"source": ""}, {"lang": "de"}, {"surprise": "x"}])
def test_a_manifest_that_says_too_little_or_too_much_is_refused(folder: Path, changes: dict[str, str]) -> None:
    write_manifest(folder, "page.html", **changes)
    with pytest.raises(CorpusError, match=r"manifest\.json"):
        read_manifest(folder / "manifest.json")


def test_one_file_that_cannot_be_read_does_not_stop_the_others(folder: Path, index: Index) -> None:
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    write_manifest(folder, "bad.pdf", "page.html", "en/anchors.md")
    loaded = load(folder, index)
    assert (loaded.written, list(loaded.refused)) == (2, ["bad.pdf"])


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "frais.md").write_text(
        "---\nid: frais\nlang: fr\ntopics: fees\n---\n# Les frais\n\nUn mot.\n\n## Entrants\n\nDeux mots.\n"
    )
    return tmp_path


def test_the_products_own_text_is_taken_with_its_language_and_title(product: Path, index: Index) -> None:
    load_files(PRODUCT, read_product_texts(product))
    row = LibraryDocument.objects.get()
    assert (row.path, row.lang, row.title) == ("fr/frais.md", "fr", "Les frais")
    assert [chunk.heading_path for chunk in row.chunks.order_by("position")] == [
        ["Les frais"],
        ["Les frais", "Entrants"],
    ]


def test_a_text_of_ours_without_front_matter_is_told(product: Path) -> None:
    (product / "fr" / "nu.md").write_text("# Nu\n\nRien.")
    with pytest.raises(CorpusError, match=r"fr/nu\.md"):
        list(read_product_texts(product))


def test_all_of_the_products_own_text_can_be_taken() -> None:
    paths = [text.path for text in read_product_texts()]
    assert len(paths) == len(set(paths))


def test_a_folder_without_a_manifest_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="licence"):
        call_command("ingest", str(folder), stdout=io.StringIO())
