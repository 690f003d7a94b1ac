"""Emu Video's published win rates, and what can be recomputed from them."""
