"""Snapshot, diff and roll back the configuration that lives outside the code."""

__version__ = "0.1.0"
