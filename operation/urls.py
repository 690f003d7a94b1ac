from django.urls import path

from operation.metrics import metrics
from operation.pages import operation_page
from owner.guard import for_staff

MAY_SEE = "operation.view_operation"

urlpatterns = [
    path(
        "operation/",
        for_staff(operation_page, may_read=MAY_SEE, may_act=MAY_SEE),
        name="operation",
    ),
    # Programs read it, with a token of its own.
    path("metrics", metrics, name="metrics"),
]
