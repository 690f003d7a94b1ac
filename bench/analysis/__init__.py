"""How long the statistics take and how much memory they need; run `python -m bench.analysis`."""
