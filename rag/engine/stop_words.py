"""Words that say nothing about what a text is about, folded as `tokenise.fold` does. Text and question lose them."""

from typing import Final, Literal

_ENGLISH = """
a about after again all also am an and any are as at be because been before being between both but by can could did do
does doing don down during each few for from further get had has have having he her here hers him his how i if in into
is it its itself just let many me more most much must my no nor not of off on once only or other our ours out over own
same shall she should so some such t than that the their theirs them then there these they this those through to too
under until up us very was we were what when where which while who whom why will with would you your yours s re ve ll d
"""
_FRENCH = """
a ai ainsi alors apres as au aucun aucune aussi autre autres aux avait avant avec avez avoir avons c ce ceci cela ces
cet cette ceux chaque ci comme comment d dans de depuis des deux doit donc dont du elle elles en encore entre es est et
etait etant ete etre eux fait faire faut font il ils j je jusqu l la le les leur leurs lorsqu lui m ma mais me meme
memes mes moi moins mon n ne ni non nos notre nous on ont ou par pas peu peut peuvent plus plusieurs pour pourquoi puis
puisqu qu quand que quel quelle quelles quels qui quoi s sa sans se selon sera ses si soit son sont sous sur t ta te tes
toi ton tous tout toute toutes tres tu un une vers vos votre vous y
"""
STOP_WORDS: Final[dict[Literal["en", "fr"], frozenset[str]]] = {
    "en": frozenset(_ENGLISH.split()),
    "fr": frozenset(_FRENCH.split()),
}
