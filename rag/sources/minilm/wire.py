"""What client and served embedder say to each other: MessagePack, vectors as the bytes of little-endian numbers."""

from typing import Final, Self

import numpy as np
from msgspec import Struct, ValidationError

from rag.engine.embedding import Embedded, EmbeddingModel

MODEL: Final = EmbeddingModel(id="minilm-l6-v2", dimension=384, has_tokens=True)
MAX_TEXTS: Final = 16  # a request holds others up for a quarter of a second at most
MAX_BODY_BYTES: Final = 1 << 20
MEDIA_TYPE: Final = "application/msgpack"
KEY_HEADER: Final = "api-key"
_FLOAT, _INT = np.dtype("<f4"), np.dtype("<i4")


class EmbedRequest(Struct, frozen=True, forbid_unknown_fields=True):
    texts: list[str]
    with_tokens: bool = False


class PackedText(Struct, frozen=True):
    """`dense` float32 x dimension, `tokens` float32 x pieces x dimension, `pieces` int32."""

    dense: bytes
    tokens: bytes | None = None
    pieces: bytes | None = None

    @classmethod
    def pack(cls, one: Embedded) -> Self:
        tokens = None if one.tokens is None else one.tokens.astype(_FLOAT).tobytes()
        pieces = None if one.pieces is None else one.pieces.astype(_INT).tobytes()
        return cls(one.dense.astype(_FLOAT).tobytes(), tokens, pieces)

    def unpack(self, dimension: int) -> Embedded:
        """Raises ValidationError for vectors of another dimension."""
        if len(self.dense) != dimension * _FLOAT.itemsize:
            raise ValidationError(f"a vector has {len(self.dense)} bytes: {dimension} numbers are expected")
        dense = np.frombuffer(self.dense, _FLOAT)
        if self.tokens is None or self.pieces is None:
            return Embedded(dense)
        pieces = np.frombuffer(self.pieces, _INT)
        if len(self.tokens) != len(pieces) * len(self.dense):
            raise ValidationError("there is not one vector for each word piece")
        return Embedded(dense, np.frombuffer(self.tokens, _FLOAT).reshape(len(pieces), dimension), pieces)


class EmbedReply(Struct, frozen=True):
    model: EmbeddingModel
    embedded: list[PackedText]


class Refusal(Struct, frozen=True, omit_defaults=True):
    """`retry_after_s`: in so many seconds the same may work; 0: it says nothing of that."""

    error: str
    retry_after_s: float = 0.0
