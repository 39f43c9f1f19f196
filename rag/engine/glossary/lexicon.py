"""The glossary in memory: French words and phrases, found as people type them.

The data files lie beside this module, a line an entry: `French form, another form | English; another rendering`.
`[noun]`, `[verb]`, `[adjective]`, `[word]` (words that only hold a sentence together) name the kind of the lines below.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache

import msgspec

from rag.engine.glossary.conjugation import conjugate
from rag.engine.glossary.data import read_lines
from rag.engine.glossary.french import fold, split, stem

FIELD = "field"  # the words of Lightning; the other folder, "general", is everyday French


class Kind(StrEnum):
    NOUN = "noun"
    VERB = "verb"
    ADJECTIVE = "adjective"
    WORD = "word"


class Entry(msgspec.Struct, frozen=True):
    """`forms`: French, as listed. `renderings`: English, the best first; empty for a word that English leaves out."""

    forms: tuple[str, ...]
    renderings: tuple[str, ...]
    kind: Kind
    is_of_the_field: bool


class Lexicon(msgspec.Struct, frozen=True):
    """`accented` and `listed`: forms as written, and without accents. `verbs`: conjugated forms, and `infinitives` of
    them. `stems`: what is left. `phrases`: by the keys of their words; `reach`: first key -> most words of a phrase.
    """

    accented: dict[str, Entry]
    listed: dict[str, Entry]
    verbs: dict[str, Entry]
    infinitives: dict[str, str]
    stems: dict[str, Entry]
    phrases: dict[str, Entry]
    reach: dict[str, int]

    def key(self, word: str) -> str:
        """What forms of one word have in common: the infinitive of a verb, the stem of anything else."""
        folded = fold(word)
        return self.infinitives.get(folded) or stem(folded)

    def phrase(self, keys: list[str]) -> tuple[int, Entry] | None:
        """The longest phrase of two words or more that the keys begin with, after its length in words."""
        for length in range(min(self.reach.get(keys[0], 0), len(keys)), 1, -1):
            found = self.phrases.get(" ".join(keys[:length]))
            if found is not None:
                return length, found
        return None

    def word(self, word: str, *, is_verb: bool, has_accents: bool) -> Entry | None:
        """One word by itself: as typed, without accents, in the singular, as a form of a verb, by its stem.

        `is_verb`: its neighbours want a verb. `has_accents`: who typed it types accents, so "refuse" is not "refusé".
        """
        folded = fold(word)
        verb = self.verbs.get(folded)
        typed = next((self.accented[form] for form in singulars(word.lower()) if form in self.accented), None)
        if verb and is_verb and not (typed and typed.kind == Kind.WORD):
            return verb
        if typed or (verb and has_accents and word.isascii()):
            return typed or verb
        listed = next((self.listed[form] for form in singulars(folded) if form in self.listed), None)
        return listed or verb or self.stems.get(stem(folded))


def singulars(word: str) -> tuple[str, ...]:
    """What a plural or feminine may be listed as: "petites" -> "petite", "petit"."""
    if word.endswith("aux"):
        return (word, word.removesuffix("ux"), word.removesuffix("ux") + "l")
    bare = word.removesuffix("x") if word.endswith("x") else word.removesuffix("s")
    return (word, bare, bare.removesuffix("e"))


def read_entries(folder: str) -> Iterator[Entry]:
    file, kind = "", Kind.NOUN
    for name, line in read_lines(folder):
        file, kind = name, kind if name == file else Kind.NOUN
        if line.startswith("["):
            kind = Kind(line.strip("[]"))
        else:
            yield parse_entry(line, kind=kind, folder=folder)


def parse_entry(line: str, *, kind: Kind, folder: str) -> Entry:
    """Raises ValueError for a line without its bar."""
    french, english = line.split("|")
    return Entry(
        forms=tuple(form.strip() for form in french.split(",")),
        renderings=tuple(rendering.strip() for rendering in english.split(";") if rendering.strip()),
        kind=kind,
        is_of_the_field=folder == FIELD,
    )


@cache
def load() -> Lexicon:
    """Read once. Of two entries for one form the first keeps it: words of the field before everyday ones."""
    lexicon = Lexicon({}, {}, {}, {}, {}, {}, {})
    entries = [*read_entries(FIELD), *read_entries("general")]
    for entry in entries:
        add_verb_forms(lexicon, entry)
    for entry in entries:
        for form in entry.forms:
            add_form(lexicon, form, entry=entry)
    return lexicon


def add_verb_forms(lexicon: Lexicon, entry: Entry) -> None:
    if entry.kind != Kind.VERB:
        return
    for form in entry.forms:
        if " " in form:
            continue
        for conjugated in conjugate(fold(form)):
            lexicon.verbs.setdefault(conjugated, entry)
            lexicon.infinitives.setdefault(conjugated, fold(entry.forms[0]))


def add_form(lexicon: Lexicon, form: str, *, entry: Entry) -> None:
    words = split(form)
    keys = [lexicon.key(word) for word in words]
    if len(words) > 1:
        lexicon.phrases.setdefault(" ".join(keys), entry)
        lexicon.reach[keys[0]] = max(lexicon.reach.get(keys[0], 0), len(words))
        return
    lexicon.accented.setdefault(words[0].lower(), entry)
    lexicon.listed.setdefault(fold(words[0]), entry)
    lexicon.stems.setdefault(stem(fold(words[0])), entry)
