"""Runes are checked as Core Lightning checks them. The runes are the published test vectors (secret: 16 zero bytes)."""

import pytest

from nodes.simulator.rune import RuneError, check_rune, make_rune

SECRET = bytes(16)
EMPTY = "N0cI__dxndWXnsh11WzSKG9tPPfsMXo7JWMqqyjsN7s="
MISSING = "ZKkmtxhdfPmOEKB9_E6D0qgmiW69sRKslkVm-i1QtGRmMSE="  # f1!
EQUAL = "dFxuOc1B7p-DiK-K2IK65O5Oj2s3P3aCzGTYV0VR-l9mMT12MQ=="  # f1=v1
EITHER_AND = "Ht9AaOKwseTgdeZnUcLT9cn8RRXRFPh15txuPmcE76lmMT0xfGYyPTMmZjN-djE="  # f1=1|f2=3&f3~v1


def is_allowed(rune: str, values: dict[str, str]) -> bool:
    check_rune(rune, secret=SECRET, values=values)
    return True


@pytest.mark.parametrize(
    ("restrictions", "rune"),
    [
        ([], EMPTY),
        (["=1"], "YDVzGiy7Aiy-tnZFqg-KJmU9jMRU4OCH1NGdKCuNpL09MQ=="),
        (["=2-1"], "RSB3NAfJZYZGMm_f_mhf-8PIY5oIDa5DELNxgwogXPE9Mi0x"),
        (["f1!"], MISSING),
        (["f1=v1"], EQUAL),
        (["f1=1|f2=3", "f3~v1"], EITHER_AND),
    ],
)
def test_a_rune_is_made_as_the_published_vectors_are(restrictions: list[str], rune: str) -> None:
    assert make_rune(SECRET, restrictions) == rune


@pytest.mark.parametrize(
    ("rune", "values"),
    [
        (EMPTY, {}),
        (EMPTY.rstrip("="), {"f1": "1"}),
        (MISSING, {"f2": "f1"}),
        (EQUAL, {"f1": "v1"}),
        (EITHER_AND, {"f2": "3", "f3": "v1x"}),
        ("jB9sfDm63F3qhQGSoKTG6d2WvzPUEK3FoI_DdbIqGlJmMX0xMQ==", {"f1": "111"}),  # f1}11
        ("-XdttU-1TI3WryCmWg8hCnUqDuTRsKDn_Z1-9lr3b4RmMTwx", {"f1": "-10000"}),  # f1<1
        ("dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMSMxMQ==", {}),  # f1#11, a comment
    ],
)
def test_a_call_within_the_restrictions_is_allowed(rune: str, values: dict[str, str]) -> None:
    assert is_allowed(rune, values)


@pytest.mark.parametrize(
    ("rune", "values", "reason"),
    [
        (MISSING, {"f1": "1"}, "f1 is present"),
        (EQUAL, {}, "f1 not present"),
        (EQUAL, {"f1": "v1a"}, "f1 is not equal to v1"),
        (EITHER_AND, {"f1": "2", "f3": "v1"}, "f1 is not equal to 1 AND f2 not present"),
        (EITHER_AND, {"f1": "1", "f2": "3"}, "f3 not present"),
        ("yv9SztuSQdwArqfO_CuJsKdEWxpONMSKWiuR0v520x9mMTx2MQ==", {"f1": "1"}, "f1 is not less than v1"),
        ("uWU60Nytfl7Rg_mM3X5has0HqYzGahB6Z2JikL8AAjZmMXsxMQ==", {"f1": "v1"}, "f1 does not sort before 11"),
        (make_rune(SECRET, ["method/getinfo"]), {"method": "getinfo"}, "method is equal to getinfo"),
    ],
)
def test_a_call_outside_of_the_restrictions_is_told_why(rune: str, values: dict[str, str], reason: str) -> None:
    with pytest.raises(RuneError) as caught:
        check_rune(rune, secret=SECRET, values=values)
    assert str(caught.value) == f"Not permitted: {reason}"
    assert caught.value.is_derived


@pytest.mark.parametrize(
    "rune",
    [
        "dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw5mMSMxMQ==",  # another hash
        "dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMSMxMSZhPTE=",  # a restriction more, the hash of before
        "YDVzGiy7Aiy-tnZFqg-KJmU9jMRU4OCH1NGdKCuNpL0hMQ==",  # unique id with !
        "emOilm045v7YklbUpumDpoE78ITU_Gwguc2u8ksj-n49MS0yJj0z",  # a second unique id
        "dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMV8xMQ==",  # _ is no condition
        "dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMSYxMQ==",  # f1 without a condition
        "",
        "short",
        "no base64!",
        "é",
    ],
)
def test_what_was_not_derived_from_the_secret_is_no_rune(rune: str) -> None:
    with pytest.raises(RuneError, match=r"^Not authorized: ") as caught:
        check_rune(rune, secret=SECRET, values={})
    assert not caught.value.is_derived


def test_a_value_may_hold_the_separators_behind_a_backslash() -> None:
    rune = make_rune(SECRET, [r"f1=\|\&\\"])
    assert is_allowed(rune, {"f1": "|&\\"})
