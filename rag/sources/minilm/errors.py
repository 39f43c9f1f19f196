"""What goes wrong with a model on this machine."""

from typing import Final

from rag.engine.embedding import EmbedderError

PENDING_S: Final = 10.0  # about how long the model takes to be made, on a machine with nothing else to do


class ModelError(EmbedderError):
    """The local model cannot be had; the words say what to do. Trying again changes nothing."""

    def __init__(self, words: str) -> None:
        super().__init__(words, is_temporary=False)


class ModelPendingError(EmbedderError):
    """It is being made, once a machine."""

    def __init__(self) -> None:
        words = "The local model is being made, once on this machine: try again in a moment"
        super().__init__(words, is_temporary=True, retry_after_s=PENDING_S)
