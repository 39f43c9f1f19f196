"""DOCX: headings by their style, paragraphs, lists and tables of the main text.

Read straight from the two parts that matter. No entity is resolved, no other part, link or picture is opened, and what
is marked as deleted or hidden is not text.
"""

import re
from collections.abc import Iterator

from lxml import etree

from rag.engine.types import Section
from rag.sources.parser.archive import open_archive, read_entry
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import MAX_DEPTH
from rag.sources.parser.outline import Outline

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DOCUMENT, STYLES = "word/document.xml", "word/styles.xml"
_HEADING_NAME = re.compile(r"(?:heading|titre)\s*([1-9])", re.IGNORECASE)
_SKIPPED = frozenset({f"{W}del", f"{W}moveFrom", f"{W}rPr", f"{W}pPr", f"{W}instrText"})


def read_docx(content: bytes) -> list[Section]:
    """Raises UnreadableError."""
    with open_archive(content) as archive:
        if DOCUMENT not in archive.namelist():
            raise UnreadableError("unsupported", "This archive is no DOCX file: send what is in it.")
        body = _parse_xml(read_entry(archive, DOCUMENT)).find(f"{W}body")
        has_styles = STYLES in archive.namelist()
        levels = _read_levels(_parse_xml(read_entry(archive, STYLES))) if has_styles else {}
    outline = Outline()
    if body is not None:
        _add_blocks(outline, body, levels=levels)
    return outline.finish()


def _parse_xml(content: bytes) -> etree._Element:
    """Raises UnreadableError for a document type: Word writes none, and entities are declared in it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower():
            raise UnreadableError("too-deep", "The XML inside the DOCX file is nested too deeply.") from None
        raise UnreadableError("malformed", "The XML inside the DOCX file is damaged.") from None
    if root.getroottree().docinfo.doctype:
        raise UnreadableError("hostile", "The XML inside the DOCX file declares entities, which no honest file does.")
    return root


def _read_levels(styles: etree._Element) -> dict[str, int]:
    """Heading levels by style id, from the style's name ("heading 1" in Word of any language) or its outline level."""
    levels, parents = {}, {}
    for style in styles.iter(f"{W}style"):
        style_id = style.get(f"{W}styleId", "")
        parents[style_id] = _value(style, "basedOn")
        if level := _level_of(_value(style, "name"), _value(style, f"pPr/{W}outlineLvl")):
            levels[style_id] = level
    for style_id in parents:
        _inherit(style_id, levels, parents=parents)
    return levels


def _inherit(style_id: str, levels: dict[str, int], *, parents: dict[str, str]) -> None:
    seen, ancestor = {style_id}, parents[style_id]
    while ancestor in parents and ancestor not in levels and ancestor not in seen:
        seen.add(ancestor)
        ancestor = parents[ancestor]
    if ancestor in levels:
        levels.setdefault(style_id, levels[ancestor])


def _level_of(name: str, outline_level: str) -> int | None:
    """An outline level of 9 is body text."""
    if match := _HEADING_NAME.fullmatch(name.strip()):
        return int(match[1])
    if name.strip().lower() == "title":
        return 1
    return int(outline_level) + 1 if outline_level.isdecimal() and int(outline_level) < 9 else None


def _value(element: etree._Element, path: str) -> str:
    found = element.find(f"{W}{path}")
    return "" if found is None else found.get(f"{W}val", "")


def _add_blocks(outline: Outline, parent: etree._Element, *, levels: dict[str, int]) -> None:
    for child in parent:
        if child.tag == f"{W}p":
            _add_paragraph(outline, child, levels=levels)
        elif child.tag == f"{W}tbl":
            outline.add_rows([[_read_text(cell) for cell in row.iter(f"{W}tc")] for row in child.iter(f"{W}tr")])
        elif child.tag in {f"{W}sdt", f"{W}sdtContent", f"{W}ins"}:
            _add_blocks(outline, child, levels=levels)  # no deeper than libxml2 reads: 256


def _add_paragraph(outline: Outline, paragraph: etree._Element, *, levels: dict[str, int]) -> None:
    text = _read_text(paragraph)
    style = _value(paragraph, f"pPr/{W}pStyle")
    level = levels.get(style) or _level_of(style, _value(paragraph, f"pPr/{W}outlineLvl"))
    if level:
        outline.add_heading(level, text)
    elif paragraph.find(f"{W}pPr/{W}numPr") is not None:
        outline.add_block(f"- {text}" if text.strip() else "")
    else:
        outline.add_block(text)


def _read_text(element: etree._Element) -> str:
    return "".join(_read_parts(element, depth=0)).strip()


def _read_parts(element: etree._Element, *, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise UnreadableError("too-deep", "The XML inside the DOCX file is nested too deeply.")
    for child in element:
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag in {f"{W}tab", f"{W}br", f"{W}cr"}:
            yield "\t" if child.tag == f"{W}tab" else "\n"
        elif child.tag not in _SKIPPED and not _is_hidden(child):
            yield from _read_parts(child, depth=depth + 1)
            yield "\n" * (child.tag == f"{W}p")


def _is_hidden(element: etree._Element) -> bool:
    vanish = element.find(f"{W}rPr/{W}vanish")
    return vanish is not None and vanish.get(f"{W}val", "true") not in {"false", "0", "off"}
