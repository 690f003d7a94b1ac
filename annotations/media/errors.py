"""What can be wrong with a file, in words for the person who chose it."""


class MediaError(ValueError):
    """A file that cannot be judged. Says what is wrong, why it matters, and what to do."""
