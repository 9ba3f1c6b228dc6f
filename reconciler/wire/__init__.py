"""Requests to vendors and secret stores over HTTP: pace, retries, read-only mode, errors. Knows no vendor."""

from __future__ import annotations

import sys

# httpx brings a command line of its own, with rich and pygments: 6 MiB and 45 ms for nothing. It does without where
# that cannot be imported. Source: httpx/__init__.py.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None stops the import
