"""Look at everything that a run relies on, one thing after the other. Changes nothing, and goes on after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.cli.doctoring import accounts, clocks, folder, machine, network, records, secrets
from reconciler.cli.doctoring.case import OFFLINE, SUBJECTS
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import ReconcilerError, VendorError
from reconciler.core.examination import Examined, Standing, Trouble, failed, untried, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.cli.doctoring.case import Case

    Examination: TypeAlias = Callable[[Case], Iterator[Examined]]

EXAMINATIONS: Final[tuple[tuple[str, Examination], ...]] = (
    ("python", machine.python_examined),
    ("packages", machine.packages_examined),
    ("proxies", network.proxies_examined),
    ("certificates", network.certificates_examined),
    ("files", folder.files_examined),
    ("schemas", folder.schemas_examined),
    ("secrets", secrets.secrets_examined),
    ("fingerprint key", secrets.fingerprint_key_examined),
    ("seal", secrets.seal_examined),
    ("accounts", accounts.accounts_examined),
    ("clock", clocks.clock_examined),
    ("lock", records.lock_examined),
    ("store", records.store_examined),
    ("base", records.base_examined),
    ("records", records.records_examined),
    ("runs", records.runs_examined),
    ("freeze", records.freeze_examined),
    ("git", folder.git_examined),
)
"""What is looked at, in this order: the clock after the accounts, whose answers tell the time."""


def examined(case: Case) -> Iterator[Examined]:
    """Yield everything that was found. What an examination raises is found, too."""
    lost = False
    for subject, examination in EXAMINATIONS:
        try:
            if lost and subject in SUBJECTS:
                yield untried(subject, "the store did not answer")
            elif case.keeps_away_from(subject):
                yield untried(subject, OFFLINE)
            else:
                yield from examination(case)
        except ReconcilerError as error:
            yield failed(subject, error)
            lost |= subject in SUBJECTS and isinstance(error, VendorError)
        except OSError as error:
            words = f"{error.filename or subject}: {error.strerror or type(error).__name__}"
            yield wrong(subject, words, trouble=Trouble.UNKNOWN)
        except Exception as error:  # noqa: BLE001 - the other examinations may tell why
            words = f"this could not be looked at ({type(error).__name__})"
            mend = f"reconciler --trace trace.jsonl doctor {case.environment}   # please report it"
            yield wrong(subject, words, mend, Trouble.UNKNOWN)


def exit_code(found: Iterable[Examined]) -> ExitCode:
    """Return how the command ends: what is denied weighs most, then what could not be found out."""
    failures = {one.trouble for one in found if one.standing is Standing.FAIL}
    if Trouble.DENIED in failures:
        return ExitCode.DENIED
    if Trouble.UNKNOWN in failures:
        return ExitCode.UNKNOWN
    return ExitCode.ERROR if failures else ExitCode.OK
