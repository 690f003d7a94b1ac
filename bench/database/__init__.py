"""What a study of a million judgments takes from the database; run `python -m bench.database`."""
