"""The product's own text: both languages tell the same, in sections that can be quoted, of things that exist."""

import re
from pathlib import Path

import pytest
from django.urls import resolve

from rag.engine.chunk import MAX_CHARS

ROOT = Path(__file__).resolve().parents[3]
TEXT = ROOT / "rag" / "library" / "text"
FILES = sorted(TEXT.glob("*/*.md"))
FRONT = re.compile(r"---\n(?P<lines>.*?)\n---\n", re.DOTALL)
COMMANDS = {  # of the nodes' own manuals
    "lncli": "bakemacaroon batchopenchannel channelbalance closechannel connect create deletemacaroonid deletepayments "
    "exportchanbackup feereport fwdinghistory getinfo listchaintxns listchannels listpayments openchannel payinvoice "
    "pendingchannels restorechanbackup stop trackpayment updatechanpolicy verifychanbackup wallet wtclient",
    "lightning-cli": "bkpr-listincome blacklistrune close connect createrune emergencyrecover feerates fetchinvoice "
    "fundchannel getinfo listforwards listfunds listpays listpeerchannels multifundchannel offer pay setchannel "
    "showrunes stop",
}


def front(path: Path) -> dict[str, str]:
    found = FRONT.match(path.read_text(encoding="utf-8"))
    assert found, path
    pairs = (line.partition(":") for line in found["lines"].splitlines())
    return {key: value.strip() for key, _, value in pairs}


def listed(path: Path, key: str) -> list[str]:
    return [name.strip() for name in front(path)[key].split(",")]


def sections(path: Path) -> dict[str, str]:
    """Heading -> text."""
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:]
    return {heading: body.strip() for heading, _, body in (part.partition("\n") for part in parts)}


def test_both_languages_have_the_same_sections_and_sixty_at_least() -> None:
    english, french = (
        {(path.name, name) for path in FILES if path.parent.name == lang for name in listed(path, "sections")}
        for lang in ("en", "fr")
    )
    assert english == french
    assert len(english) >= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_says_what_it_is(path: Path) -> None:
    above = front(path)
    assert (above["id"], above["lang"], above["licence"]) == (path.stem, path.parent.name, "LicenseRef-Dazbox")
    assert listed(path, "topics")
    assert len(sections(path)) == len(set(listed(path, "sections")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_section_answers_one_question_in_a_few_words(path: Path) -> None:
    for heading, body in sections(path).items():
        assert "?" in heading, heading
        assert 80 <= len(body.split()) <= 180, heading
        assert max(len(paragraph) for paragraph in body.split("\n\n")) <= MAX_CHARS, heading


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_commands_that_are_named_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for program, known in COMMANDS.items():
        named = set(re.findall(rf"{program} ([a-z][a-z-]+)", "\n".join(code_of(text))))
        assert named <= set(known.split())


def code_of(text: str) -> list[str]:
    return [inline or block for inline, block in re.findall(r"`([^`\n]+)`|^    (.+)$", text, re.MULTILINE)]


def test_what_holds_a_change_is_named_as_the_guards_name_it() -> None:
    documented = (ROOT / "docs" / "guards.md").read_text(encoding="utf-8")
    named = {name for path in FILES for name in re.findall(r"`held_by: (\w+)`", path.read_text(encoding="utf-8"))}
    assert len(named) > 3
    assert {name for name in named if f"`{name}`" not in documented} == set()


def test_addresses_of_the_api_lead_somewhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    addresses = set(re.findall(r"/api/v1/[\w/{}-]+", text))
    assert len(addresses) > 5
    known = {"{pubkey}": "02" + "a" * 64, "{id}": "0190a1b2-0000-7000-8000-000000000000", "{scid}": "800000x1x0"}
    for address in addresses:
        for name, value in known.items():
            address = address.replace(name, value)  # noqa: PLW2901
        assert resolve(address.rstrip("/"))


def test_links_lead_to_files_of_ours() -> None:
    for path in FILES:
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), (path.name, target)
