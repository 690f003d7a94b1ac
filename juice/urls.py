from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from analysis.api import ReportView
from juice.generation_export import generation_csv
from juice.health import healthz, readyz


def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it where a page names no icon, as a report that opens offline does."""
    return HttpResponseRedirect(static("juice/favicon.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("", RedirectView.as_view(pattern_name="owner-studies")),
    path("studies/", include("owner.urls")),
    path("", include("operation.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("annotations.api.urls")),
    path("api/v1/studies/<slug:slug>/report/", ReportView.as_view(), name="api-report"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include("annotations.urls")),
    path("r/<str:token>/generation.csv", generation_csv, name="report-generation"),
    path("", include("analysis.urls")),
]

handler400 = "juice.error_pages.bad_request"
handler403 = "juice.error_pages.permission_denied"
handler404 = "juice.error_pages.page_not_found"
handler500 = "juice.error_pages.server_error"
