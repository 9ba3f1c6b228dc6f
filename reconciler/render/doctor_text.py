"""What a look at everything found: a line for each thing, and what mends it on a line of its own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.examination import Standing
from reconciler.render.layout import WIDTH, Line, Span, Style, flowed, padded, painted, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.core.examination import Examined

_STYLES: Final = {
    Standing.OK: Style.ADDED,
    Standing.WARN: Style.CHANGED,
    Standing.FAIL: Style.ALARM,
    Standing.UNTRIED: Style.FAINT,
}
_MARKS: Final = {
    Standing.OK: "ok",
    Standing.WARN: "warn",
    Standing.FAIL: "FAIL",
    Standing.UNTRIED: "-",
}
_MARK_ROOM: Final = 6
_HANGING: Final = " " * (_MARK_ROOM + 2)
_MEND: Final = " " * (_MARK_ROOM + 4)


def doctor_text(
    environment: str,
    found: Sequence[Examined],
    *,
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """Return everything that was found, and how much of it is well. A mend is never broken."""
    lines: list[Line] = [(span(environment, Style.STRONG),), ()]
    for one in found:
        lines += _lines(one, width)
    lines += [(), (span(_summary(found)),)]
    return painted(lines, color=color)


def doctor_json(environment: str, found: Sequence[Examined], exit_code: int) -> dict[str, Any]:
    """Return everything that was found as a JSON document."""
    counts = Counter(one.standing for one in found)
    return {
        "environment": environment,
        "exit_code": exit_code,
        "summary": {str(standing): counts[standing] for standing in Standing},
        "checks": [one.model_dump(mode="json") for one in found],
    }


def _lines(one: Examined, width: int) -> Iterator[Line]:
    mark = Span(padded(_MARKS[one.standing], _MARK_ROOM), _STYLES[one.standing])
    yield from flowed(
        [span(one.subject, Style.STRONG), span(one.found)],
        width=width,
        lead=(mark,),
        hanging=_HANGING,
    )
    for line in one.mend.splitlines():
        yield Span(_MEND), span(line)


def _summary(found: Sequence[Examined]) -> str:
    counts = Counter(one.standing for one in found)
    warnings = "1 warning" if counts[Standing.WARN] == 1 else f"{counts[Standing.WARN]} warnings"
    words = [f"{counts[Standing.OK]} ok", warnings, f"{counts[Standing.FAIL]} failed"]
    if counts[Standing.UNTRIED]:
        words.append(f"{counts[Standing.UNTRIED]} not tried")
    return ", ".join(words)
