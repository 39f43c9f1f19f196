"""Tables of cases as test parameters, named by their keys."""

from collections.abc import Mapping

import pytest


def cases(table: Mapping[str, object]) -> pytest.MarkDecorator:
    """The test gets each value in turn as `case`."""
    return pytest.mark.parametrize("case", table.values(), ids=table.keys())
