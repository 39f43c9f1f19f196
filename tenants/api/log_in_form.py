"""The admin's log-in form: the same door as `POST /auth/token`, with a field for the one-time code."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from mcp_saas.kit.errors import Problem
from tenants.tokens.operator import sign_in_operator


class OperatorLogInForm(AuthenticationForm):  # type: ignore[misc]
    otp = forms.RegexField(
        r"\A[0-9]{6}\Z",
        label="One-time code",
        required=False,
        help_text="six digits, if your account has a second factor",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if self.errors or not given.get("username") or not given.get("password"):
            return dict(given)
        try:
            self.user_cache = sign_in_operator(given["username"], given["password"], otp=given.get("otp") or None)
        except Problem as problem:
            raise ValidationError(problem.detail, code=problem.code) from None
        if self.user_cache is None:
            raise self.get_invalid_login_error()
        return dict(given)
