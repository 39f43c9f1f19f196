"""Among all servers a resource is its own server's, whatever another calls its own."""

from bridge.gateway.offers import find_fit


def test_what_a_server_lists_as_a_resource_is_no_pattern_for_those_of_others() -> None:
    assert find_fit("resources/templates/list")("mail://{folder}/all", "mail://inbox/all")
    assert find_fit("resources/list")("mail://inbox", "mail://inbox")
    for greedy in ("{", "{uri}", "mail://{folder}"):
        assert not find_fit("resources/list")(greedy, "mail://inbox")
