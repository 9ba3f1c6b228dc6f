"""Stateful imitations of the vendors on loopback, for demos, drills and tests.

They keep state, behave like the vendor where it matters, and can be told to fail.
They never talk to a real vendor. Start them with ``reconciler.sandbox.server``.
"""

DEFAULT_PORT = 4700
"""The first vendor's port when the sandbox runs in the foreground."""
