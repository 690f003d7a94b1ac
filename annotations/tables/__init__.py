"""From the bytes of a file to checked rows with their lines: the only reader of tables and lists.

Manifests, prompts, checks, votes and names come through here, so that one file is read the same by
every door, and what cannot be read as meant is refused in the same words. See `reading`.
"""
