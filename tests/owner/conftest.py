import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def owner(db) -> Client:
    """A member of staff who is logged in, without the third of a second that a password costs."""
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    return client
