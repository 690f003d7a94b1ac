"""How often the intervals hold what they promise; run `python -m bench.coverage`."""
