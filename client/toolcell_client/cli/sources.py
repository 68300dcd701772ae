"""
`toolcell tools reload` and `toolcell tools upload`: code that comes to a server that runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli import signing
from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

SCOPES = ("global", "principal", "session")
HEADINGS = ("BUNDLE", "RELOADED", "AS BEFORE", "REASON")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommands and their flags.
    """
    reloading = commands.add_parser("reload", parents=[common], help="load bundles again")
    reloading.set_defaults(run=run_reload)
    reloading.add_argument("bundle", nargs="?", default="", help="only this one")
    uploading = commands.add_parser("upload", parents=[common], help="register tools of your code")
    uploading.set_defaults(run=run_upload)
    uploading.add_argument("file", metavar="FILE", help=".py, .zip or .whl")
    uploading.add_argument("--sign", default="", metavar="KEY", help="private key, Ed25519 in PEM")
    uploading.add_argument(
        "--entry", default="", metavar="MODULE:NAME", help="only this callable (default: all tools)"
    )
    uploading.add_argument("--manifest", default="", metavar="FILE", help="of the entry; .json")
    uploading.add_argument("--scope", default="", choices=SCOPES, help="for whom")
    uploading.add_argument("--replace", action="store_true", help="what is registered already")


def run_reload(client: Client, options: Any) -> Exit:
    """
    Exits as a tool that failed if a bundle, or one of its tools, is served as before.

    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    bundles = client.registry.reload(options.bundle)
    if for_people(options):
        rows = [
            (b.bundle, "yes" if b.reloaded else "no", ", ".join(b.outdated_tools), b.reason)
            for b in bundles
        ]
        print_table(HEADINGS, rows)
    else:
        print_json([to_plain(bundle) for bundle in bundles])
    whole = all(bundle.reloaded and not bundle.outdated_tools for bundle in bundles)
    return Exit.OK if whole else Exit.TOOL_FAILED


def run_upload(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file, the key or the manifest cannot be used.
    """
    content = _read(options.file)
    signed = signing.signature(content, options.sign) if options.sign else b""
    manifest = _manifest(options.manifest)
    stored = client.registry.upload(content, Path(options.file).name, signed)
    upload = {"sha256": stored.sha256, "entry": options.entry}
    (answer,) = client.registry.register(
        [{**manifest, "upload": upload}], scope=options.scope, replace=options.replace
    )
    if for_people(options):
        signer = f"signed by {stored.signed_by}" if stored.signed_by else "not signed"
        lines = [f"{tool.name} {tool.version}" for tool in answer.tools]
        print_text("\n".join([f"{stored.sha256} ({signer})", *lines]))
    else:
        tools = [to_plain(tool) for tool in answer.tools]
        print_json({**to_plain(stored), "tools": tools})
    return Exit.OK


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as exc:
        raise UsageError(f"{file} cannot be read: {exc.strerror}") from None


def _manifest(file: str) -> dict[str, Any]:
    if not file:
        return {}
    try:
        value = json.loads(_read(file))
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{file} is no JSON: {exc}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{file} holds no JSON object")
    return value
