"""A whole installation under load while parts of it die: `python -m tests.faults.storm --help`."""
