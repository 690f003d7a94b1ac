from django.apps import AppConfig


class JuiceConfig(AppConfig):
    name = "juice"
    verbose_name = "Juice"
