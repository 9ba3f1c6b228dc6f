"""The folder: files, schemas, and secrets that Git must not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.doctoring.looking import add_capture, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Shop


def test_wrong_files_are_counted_and_the_rest_is_looked_at(well: Shop) -> None:
    well.edit("payments.yaml", "status: enabled", "status: perhaps")
    well.edit("web.yaml", "LOG_LEVEL", "LOG LEVEL")

    found = look(well)

    assert found.code == 1
    assert "payments.yaml:" in found["files"]["found"]
    assert "(1 more)" in found["files"]["found"]
    assert "reconciler validate sandbox" in found["files"]["mend"].splitlines()
    assert found["account stripe"]["standing"] == "ok"
    assert found["read vercel.env_var"]["standing"] == "ok"  # the last snapshot remembers it
    assert found["further secrets"]["standing"] == "untried"


def test_a_broken_environment_file_leaves_the_machine_and_the_records(well: Shop) -> None:
    well.edit("environment.yaml", "environment: sandbox", "environment: [")

    found = look(well)

    assert found.code == 1
    assert found["files"]["standing"] == "fail"
    assert {"secrets", "accounts", "clock"} == set(found.of("untried"))
    assert {"python", "lock", "store", "base", "runs"} <= set(found.of("ok"))


def test_an_environment_that_is_not_there_is_told(well: Shop) -> None:
    before = well.files()

    ran = well.run("doctor", "nowhere", "--format", "json")

    assert ran.code == 1
    files = next(one for one in ran.json["checks"] if one["subject"] == "files")
    assert "There is no environment 'nowhere'" in files["found"]
    assert well.files() == before
    assert not (well.root / "snapshots" / "nowhere").exists()


def test_schemas_of_another_version_are_told(well: Shop) -> None:
    well.done("schema")
    assert look(well)["schemas"]["standing"] == "ok"
    (well.root / "schemas" / "plan.json").write_text("{}", encoding="utf-8")

    schemas = look(well)["schemas"]

    assert schemas["standing"] == "warn"
    assert schemas["found"].startswith("plan.json")
    assert schemas["mend"] == "reconciler schema"


def test_a_secret_in_a_file_of_its_own_is_well(filed: Shop) -> None:
    found = look(filed)

    assert found.code == 0
    assert found["secret file/.secrets/sentry"]["standing"] == "ok"
    assert found["git"]["standing"] == "ok"


def test_a_secret_that_others_may_read_is_told(filed: Shop) -> None:
    path = filed.root / ".secrets" / "sentry"
    path.chmod(0o644)

    found = look(filed)

    assert found.code == 4
    assert "may be read by others" in found["secret file/.secrets/sentry"]["found"]
    assert found["secret file/.secrets/sentry"]["mend"] == f"chmod 600 {path}"


def test_a_secret_that_git_does_not_ignore_is_told(filed: Shop) -> None:
    (filed.root / ".gitignore").unlink()

    found = look(filed)

    assert found.code == 1
    assert "Git does not ignore .secrets/sentry" in found["git .secrets/sentry"]["found"]
    assert found["git .secrets/sentry"]["mend"] == "echo /.secrets/sentry >> .gitignore"


def test_a_secret_that_git_has_is_told(filed: Shop, git_in: Callable[..., str]) -> None:
    git_in(filed.root, "add", "--force", ".secrets/sentry")

    found = look(filed)

    assert found.code == 1
    assert found["git .secrets/sentry"]["mend"].startswith("git rm --cached .secrets/sentry")
    assert "change the secret" in found["git .secrets/sentry"]["mend"]


def test_a_fingerprint_key_that_git_would_take_is_told(filed: Shop) -> None:
    (filed.root / ".reconciler" / ".gitignore").unlink()

    found = look(filed)

    assert found.code == 1
    assert ".reconciler/fingerprint.key" in found["git .reconciler/"]["mend"]


def test_the_place_of_a_captured_secret_must_be_ignored_before_it_is_written(filed: Shop) -> None:
    add_capture(filed, "file/captured/new")

    found = look(filed)

    assert found.code == 1
    assert found["git captured/new"]["mend"].startswith("echo /captured/new")
    assert found["secret file/captured/new"]["standing"] == "warn"
    assert found["secret file/captured/new"]["found"].startswith("not there yet")
