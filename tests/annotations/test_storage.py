"""Files are in the store whole or not at all."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.base import ContentFile

from annotations.storage import WholeFileStorage

NAME = "originals/ab/abc.mp4"


class Killed(BaseException):
    """kill -9 of the writer."""


class Interrupted(BytesIO):
    def read(self, size=-1):
        if self.tell():
            raise Killed
        return super().read(4)


@pytest.fixture
def storage(tmp_path):
    return WholeFileStorage(location=tmp_path)


def test_half_a_file_never_stands_under_its_name(storage):
    with pytest.raises(Killed):
        storage.save(NAME, Interrupted(b"the whole"))
    assert not storage.exists(NAME)
    assert storage.save(NAME, ContentFile(b"the whole")) == NAME
    assert storage.open(NAME).read() == b"the whole"


def test_what_is_there_is_kept(storage):
    storage.save(NAME, ContentFile(b"first"))
    other = storage.save(NAME, ContentFile(b"second"))
    assert other != NAME
    assert storage.open(NAME).read() == b"first"
    assert storage.open(other).read() == b"second"


def test_other_programs_may_read_it(storage):
    """nginx is another user than the workers."""
    storage.save(NAME, ContentFile(b"clip"))
    assert oct((storage.base_location / NAME).stat().st_mode)[-3:] == "644"


def test_nothing_else_is_left(storage, tmp_path):
    storage.save(NAME, ContentFile(b"clip"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / NAME]
