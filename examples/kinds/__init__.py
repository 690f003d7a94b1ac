"""Prompts with what models start from, for trying each kind of study out. See README.md."""
