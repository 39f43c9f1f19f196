"""Is a question in a language that nobody here speaks? It is told so, rather than answered in a wrong one."""

import re
import unicodedata

from rag.engine.accents import strip_accents
from rag.engine.stop_words import STOP_WORDS

# Words that hold sentences together, but for those that are words in English or French too.
_SPANISH = """
como cual cuales cuando cuanto cuanta cuantos cuantas donde quien quienes porque el los las una unos unas del al y mi
mis tu sus su nuestro nuestra esta este esto estan eso hay soy es son ser para por con sin que puedo puede debo tengo
tiene hacer hago obtengo muy mas pero cuesta
"""
_PORTUGUESE = """
como qual quais quando quanto quanta quantos onde quem porque uma uns umas do da dos das no na nos nas meu minha meus
minhas seu sua isso isto esta para por com sem que posso pode devo tenho tem fazer muito mais mas nao sao
"""
_ITALIAN = """
come quale quali quando quanto quanta quanti dove chi perche il lo gli una uno del della dei delle nel nella mio mia
miei mie tuo suo questo questa sono essere con per senza che posso puo devo ho fare faccio molto piu ma cosa cos
canale
"""
_GERMAN = """
wie was wer wo wann warum wieso weshalb welche welcher welches wieviel viel viele ich du er sie es wir ihr mein meine
meinen meiner meinem dein deine unser der das dem den des ein eine einen einem einer ist sind bin hat habe haben
kann koennen konnen muss soll sollte wird werden nicht kein keine und oder aber auf aus bei mit nach von vor zu zum zur
fur fuer uber ueber bekomme bekommen geht gibt kanal
"""
_DUTCH = """
hoe wat wie waar wanneer waarom welke hoeveel ik jij je hij zij wij mijn jouw zijn het een voor naar niet geen
en maar ook bij uit op kan kunnen moet heb heeft hebben wordt worden deze dit krijg kanaal
"""
_FOREIGN = tuple(frozenset(words.split()) for words in (_SPANISH, _PORTUGUESE, _ITALIAN, _GERMAN, _DUTCH))
_WORD = re.compile(r"[^\W\d_]+")
_SPANISH_SIGNS = re.compile("[\u00bf\u00a1]")
_LATIN_SHARE = 0.5  # of the letters


def is_understood(text: str) -> bool:
    """False where more of the little words are another language's than English or French ones, or most letters are of
    another alphabet. A text that does not tell is taken as understood.
    """
    if _SPANISH_SIGNS.search(text):
        return False
    letters = [character for character in text if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    if letters and latin < _LATIN_SHARE * len(letters):
        return False
    words = [strip_accents(word) for word in _WORD.findall(text.lower())]
    ours = max(sum(word in STOP_WORDS[language] for word in words) for language in ("en", "fr"))
    return max(sum(word in foreign for word in words) for foreign in _FOREIGN) <= ours
