"""BERT as an ONNX graph, written by hand from the weights: what exporting it with torch would give, without torch.

Devlin et al. 2018 (BERT) with the sizes of Wang et al. 2020 (MiniLM): 6 layers of 12 heads, 384 wide, erf GELU.
Input `ids` (int64, texts x pieces), texts of one length, since padding is not masked; output `states` (float32,
texts x pieces x 384), not pooled.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
LAYERS: Final = 6
HEADS: Final = 12
WIDTH: Final = 384
OPSET: Final = 20  # the first with Gelu
IR_VERSION: Final = 10
_EPSILON: Final = 1e-12


def build_graph(weights: Weights) -> onnx.ModelProto:
    """
    1. Word, position and type vectors are added and normalised.
    2. Each layer: attention, added and normalised; feed-forward, added and normalised.
    """
    bert = _Bert(weights)
    states = bert.look_up("embeddings")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        states = bert.add_and_norm(f"{name}.attention.output", bert.attend(f"{name}.attention", states), states)
        states = bert.add_and_norm(f"{name}.output", bert.feed_forward(name, states), states)
    return bert.finish(states)


class _Graph:
    """Nodes and constants as they come; every value has a name of its own."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, *, transposed: bool = False) -> str:
        array = self.weights[name].T if transposed else self.weights[name]
        return self._keep(name, array)

    def constant(self, values: Sequence[int]) -> str:
        return self._keep(f"int_{'_'.join(map(str, values))}", np.asarray(values, np.int64))

    def scalar(self, value: float) -> str:
        return self._keep(f"float_{value}", np.asarray(value, np.float32))

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def finish(self, states: str) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Identity", [states], ["states"]))
        shape = ["texts", "pieces"]
        graph = helper.make_graph(
            self.nodes,
            "minilm",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, shape)],
            [helper.make_tensor_value_info("states", TensorProto.FLOAT, [*shape, WIDTH])],
            list(self.constants.values()),
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class _Bert(_Graph):
    """The parts of a layer, each by the name of its weights."""

    def look_up(self, name: str) -> str:
        words = self.op("Gather", self.weight(f"{name}.word_embeddings.weight"), "ids")
        zero, one, length = self.constant([0]), self.constant([1]), self.op("Shape", "ids", start=1, end=2)
        positions = self.op("Slice", self.weight(f"{name}.position_embeddings.weight"), zero, length, zero)
        first_type = self.op("Slice", self.weight(f"{name}.token_type_embeddings.weight"), zero, one, zero)
        return self.add_and_norm(name, self.op("Add", words, positions), first_type)

    def attend(self, name: str, states: str) -> str:
        query, key, value = (self.heads(f"{name}.self.{part}", states) for part in ("query", "key", "value"))
        scores = self.op("MatMul", query, self.op("Transpose", key, perm=[0, 1, 3, 2]))
        shares = self.op("Softmax", self.op("Mul", scores, self.scalar((WIDTH / HEADS) ** -0.5)), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self.linear(f"{name}.output.dense", self.op("Reshape", mixed, self.constant([0, 0, WIDTH])))

    def heads(self, name: str, states: str) -> str:
        """(texts, heads, pieces, width of a head)."""
        split = self.op("Reshape", self.linear(name, states), self.constant([0, 0, HEADS, WIDTH // HEADS]))
        return self.op("Transpose", split, perm=[0, 2, 1, 3])

    def feed_forward(self, name: str, states: str) -> str:
        inner = self.op("Gelu", self.linear(f"{name}.intermediate.dense", states))
        return self.linear(f"{name}.output.dense", inner)

    def linear(self, name: str, states: str) -> str:
        product = self.op("MatMul", states, self.weight(f"{name}.weight", transposed=True))
        return self.op("Add", product, self.weight(f"{name}.bias"))

    def add_and_norm(self, name: str, states: str, residual: str) -> str:
        added = self.op("Add", states, residual)
        scale, shift = self.weight(f"{name}.LayerNorm.weight"), self.weight(f"{name}.LayerNorm.bias")
        return self.op("LayerNormalization", added, scale, shift, axis=-1, epsilon=_EPSILON)
