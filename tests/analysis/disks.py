"""Disks that take no file, as the storage of files meets them."""

from __future__ import annotations

import errno
import os
import time

from annotations.storage import WholeFileStorage


class FullDisk(WholeFileStorage):
    def save(self, name, content, max_length=None):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path(name))


class ReadOnlyDisk(WholeFileStorage):
    def save(self, name, content, max_length=None):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), self.path(name))


class StuckDisk(WholeFileStorage):
    """A disk on a network that is away: whoever writes waits for ever."""

    def save(self, name, content, max_length=None):
        while True:
            time.sleep(60)
