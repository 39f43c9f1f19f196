"""What a spreadsheet would take for a formula is text."""

import pytest

from mcp_saas.kit.csv_text import write_rows


@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20")
def test_a_name_that_begins_like_a_formula_is_text_in_full_width_too(sign: str) -> None:
    assert write_rows([[f"{sign}1", 1]]) == f"'{sign}1,1\r\n"
