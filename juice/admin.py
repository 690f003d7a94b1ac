"""Accounts and API tokens in the look of the rest; studies with what their models are asked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group, User
from rest_framework.authtoken.admin import TokenAdmin as PlainTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from annotations.admin.study import StudyAdmin
from annotations.models import Study
from generation.admin.clip_settings import ClipSettingsInline

for plain in (User, Group, TokenProxy, Study):
    admin.site.unregister(plain)


@admin.register(User)
class UserAdmin(PlainUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(PlainGroupAdmin, ModelAdmin):
    pass


@admin.register(TokenProxy)
class TokenAdmin(PlainTokenAdmin, ModelAdmin):
    pass


@admin.register(Study)
class CompleteStudyAdmin(StudyAdmin):
    """The models come first, then what they are asked, then what raters are."""

    inlines: tuple[Any, ...] = (
        StudyAdmin.inlines[0],
        ClipSettingsInline,
        *StudyAdmin.inlines[1:],
    )
