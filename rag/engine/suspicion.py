"""Texts that speak to the assistant instead of the reader: instructions in documents, names and answers of tools.

A list of patterns catches what is written plainly and nothing else. It is the second line: the first is that no text
found anywhere can decide, act or call, and that a model's words are checked against their evidence afterwards.
"""

import re
import unicodedata

from rag.engine.plain import drop_unseen, make_plain

# Letters of other alphabets that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u0261\u04bb\u03ba\u03bd\u03bf\u03c4\u03b9\u03c1",
    "aeopcyxijsdghkvotip",
)
_ORDERS = (
    r"(?:instructions?|consignes?|directives?|prompts?|guidelines?|guardrails?"
    r"|(?:previous|prior|earlier|above|your) (?:rules?|messages?)"
    r"|(?:regles?|messages?) (?:precedente?s?|ci-dessus|anterieure?s?))"
)
_SECRETS = (
    r"(?:system prompt|prompts?|instructions|consignes|macaroons?|runes?|seed(?: phrase)?|mnemonic|private keys?"
    r"|api keys?"
    r"|secrets?|passwords?|environment variables?|env(?:ironment)? vars?|credentials?|tokens?|invite systeme"
    r"|cles? (?:privees?|api|secretes?)|graine|phrase de recuperation|mots? de passe|variables? d.environnement|jetons?"
    r"|identifiants)"
)
_TELL = (
    r"(?:append|include|add|insert|reveal|print|output|disclose|leak|exfiltrate|repeat|recite|show|list|send|copy|dump"
    r"|ajoute[rz]?|inclu(?:s|re|ez)|insere[rz]?|revele[rz]?|affiche[rz]?|imprime[rz]?|divulgue[rz]?|repete[rz]?"
    r"|recopie[rz]?|montre[rz]?|liste[rz]?|envoie[rz]?|envoyer|envoyez|transmet(?:s|tez|tre)?|donne[rz]?)"
)
_ANSWER = r"(?:answers?|reply|replies|responses?|outputs?|summary|reponses?|resumes?|sortie)"
_BOT = (
    r"(?:language model|llm|chat ?bot|ai assistant|ai agent|virtual assistant|modele de langage|assistant (?:ia"
    r"|virtuel)"
    r"|agent ia|intelligence artificielle)"
)
_SPEECH = tuple(
    re.compile(pattern)
    for pattern in (
        # orders that undo orders
        (
            rf"\b(?:ignor(?:e|es|er|ez|ing)|disregard|forget|override|bypass|oubli(?:e|es|er|ez)|outrepasse[rz]?"
            rf"|contourne[rz]?"
            rf"|abstraction|pas compte|supersedes?|remplacent|annulent?)\b.{{0,60}}\b{_ORDERS}\b"
        ),
        r"\b(?:new|updated|nouvelles?) (?:system )?(?:instructions?|consignes?|directives?)\b",
        # a change of roles
        (
            r"^\W*(?:system|systeme|assistant|developer|developpeur|tool|outil|user|utilisateur)(?: (?:message"
            r"|prompt|note))?"
            r"\s?[\]:>|]"
        ),
        r"<\|?(?:im_start|im_end|system|assistant|endoftext)|\[/?inst\]|<</?sys|#{2,} ?(?:instruction|system|response)",
        (
            r"\b(?:you are now (?:an?|the|in|free|acting|dan)\b|you are no longer|from now on,? you"
            r"|pretend (?:to be|that you|you)"
            r"|tu es (?:maintenant|desormais)|vous etes (?:maintenant|desormais)|fai(?:s|tes) semblant|comporte[- ]?toi"
            r"|comportez[- ]vous|agis(?:sez)? comme|god mode|jailbreak)"
        ),
        (
            rf"\b(?:dear |cher |chere )?{_BOT}s?\b.{{0,80}}\b(?:must|should|please|shall|doi(?:s|t|vent)|devez|merci"
            rf"|you|vous|tu)\b"
        ),
        rf"\b(?:as an?|en tant qu[e ]?.?) {_BOT}",
        (
            r"\b(?:note|message|attention|instruction)s? (?:to|for|pour|a|aux?) (?:the |l.|les |all )?(?:ai|ia"
            r"|assistants?|models?"
            r"|modeles?|bots?|llms?)\b"
        ),
        # orders about the answer
        rf"\b(?:in|into|to|of|with|dans|a|de) (?:your|every|each|the final|ta|tes|votre|vos|chaque) {_ANSWER}\b",
        rf"\b(?:your|ta|votre) {_ANSWER} (?:must|should|shall|doit|devra)\b",
        (
            r"\b(?:before you answer|before answering|when (?:you are |you're )?asked|whenever (?:you are )?asked"
            r"|if (?:you are |the user |the owner |someone )?asks?(?:ed)?|avant de repondre"
            r"|(?:lorsqu|quand|si).{0,3}(?:on|l.utilisateur|le proprietaire) (?:te |vous )?(?:demande|interroge"
            r"|pose))\b"
        ),
        (
            r"\b(?:always|only) (?:answer|reply|say|recommend|state)\b|\byou (?:must|should|shall) (?:answer"
            r"|recommend|say|reply)\b"
        ),
        r"\b(?:repond(?:s|ez)|recommande[rz]?|di(?:s|tes)) (?:toujours|uniquement|seulement|systematiquement)\b",
        r"\b(?:tu dois|vous devez) (?:repondre|recommander|dire|afficher)\b",
        # secrets, tools, other tenants, silence
        rf"(?<!not )(?<!never )(?<!n't )\b{_TELL}\b.{{0,40}}\b(?:system prompt|invite systeme)\b",
        (
            rf"(?<!not )(?<!never )(?<!n't )\b{_TELL}\b.{{0,80}}\b(?:system prompt|invite systeme|(?:all|every"
            rf"|the|your|tes|vos|les"
            rf"|ton|votre|le|la|toutes? les?|admin|contents? of).{{0,30}}\b{_SECRETS}).{{0,60}}\b(?:answer|reply"
            rf"|response|reponse"
            rf"|here|now|ici|maintenant|user|utilisateur|verbatim|mot pour mot|prompt|instructions|consignes|systeme)\b"
        ),
        r"\b(?:call|invoke|use|trigger|run|execute) (?:the |this |your )?(?:tools?|plugins?|mcp|function call)\b",
        (
            r"\b(?:appelle[rz]?|utilise[rz]?|invoque[rz]?|execute[rz]?|lance[rz]?) (?:l.|les? |cet |ton "
            r"|votre )?(?:outils?|plugins?"
            r"|mcp)\b"
        ),
        r"\btool_calls?\b|\bfunction_call\b|\bto=functions\b|\"arguments\"\s*:\s*[{\"]",
        (
            rf"\b{_TELL}\b.{{0,60}}\b(?:(?:other|another|all|every|autres?|tous les|d.un autre) (?:tenants?"
            rf"|locataires?|boxes"
            r"|dazbox(?:es)?|boitiers?|customers?|clients?)|tenant [a-z]?-?\d+|locataire [a-z]?-?\d+)"
        ),
        (
            r"\b(?:do not|don't|never|without) (?:tell|mention|inform|warn|telling|mentioning|informing"
            r"|reveal this)\w*\b.{0,30}"
            r"\b(?:user|owner|operator|anyone|anybody)\b"
        ),
        (
            r"\bne (?:dis|dites|mentionne[rz]?|previens|prevenez|informe[rz]?)\b.{0,20}\b(?:pas|rien|jamais)\b"
            r".{0,40}\b(?:utilisateur|proprietaire|personne|operateur)\b"
        ),
        (
            r"\bthe (?:operator|owner|admin(?:istrator)?|user) has (?:already )?(?:approved|authori[sz]ed"
            r"|confirmed) (?:the )?"
            r"(?:automatic|all|every|this request|you)\b"
        ),
        (
            r"\bl.(?:operateur|administrateur|utilisateur) a (?:deja )?(?:approuve|autorise|valide"
            r"|confirme) (?:la fermeture"
            r"|l.envoi|toutes?|tous|cette demande)\b"
        ),
    )
)
# No pattern above fits where none of these stands: most texts are told by one look.
_TRIGGER = re.compile(
    r"instruction|consigne|directive|prompt|guideline|guardrail|rule|regle|message|system|assistant|develop|tool"
    r"|outil|user"
    r"|utilisateur|im_|endof|inst\]|sys|you are|you must|you sh|from now|pretend|tu es|vous etes|fai[st]"
    r"|comporte|agis|god m"
    r"|jailb|model|chat|llm|ai agent|agent ia|intellig|answer|repl|respon|repon|output|summary|resume|sortie"
    r"|asked|ask|demande"
    r"|interroge|always|only|recommand|di[st]|dois|devez|call|plugin|mcp|function|argument|tenant|locataire|box"
    r"|boitier|custom"
    r"|client|tell|mention|inform|warn|previen|prevenez|operat|owner|admin|propriet"
)
_SPACED = re.compile(r"\b(?:\w[ ._-]){5,}\w\b")


def speaks_to_assistant(text: str) -> bool:
    """Whether some part of it is an instruction to whoever answers."""
    folded = fold(text)
    joined = _SPACED.sub(lambda found: re.sub(r"[ ._-]", "", found[0]), folded)
    forms = {folded, joined, fold(make_plain(text)) if "<" in text or "&" in text or "[" in text else folded}
    return any(speech.search(form) for form in forms if _TRIGGER.search(form) for speech in _SPEECH)


def fold(text: str) -> str:
    """Lower case without accents, compatible forms and look-alikes made one; in one line."""
    lowered = unicodedata.normalize("NFKC", drop_unseen(text)).lower().translate(_LOOKALIKES)
    bare = "".join(one for one in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(one))
    return " ".join(bare.replace("\u2019", "'").split())
