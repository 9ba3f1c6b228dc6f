"""Where snapshots, labels, runs and locks live."""
