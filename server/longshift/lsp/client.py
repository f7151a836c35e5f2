"""What the client on the other side can do, read once from its capabilities.

Owns the questions, so that no feature digs in capabilities. Every step of a review works without
any of these: what is missing here costs comfort only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lsprotocol import types
from pygls.capabilities import get_capability

MOST_NAME: Final = 100
"""Characters of a client's own name that are kept."""


@dataclass(frozen=True, slots=True)
class Client:
    """What one client can do.

    Attributes:
        name: as it calls itself.
        encoding: of positions, as agreed: `utf-8`, `utf-16` or `utf-32`.
        applies_edits: it can be asked to edit (`workspace/applyEdit`).
        versions: it takes `documentChanges`, and so refuses an edit of an older text.
        operations: file operations that it can carry out; none without `documentChanges`.
        action_literals: it takes code actions; otherwise commands only.
        resolves_edits: it asks for a code action's edit when the person picks the action.
        takes_disabled: it knows disabled code actions.
        refreshes_lenses: it can be asked to ask again for code lenses.
        versioned_diagnostics: diagnostics may carry the version that they speak of.
        pulls_diagnostics: it asks for diagnostics, and asks again when it is told to; a client that
            can't be told would learn of a finding only at its next keystroke, and is told instead.
        related_information: it shows the further places of a diagnostic.
        diagnostic_tags: the tags of diagnostics that it knows.
        asks: it can put a question with options to the person.
        shows_documents: it can be asked to show a document.
        virtual_documents: it reads `longshift:` documents (`workspace/textDocumentContent`).
        configuration: it can be asked for its settings.
        run_updates: it asked for `longshift/runDidChange`.
        background: it asked for an engine that outlives it (`background: true`).
        restricted: it holds the workspace restricted (`workspaceTrusted: false`).
    """

    name: str = "an editor"
    encoding: str = "utf-16"
    applies_edits: bool = False
    versions: bool = False
    operations: frozenset[str] = frozenset()
    action_literals: bool = False
    resolves_edits: bool = False
    takes_disabled: bool = False
    refreshes_lenses: bool = False
    versioned_diagnostics: bool = False
    pulls_diagnostics: bool = False
    related_information: bool = False
    diagnostic_tags: frozenset[types.DiagnosticTag] = frozenset()
    asks: bool = False
    shows_documents: bool = False
    virtual_documents: bool = False
    configuration: bool = False
    run_updates: bool = False
    background: bool = False
    restricted: bool = False

    @classmethod
    def of(
        cls,
        capabilities: types.ClientCapabilities,
        encoding: str | None,
        options: object,
        name: str = "",
    ) -> "Client":
        """Read a client's capabilities, its `initializationOptions` and its own name."""

        def can(path: str) -> Any:  # noqa: ANN401 - whatever the client sent there
            return get_capability(capabilities, path)

        versions = bool(can("workspace.workspace_edit.document_changes"))
        operations = can("workspace.workspace_edit.resource_operations") or ()
        resolved = can("text_document.code_action.resolve_support.properties") or ()
        # What a client shows of a diagnostic it may say at either way that they come.
        ways = ("text_document.publish_diagnostics", "text_document.diagnostic")
        pulled = can("text_document.diagnostic") is not None
        refreshed = bool(can("workspace.diagnostics.refresh_support"))
        known_tags = [one for way in ways for one in can(f"{way}.tag_support.value_set") or ()]
        wants = options if isinstance(options, Mapping) else {}
        return cls(
            name=name[:MOST_NAME] or "an editor",
            encoding=str(getattr(encoding, "value", encoding) or "utf-16"),
            applies_edits=bool(can("workspace.apply_edit")),
            versions=versions,
            operations=frozenset(map(_word, operations)) if versions else frozenset(),
            action_literals=can("text_document.code_action.code_action_literal_support")
            is not None,
            resolves_edits="edit" in resolved
            and bool(can("text_document.code_action.data_support")),
            takes_disabled=bool(can("text_document.code_action.disabled_support")),
            refreshes_lenses=bool(can("workspace.code_lens.refresh_support")),
            versioned_diagnostics=bool(can("text_document.publish_diagnostics.version_support")),
            pulls_diagnostics=pulled and refreshed,
            related_information=any(can(f"{way}.related_information") for way in ways),
            diagnostic_tags=frozenset(known_tags),
            asks=can("window.show_message") is not None,
            shows_documents=bool(can("window.show_document.support")),
            virtual_documents=can("workspace.text_document_content") is not None,
            configuration=bool(can("workspace.configuration")),
            run_updates=wants.get("runUpdates") is True,
            background=wants.get("background") is True,
            # Whatever is neither true nor left out: in doubt, nothing runs.
            restricted=not any(wants.get("workspaceTrusted") is one for one in (True, None)),
        )


def _word(operation: object) -> str:
    return str(getattr(operation, "value", operation))
