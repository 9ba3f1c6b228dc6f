"""The last line of defence: a file in which a secret value stands is not written.

Nothing should ever get this far. Texts for people are masked before, and secret fields hold references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.masking import Masker

_AROUND = 100
"""Characters before a value that are shown to tell where it stands."""


class Guard:
    """Knows the values of this process, and which of them are no secrets after all.

    ``is_open`` tells of a form whether it stands in the user's own files in plain: the id of an account that is pinned
    there and also kept as a secret variable. A value that reads as words may stand anywhere by chance, and is let
    through, too: ``production``. What is printed is masked all the same.
    """

    def __init__(self, masker: Masker, is_open: Callable[[str], bool] = lambda _: False) -> None:
        self.masker = masker
        self._is_open = is_open

    def check(self, path: Path, text: str) -> None:
        """Raise Refused when ``text``, which is to be written to ``path``, holds a secret value."""
        judged: dict[str, bool] = {}
        for start, _, form in self.masker.betrayals(text):
            if form not in judged:
                judged[form] = self._is_open(form)
            if not judged[form]:
                before = self.masker.mask(text[max(0, start - _AROUND) : start])
                raise Refused(
                    f"A secret value stands in what was to be written to {self.masker.mask(path.name)}",
                    detail=f"That file was not written. The value comes after: {before}\n"
                    "Perhaps somebody put the value where it is no secret, such as a plain variable or a description.",
                    mend="take it out there and change the secret, or make that field a ${secret:…} reference",
                )


def stands_in(folder: Path, form: str) -> bool:
    """Tell whether ``form`` stands in a YAML file below ``folder``."""
    return any(
        form in path.read_text(encoding="utf-8", errors="replace")
        for path in folder.rglob("*.y*ml")
        if path.is_file()
    )
