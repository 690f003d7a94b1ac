"""What can be wrong with a file, in words for the person who chose it."""


class MediaError(ValueError):
    """A file that cannot be judged. Says what is wrong, why it matters, and what to do."""


class TooSlow(MediaError):
    """The machine did not get through a file in time, which says nothing of the file.

    Who can try again at a quieter moment does, before anything is said against the file.
    """
