from django.urls import path

from analysis import views

urlpatterns = [
    path("r/<str:token>/", views.report, name="report"),
    path("r/<str:token>/judgments.csv", views.judgments_csv, name="report-judgments"),
    path("r/<str:token>/judgments.parquet", views.judgments_parquet, name="report-parquet"),
    path("r/<str:token>/renditions.csv", views.renditions_csv, name="report-renditions"),
    path("r/<str:token>/report.json", views.report_json, name="report-json"),
    path("r/<str:token>/<str:name>", views.report_file, name="report-file"),
]
