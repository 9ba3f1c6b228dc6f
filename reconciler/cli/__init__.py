"""The command line: parses arguments, wires everything together, maps results to exit codes."""
