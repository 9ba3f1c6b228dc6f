"""Recreate and rotate what signs, cut off somewhere, and judge what became of its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.secrets.file import UNFINISHED
from tests.killing import secret_shop
from tests.killing.runs import KILLED, Cut
from tests.killing.secret_shop import ENDPOINT, PAYMENTS, PREVIOUS, Wired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.killing.forking import Ended
    from tests.killing.runs import Stage


class Night(NamedTuple):
    """A shop with signing secrets, and processes that work on it. What they say is searched for secrets."""

    stage: Stage

    def run(self, *commands: Sequence[str], cut: Cut | None = None) -> Ended:
        """Run commands one after the other, in a process that is ``cut`` off there."""
        more = {"cut": cut._asdict()} if cut is not None else {}
        ended = self.stage.run(*commands, **more)
        assert "Traceback" not in ended.said
        secret_shop.assert_nothing_told(self.stage.folder, ended.said)
        return ended

    def done(self, *command: str) -> Ended:
        """Run a command that must succeed."""
        ended = self.run(command)
        assert ended.status == 0, ended.said
        return ended

    def settled(self, command: Sequence[str], cut: Cut, *options: str, proves: bool = True) -> bool:
        """Run a command that is cut off, and recover; tell whether there was something to recover.

        Where its run had not begun yet, the command is run again, unless it was to be taken back. Unless it
        ``proves`` that the shop takes events, it may tell that it does not.
        """
        before = self.stage.runs
        killed = self.run(command, cut=cut)
        assert killed.status == KILLED, killed.said
        has_begun = self.stage.runs != before
        ended = self.run((*RECOVER, *options))
        untaken = not proves and "these checks failed: signed" in ended.said
        assert ended.status == (3 if untaken else 0), ended.said
        if not has_begun and "--undo" not in options:
            self.done(*command)
        return "Nothing to recover" not in ended.said

    def lose(self, wired: Wired) -> str:
        """Delete what signs, as somebody does in a dashboard; return its secret."""
        (secret,) = self.secrets(wired)
        secret_shop.lose(self.stage.world, wired)
        return secret

    def secrets(self, wired: Wired) -> list[str]:
        """Return the secrets of what lives, oldest first."""
        return secret_shop.secrets_of(self.stage.world, wired)

    def assert_green(self, *, store: Sequence[str] = ("deploys", "payments")) -> None:
        """Everybody has the secrets of what lives, ``store`` holds nothing else, and nothing is left to do."""
        folder, world = self.stage.folder, self.stage.world
        for wired in (secret_shop.PAYMENTS, secret_shop.DEPLOYS):
            secret_shop.assert_wired(folder, world, wired)
        assert secret_shop.in_store(folder) == sorted(store)
        self.assert_at_rest()

    def assert_at_rest(self) -> None:
        """Nothing is left to do, no run is open, and everything that is told is true."""
        world = self.stage.world
        secret_shop.assert_others_untouched(world)
        world.forget()
        ended = self.run(
            ["history", "shop", "--verify"],
            ["plan", "shop", "--exit-code"],
            ["check", "shop"],
            RECOVER,
        )
        assert ended.codes == (0, 0, 0, 0), ended.said
        assert "Nothing to recover" in ended.said
        assert [one for one in world.writes() if one.vendor != "shop"] == []

    def assert_first_is_back(self, first: str) -> None:
        """As if it had never been rotated; a copy of the first secret may be left, or what was not finished."""
        assert self.secrets(PAYMENTS) == [first]
        left = [
            name
            for name in secret_shop.in_store(self.stage.folder)
            if name == "payments@1" or name.endswith(UNFINISHED)
        ]
        self.assert_green(store=("deploys", "payments", *left))

    def assert_gone(self, secret: str) -> None:
        """Nobody has ``secret`` any more."""
        found = secret_shop.holders(self.stage.folder, self.stage.world, secret)
        assert found == []

    def assert_rotated(self, old: str) -> None:
        """Both live; store and variable have the new secret, and the old one can still be had."""
        folder, world = self.stage.folder, self.stage.world
        first, second = self.secrets(PAYMENTS)
        assert first == old
        assert secret_shop.stored(folder, PAYMENTS) == second
        assert secret_shop.at_vercel(world, PAYMENTS) == second
        assert secret_shop.holders(folder, world, old) == [f"{secret_shop.FOLDER}/payments@1"]
        assert secret_shop.in_store(folder) == ["deploys", "payments", "payments@1"]
        assert secret_shop.takes(world, second)
        self.assert_at_rest()


APPLY = ("apply", "shop", "--yes")
ROTATE = ("rotate", "shop", ENDPOINT, "--yes")
RETIRE = (*ROTATE, "--retire")
RECOVER = ("recover", "shop", "--yes")
CONSENT = ("--allow-delete", ENDPOINT, "--allow-delete", PREVIOUS)
UNDO = ("undo", "shop", "--yes", *CONSENT)
