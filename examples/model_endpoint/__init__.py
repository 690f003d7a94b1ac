"""A demo model server: not a model, but one speaks to it as to one. See README.md."""
