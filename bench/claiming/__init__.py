"""What a claim costs, and how orders and sides come out; run `python -m bench.claiming`."""
