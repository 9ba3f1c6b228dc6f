"""The items of resource files, one after the other, and where each of them stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.diagnostic import Diagnostic, Place
from reconciler.core.errors import InvalidInput
from reconciler.files.environment_file import ENVIRONMENT_FILE
from reconciler.files.revoked_file import REVOKED_FILE
from reconciler.files.suggestions import suggestion
from reconciler.files.yaml_positions import Item, places
from reconciler.files.yaml_reader import read_items
from reconciler.files.yaml_text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import _Hash as Hash
    from pathlib import Path

    from reconciler.files.yaml_positions import Locator

SUFFIXES = {".yaml", ".yml"}


class Source(NamedTuple):
    """Where an item stands; its text is read again when a place inside it is asked for."""

    text: str
    file: str
    item: Item

    @property
    def locate(self) -> Locator:
        return places(self.text, self.file, self.item)

    @property
    def short(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.item.line}"

    @property
    def place(self) -> Place:
        return Place(file=self.file, line=self.item.line, column=self.item.column)


def resource_files(folder: Path) -> Iterator[Path]:
    """Yield the resource files of a folder, sorted; a sub-folder with its own environment is not part of it."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == ENVIRONMENT_FILE:
            continue
        if path.is_dir() and not (path / ENVIRONMENT_FILE).exists():
            yield from resource_files(path)
        elif path.suffix in SUFFIXES and path.name != REVOKED_FILE:
            yield path


def items_of(
    path: Path, shown: str, checksum: Hash, diagnostics: list[Diagnostic]
) -> Iterator[Source]:
    """Yield the items of a file; what is wrong with it is in ``diagnostics`` once they have all been read."""
    try:
        data = path.read_bytes()
        checksum.update(data)
        text = decode(data, shown)
        del data
        for item in read_items(text, shown):
            if item.pointer[:1] == ("resources",) and len(item.pointer) == 2:
                yield Source(text, shown, item)
            elif not (item.pointer == ("resources",) and item.value is None):
                diagnostics.append(_stray(Source(text, shown, item)))
    except InvalidInput as error:
        diagnostics += error.diagnostics
    except OSError as error:
        diagnostics.append(
            Diagnostic(
                summary="A file cannot be read", detail=str(error.strerror), place=Place(file=shown)
            )
        )


def _stray(source: Source) -> Diagnostic:
    key = ".".join(str(part) for part in source.item.pointer)
    if key in {"", "resources"}:
        detail = "A file of resources holds one key, resources, with a list."
        return Diagnostic(summary="Not a list of resources", detail=detail, place=source.place)
    return Diagnostic(
        summary="Unknown key",
        detail=f"{key}: {suggestion(key, ['resources'])}",
        place=source.place,
    )
