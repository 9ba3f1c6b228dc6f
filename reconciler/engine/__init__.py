"""The use cases: each calls ports and core in one straight line. No HTTP, no printing."""
