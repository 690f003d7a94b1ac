"""Statistics of pairwise votes: a vote table in, frozen results out.

Imports numpy, pandas, scipy and the standard library only.
"""
