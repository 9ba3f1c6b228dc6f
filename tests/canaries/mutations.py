"""Steps of masking that can be taken out of a process, one at a time. Each is a function that takes one out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing(*_: Any, **__: Any) -> tuple[str, ...]:
    return ()


def _same(value: Any, *_: Any, **__: Any) -> Any:
    return value


def _without_form(name: str) -> Callable[[], None]:
    def mutate() -> None:
        from reconciler.core import encodings

        vars(encodings)[name] = _nothing

    return mutate


def _no_lines() -> None:
    from reconciler.core import encodings

    vars(encodings)["parts"] = lambda value: (value,)
    original = encodings.encodings
    vars(encodings)["encodings"] = lambda value: (
        form for form in original(value) if form not in value.splitlines() or form == value
    )


def _no_rendered_forms() -> None:
    from reconciler.cli.streams import MASKER

    MASKER._also = _nothing  # noqa: SLF001


def _unmasked_streams() -> None:
    from reconciler.cli import main

    vars(main)["masked_streams"] = lambda *_, **__: nullcontext()


def _unheld_pieces() -> None:
    from reconciler.cli.streams import MaskedStream

    def write(self: MaskedStream, text: str) -> int:
        self._write(text)
        return len(text)

    type.__setattr__(MaskedStream, "write", write)


def _raw_bytes() -> None:
    from reconciler.cli.streams import MaskedStream

    type.__setattr__(MaskedStream, "buffer", property(lambda self: self.raw.buffer))


def _trace_unredacted() -> None:
    from reconciler.wire import tracing

    vars(tracing)["redacted"] = _same


def _trace_with_credentials() -> None:
    from reconciler.wire import tracing

    vars(tracing)["is_secret_name"] = lambda _: False


def _trace_unmasked() -> None:
    from reconciler.wire import tracing

    type.__setattr__(tracing.Tracer, "_masked", lambda _self, value: value)
    type.__setattr__(tracing.Tracer, "_text", lambda _self, value: json.dumps(value))


def _trace_of_stores() -> None:
    from reconciler.wire import tracing

    original = tracing._side  # noqa: SLF001
    vars(tracing)["_side"] = lambda *args, **_: original(*args, shows=True)


def _vendor_words_uncleaned() -> None:
    from reconciler.wire import failures

    vars(failures)["cleaned"] = _same


def _journal_unmasked() -> None:
    from reconciler.stores import journal

    vars(journal)["masked_record"] = _same


def _reasons_unmasked() -> None:
    from reconciler.cli import workspace
    from reconciler.stores import records

    for module in (workspace, records):
        vars(module)["masked_unreadable"] = lambda kinds, _: tuple(kinds)


def _unguarded() -> None:
    from reconciler.stores.guarding import Guard

    type.__setattr__(Guard, "check", _nothing)


def _talking_sdk() -> None:
    from reconciler.providers.stripe import client

    vars(client)["_keep_quiet"] = _nothing


MUTATIONS: dict[str, Callable[[], None]] = {
    "no form for URLs": _without_form("_in_urls"),
    "no form for JSON": _without_form("_in_json"),
    "no form for Python": _without_form("_in_python"),
    "no form for YAML": _without_form("_in_yaml"),
    "no form for shells": _without_form("_in_shells"),
    "no form for markup": _without_form("_in_markup"),
    "no hexadecimal": _without_form("_in_hex"),
    "no base64": _without_form("_in_base64"),
    "no lines": _no_lines,
    "no forms of the renderers": _no_rendered_forms,
    "streams unmasked": _unmasked_streams,
    "pieces not held back": _unheld_pieces,
    "bytes past the text": _raw_bytes,
    "trace not redacted": _trace_unredacted,
    "trace with credentials": _trace_with_credentials,
    "trace not masked": _trace_unmasked,
    "trace with bodies of stores": _trace_of_stores,
    "words of vendors not cleaned": _vendor_words_uncleaned,
    "journal not masked": _journal_unmasked,
    "reasons not masked": _reasons_unmasked,
    "store not guarded": _unguarded,
    "SDK not silenced": _talking_sdk,
}
