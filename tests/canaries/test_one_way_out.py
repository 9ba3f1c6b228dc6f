"""Files are written in few places, each of which is named here with what keeps secrets out of it."""

from __future__ import annotations

import ast
from pathlib import Path

import reconciler

PACKAGE = Path(reconciler.__file__).parent
WRITERS = {
    "stores/atomic.py": "asks its guard",
    "stores/journal.py": "asks its guard, and masks what is said",
    "stores/local.py": "marks a plan as used: the id of a run",
    "wire/tracing.py": "leaves out secret places, and masks",
    "secrets/file.py": "is a secret store",
    "secrets/fingerprints.py": "keeps the key of the fingerprints, for its owner alone",
    "cli/demo_command.py": "copies the example",
}
NOT_THE_PRODUCT = ("sandbox/", "conformance/")
WRITING = {"write_bytes", "mkstemp", "NamedTemporaryFile", "fdopen"}


def writes(call: ast.Call) -> bool:
    """Tell whether a call opens or writes a file."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [one.value for one in ast.walk(call) if isinstance(one, ast.Constant)]
    modes = [one for one in words if isinstance(one, str) and set(one) <= set("rwxabt+")]
    is_method = isinstance(call.func, ast.Attribute)
    return (
        name in WRITING
        or (name == "write_text" and is_method)
        or (name == "open" and any(set(mode) & set("wxa+") for mode in modes))
        or (
            name == "open"
            and "O_WRONLY" in ast.unparse(call)
            and "devnull" not in ast.unparse(call)
        )
    )


def test_nobody_writes_files_on_their_own() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if not path.relative_to(PACKAGE).as_posix().startswith(NOT_THE_PRODUCT)
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and writes(call)
    }

    assert found == set(WRITERS)
