"""The settings that an editor sent, as the engine reads them at each start of a run.

Owns their order: what came with `initialize` counts before what the client's configuration says
(CONTRACT section 4). Never checks them: the settings' own room does, at each start.
"""

from collections.abc import Iterator, Mapping

from longshift.settings import merge_tables


class EditorSettings(Mapping[str, object]):
    """The editor's tables; replaced whole, so that a reader on another thread sees one of them."""

    def __init__(self, *, ignored: bool = False) -> None:
        """Begin with nothing set.

        Args:
            ignored: take nothing, ever: the editor itself does not trust where they come from.
        """
        self._ignored = ignored
        self._initial: Mapping[str, object] = {}
        self._configured: Mapping[str, object] = {}
        self._merged: Mapping[str, object] = {}

    def set_initial(self, tables: object) -> None:
        """Take `initializationOptions.settings`."""
        self._initial = tables if isinstance(tables, Mapping) else {}
        self._merge()

    def set_configured(self, tables: object) -> None:
        """Take the section `longshift` of the client's configuration."""
        self._configured = tables if isinstance(tables, Mapping) else {}
        self._merge()

    def __getitem__(self, name: str) -> object:
        """One table or value."""
        return self._merged[name]

    def __iter__(self) -> Iterator[str]:
        """The names that are set."""
        return iter(self._merged)

    def __len__(self) -> int:
        """How many names are set."""
        return len(self._merged)

    def _merge(self) -> None:
        if not self._ignored:
            self._merged = merge_tables(self._initial, self._configured)
