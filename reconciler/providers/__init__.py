"""The vendors: one folder each, one file per kind, all over one HTTP client. They don't import each other."""
