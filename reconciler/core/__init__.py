"""The nouns and the rules of reconciliation: no I/O, no clock, no randomness, no logging."""
