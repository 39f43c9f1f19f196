"""What goes wrong with a model on this machine."""

from rag.engine.embedding import EmbedderError


class ModelError(EmbedderError):
    """The local model cannot be had; the words say what to do. Trying again changes nothing."""

    def __init__(self, words: str) -> None:
        super().__init__(words, is_temporary=False)
