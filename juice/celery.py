"""The Celery application. Tasks are short, idempotent, and carry ids only."""

import os
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, worker_ready

from juice.liveness import give_sign_of_life

# Their signals note what workers and sweeps do, and trace it where that is set.
from operation import noting as noting
from operation import tracing as tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "juice.settings")

app = Celery("juice", task_cls="celery.contrib.django.task:DjangoTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


heartbeat_sent.connect(give_sign_of_life)


@worker_ready.connect
def remove_leftovers(**_: Any) -> None:
    """A worker that was killed left files; the one that takes its place removes them."""
    from annotations.scratch import sweep_scratch

    sweep_scratch()
