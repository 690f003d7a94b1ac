import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def owner(db) -> Client:
    """A member of staff who is logged in."""
    User.objects.create_superuser("owner", password="a long password")
    client = Client()
    assert client.login(username="owner", password="a long password")
    return client
