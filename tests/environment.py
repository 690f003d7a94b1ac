"""Loaded before Django's settings: every test process has files of its own."""

import os
import random
import tempfile
from pathlib import Path
from socketserver import StreamRequestHandler

import pytest
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("DEBUG", "1")
# OpenBLAS adds up in an order of its own on each kind of processor: kept reports need one.
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
# No test cuts the power, and a disk may be slow.
os.environ.setdefault("SQLITE_SYNCHRONOUS", "NORMAL")
# What is read now and then is read each time.
os.environ.setdefault("KEPT_SECONDS", "0")
os.environ.setdefault("VAR_DIR", str(Path(tempfile.gettempdir()) / "juice-tests"))
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / worker)
# How long one example takes is the machine's affair: nothing is asserted by a timed test.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="module")
def kept_media(tmp_path_factory):
    """Each clip of a module is looked at once, and each plan rendered once."""
    from tests.media_once import media_once

    with media_once(tmp_path_factory.mktemp("kept")):
        yield


def pytest_addoption(parser):
    parser.addoption(
        "--database-only", action="store_true", help="leave out the tests that use no database"
    )
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run the tests in an order drawn from a seed"
    )


def pytest_configure():
    """Let test servers send a head and a body at once.

    They are two small packets, and the second would wait 40 ms for the first to be acknowledged.
    """
    StreamRequestHandler.disable_nagle_algorithm = True


def pytest_collection_modifyitems(config, items):
    if config.getoption("database_only"):
        left_out = [item for item in items if not uses_database(item)]
        items[:] = [item for item in items if uses_database(item)]
        config.hook.pytest_deselected(items=left_out)
    seed = config.getoption("shuffle")
    if seed is not None:
        shuffle(items, random.Random(seed))
    items.sort(key=is_long)


def shuffle(items, rng) -> None:
    """Modules in another order, and the tests of each; what a module sets up is set up once."""
    modules = sorted({item.path for item in items})
    rng.shuffle(modules)
    rng.shuffle(items)
    items.sort(key=lambda item: modules.index(item.path))


def is_long(item) -> int:
    """Tests that stay together on one worker begin first, or all others would wait for them."""
    groups = [mark.args[0] for mark in item.iter_markers("xdist_group")]
    return ["live", "browser"].index(groups[0]) if groups else 2


def uses_database(item) -> bool:
    """pytest-django's own ways to ask for one, or a stack of processes on one."""
    marks = {mark.name for mark in item.iter_markers()}
    return bool(marks & {"django_db", "live"} or {"db", "stack"} & {*item.fixturenames})
