"""The product's own text: `rag/library/text/{en,fr}/*.md`, with `id`, `lang` and `topics` above the first heading."""

import re
from collections.abc import Iterator
from pathlib import Path

from rag.sources.corpus.file import CorpusError, LibraryFile
from rag.sources.parser.markdown import read_markdown

FOLDER = Path(__file__).resolve().parents[2] / "library" / "text"
_FRONT = re.compile(r"---\n(?P<lines>.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^# (?P<title>.+)$", re.MULTILINE)
OURS = {"source": "https://dazbox.cloud/docs", "licence": "LicenseRef-Dazbox", "attribution": "Dazbox Cloud"}


def read_product_texts(folder: Path = FOLDER) -> Iterator[LibraryFile]:
    """Raises CorpusError for a text without its front matter or title."""
    for path in sorted(folder.glob("*/*.md")):
        yield _read_text(path, name=path.relative_to(folder).as_posix())


def _read_text(path: Path, *, name: str) -> LibraryFile:
    text = path.read_text(encoding="utf-8")
    front, title = _FRONT.match(text), _TITLE.search(text)
    if front is None or title is None:
        raise CorpusError(f"{name}: it begins with `---`, `id: ...`, `lang: ...`, `---`, and has a `# Title`")
    keys = dict(line.partition(":")[::2] for line in front["lines"].splitlines())
    body = text[front.end() :].encode()
    return LibraryFile(
        path=name,
        media_type="text/markdown",
        content=text.encode(),
        lang=keys.get("lang", path.parent.name).strip(),
        title=title["title"].strip(),
        sections=tuple(read_markdown(body)),
        **OURS,
    )
