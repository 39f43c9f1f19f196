"""A second process that makes and checks access tokens: `mint` answers a token, `check TOKEN` answers yes or no."""

import sys

import django


def main() -> None:
    django.setup()
    import tenants.keys

    tenants.keys.REREAD_S = float(sys.argv[1])
    for line in sys.stdin:
        print(answer(line.split()), flush=True)


def answer(words: list[str]) -> str:
    from rest_framework_simplejwt.exceptions import TokenError

    from tenants.tokens.access import mint_access_token, verify_access_token

    if words == ["mint"]:
        return mint_access_token(subject="load", scopes=["read"], tenant_id=None)
    try:
        verify_access_token(words[1].encode())
    except TokenError:
        return "no"
    return "yes"


if __name__ == "__main__":
    main()
