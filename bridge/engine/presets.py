"""MCP servers many want, each as an assistant's file would name it, with what has to be given."""

import json
from typing import Any, Literal

from msgspec import Struct

Language = Literal["en", "fr"]


class Words(Struct, frozen=True):
    en: str
    fr: str

    def speak(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en


class Value(Struct, frozen=True):
    """What stands as `${variable}` in the entry."""

    variable: str
    words: Words
    is_secret: bool = False


class Preset(Struct, frozen=True):
    """`entry`: of `mcpServers`, with `dazbox` for what those files have no words for."""

    name: str
    title: str
    words: Words
    entry: dict[str, Any]
    values: tuple[Value, ...] = ()

    @property
    def content(self) -> str:
        return json.dumps({"mcpServers": {self.name: self.entry}}, indent=2)


def _reference(package: str, *args: str) -> dict[str, Any]:
    """A reference server written for Node, which reserves more address space than it uses."""
    return {"command": "npx", "args": ["-y", package, *args], "dazbox": {"process": {"memory_mb": None}}}


PRESETS = (
    Preset(
        "dazbox",
        "Dazbox",
        Words(
            "Your own node: channels, reasons of fees, recommendations, questions, policies tried, actions proposed.",
            "Votre propre nœud : canaux, raisons des frais, recommandations, questions, politiques à l'essai, actions.",
        ),
        {"type": "builtin"},
    ),
    Preset(
        "home-assistant",
        "Home Assistant",
        Words(
            "Home Assistant's integration MCP Server, with a long-lived access token. It lies in your own network.",
            "L'intégration MCP Server de Home Assistant, avec un jeton longue durée. Elle est dans votre réseau.",
        ),
        {
            "type": "http",
            "url": "${HOME_ASSISTANT_URL}/api/mcp",
            "headers": {"Authorization": "Bearer ${HOME_ASSISTANT_TOKEN}"},
            "dazbox": {"is_trusted": True},
        },
        (
            Value(
                "HOME_ASSISTANT_URL",
                Words(
                    "its address, as in http://homeassistant.local:8123", "son adresse, http://homeassistant.local:8123"
                ),
            ),
            Value(
                "HOME_ASSISTANT_TOKEN",
                Words(
                    "a long-lived access token (profile, security)", "un jeton d'accès longue durée (profil, sécurité)"
                ),
                is_secret=True,
            ),
        ),
    ),
    Preset(
        "filesystem",
        "Filesystem",
        Words("Reads and writes files below one folder.", "Lit et écrit des fichiers sous un dossier."),
        _reference("@modelcontextprotocol/server-filesystem", "${FOLDER}"),
        (Value("FOLDER", Words("a folder of the gateway's machine", "un dossier de la machine de la passerelle")),),
    ),
    Preset(
        "memory",
        "Memory",
        Words("Keeps a graph of facts in a file.", "Garde un graphe de faits dans un fichier."),
        _reference("@modelcontextprotocol/server-memory") | {"env": {"MEMORY_FILE_PATH": "${MEMORY_FILE}"}},
        (Value("MEMORY_FILE", Words("the file it keeps them in", "le fichier où il les garde")),),
    ),
    Preset(
        "everything",
        "Everything",
        Words(
            "Shows every part of the protocol: for trying clients.",
            "Montre tout le protocole : pour essayer un client.",
        ),
        _reference("@modelcontextprotocol/server-everything"),
    ),
    Preset(
        "sequential-thinking",
        "Sequential Thinking",
        Words("Helps a model to think in steps.", "Aide un modèle à penser par étapes."),
        _reference("@modelcontextprotocol/server-sequential-thinking"),
    ),
    Preset(
        "fetch",
        "Fetch",
        Words("Reads web pages as Markdown.", "Lit des pages web en Markdown."),
        {"command": "uvx", "args": ["mcp-server-fetch"]},
    ),
    Preset(
        "git",
        "Git",
        Words("Reads and changes a Git repository.", "Lit et modifie un dépôt Git."),
        {"command": "uvx", "args": ["mcp-server-git", "--repository", "${REPOSITORY}"]},
        (Value("REPOSITORY", Words("the folder of the repository", "le dossier du dépôt")),),
    ),
    Preset(
        "time",
        "Time",
        Words("Tells the time in any zone.", "Donne l'heure de tout fuseau."),
        {"command": "uvx", "args": ["mcp-server-time", "--local-timezone", "${TIME_ZONE:-Etc/UTC}"]},
        (Value("TIME_ZONE", Words("yours, as in Europe/Paris; else UTC", "le vôtre, Europe/Paris ; sinon UTC")),),
    ),
)


def find_preset(name: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.name == name), None)
