"""People and programs that rate: a browser without scripts, and another front end."""

from __future__ import annotations

import uuid

from annotations.services.raters.entry import recruitment_of
from annotations.simulation import read_form


class Visitor:
    """A browser without scripts."""

    def __init__(self, client, study):
        self.client, self.study = client, study

    def open(self, page="", **query):
        self.page = self.client.get(f"/s/{self.study.slug}/{page}", query, follow=True)
        return self.page

    def send(self, **fields):
        form = self.form()
        self.page = self.client.post(form.action, {**form.fields, **fields}, follow=True)
        return self.page

    def form(self):
        form = read_form(self.page.content.decode())
        form.action = form.action or self.page.request["PATH_INFO"]
        return form

    def answer_quality(self, choice="left", reasons=("pixel-sharpness",)):
        return self.send(**{"choice-quality": choice, "reason-quality": list(reasons)})

    def answer_faithfulness(self, choice="left", reasons=("spatial-text-alignment",)):
        return self.send(**{"choice-faithfulness": choice, "reason-faithfulness": list(reasons)})


QUALITY = {"axis": "quality", "choice": "left", "reasons": ["pixel-sharpness"]}


FAITHFULNESS = {"axis": "faithfulness", "choice": "left", "reasons": ["temporal-text-alignment"]}


class ApiRater:
    """A rater of another front end."""

    def __init__(self, client, study):
        self.client, self.study = client, study
        joined = self.post(f"/api/v1/studies/{study.slug}/join/", {"external_id": "r1"})
        self.headers = {"Authorization": f"Rater {joined.json()['credential']}"}

    def post(self, url, body=None):
        return self.client.post(
            url,
            body or {},
            content_type="application/json",
            headers=getattr(self, "headers", {}),
        )

    def turn(self):
        return self.post(f"/api/v1/studies/{self.study.slug}/claim/").json()

    def get(self, url):
        return self.client.get(url, headers=self.headers)

    def claim(self):
        return self.turn()["assignment"]

    def draft(self, assignment, *answers):
        return self.post(f"/api/v1/assignments/{assignment}/draft/", {"answers": list(answers)})

    def submit(self, assignment, *answers, submission_id=None):
        body = {"submission_id": str(submission_id or uuid.uuid4()), "answers": list(answers)}
        return self.post(f"/api/v1/assignments/{assignment}/submit/", body)


def recruit(study, **settings):
    recruitment = recruitment_of(study)
    for name, value in settings.items():
        setattr(recruitment, name, value)
    recruitment.full_clean()
    recruitment.save()
    return study
