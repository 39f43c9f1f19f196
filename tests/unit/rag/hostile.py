"""Documents made by hand, honest ones and others."""

import io
import zipfile
import zlib

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
STYLES = f"""<w:styles xmlns:w="{W}">
<w:style w:styleId="Titre1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Titre2"><w:name w:val="heading 2"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="my own"/><w:basedOn w:val="Titre2"/></w:style></w:styles>"""


def paragraph(text: str, *, style: str = "", run: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r>{run}<w:t>{text}</w:t></w:r></w:p>"


def make_docx(body: str, *, doctype: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    document = f'<?xml version="1.0"?>{doctype}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    return make_zip({"word/document.xml": document.encode(), "word/styles.xml": STYLES.encode()} | (extra or {}))


def make_zip(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def make_pdf(pages: list[str], *, password: str = "") -> bytes:
    writer = PdfWriter()
    font = DictionaryObject({
        NameObject("/Type"): NameObject("/Font"),
        NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"),
    })
    for text in pages:
        page = writer.add_blank_page(600, 800)
        page[NameObject("/Resources")] = DictionaryObject({
            NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})
        })
        stream = StreamObject()
        stream.set_data(f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode("latin-1") if text else b"")
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def make_looping_pdf() -> bytes:
    """A page tree whose only kid is itself."""
    writer = PdfWriter()
    writer.add_blank_page(600, 800)
    pages = writer._pages.get_object()
    pages[NameObject("/Kids")] = ArrayObject([writer._pages])
    pages[NameObject("/Count")] = NumberObject(3)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def make_pdf_bomb() -> bytes:
    """One page whose contents unpack to 400 MB."""
    writer = PdfWriter()
    page = writer.add_blank_page(600, 800)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(400)) + packer.flush()
    stream = StreamObject()
    stream._data = packed
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    page[NameObject("/Contents")] = writer._add_object(stream)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
