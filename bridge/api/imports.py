"""Assistants' files imported, and servers many want, ready to be."""

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from bridge.api.answer_contract import ImportAnswer, PresetAnswer, PresetList, PresetValue
from bridge.api.contract import ImportBody
from bridge.api.view import TAG, CatalogueView, OperatorView
from bridge.engine.presets import PRESETS, Preset
from bridge.manager.imports import import_servers
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, Language, choose_language, name_language
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of


class ImportView(OperatorView):
    @endpoint(
        "import_mcp_servers",
        summary="Import the MCP servers of an assistant's file",
        tag=TAG,
        body=ImportBody,
        answers={200: ImportAnswer},
        problems=(409,),
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """`mcp.json` of Claude Desktop and Code, VS Code, Cursor, Windsurf, LM Studio, Zed, Continue, Cline, Gemini CLI
        and opencode, as it is, comments included. A server whose file leaves a value to you is left out and told in
        `lacks`: send the file again with `values`.
        """
        body = read_body(request, ImportBody)
        done = import_servers(
            body.content,
            body.values,
            actor=principal_of(request).subject,
            replaces=body.replaces,
            is_trial=body.is_trial,
        )
        return answer(msgspec.convert(msgspec.to_builtins(done), ImportAnswer))


class PresetsView(CatalogueView):
    reads = frozenset()

    @endpoint(
        "list_mcp_presets",
        summary="MCP servers many want, ready to import",
        tag=TAG,
        answers={200: PresetList},
        parameters=[LANGUAGE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Home Assistant, files, web pages and more: send `content` to `import_mcp_servers` with its `values`."""
        language = choose_language(request)
        presets = PresetList([describe_preset(preset, language) for preset in PRESETS])
        return name_language(answer(presets), language)


def describe_preset(preset: Preset, language: Language) -> PresetAnswer:
    values = [PresetValue(value.variable, value.words.speak(language), value.is_secret) for value in preset.values]
    return PresetAnswer(preset.name, preset.title, preset.words.speak(language), preset.content, values)
