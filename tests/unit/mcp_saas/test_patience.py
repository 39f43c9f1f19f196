"""One end for all that is waited for."""

from mcp_saas.kit.patience import left_s, within


def test_what_is_inside_ends_with_what_is_around_it() -> None:
    assert left_s(20) == 20
    with within(5):
        assert 4 < left_s(20) <= 5
        assert left_s(1) == 1
        with within(60):
            assert left_s(20) <= 5
        with within(0):
            assert left_s(20) == 0
    assert left_s(20) == 20
