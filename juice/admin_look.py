"""How the admin looks and what its side bar lists (django-unfold)."""

from django.templatetags.static import static
from django.urls import reverse_lazy


def _admin_links(*names: str) -> list[dict[str, object]]:
    """Entries of the admin's side bar, by `app_model` and title."""
    entries = [name.split(":") for name in names]
    return [
        {"title": title, "link": reverse_lazy(f"admin:{model}_changelist")}
        for title, model in entries
    ]


UNFOLD = {
    "SITE_TITLE": "Juice",
    "SITE_HEADER": "Juice",
    "SITE_SUBHEADER": "Human evaluation of generated video",
    "SITE_URL": "/studies/",
    "SITE_SYMBOL": "compare",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("juice/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": True,
    # The accent of the other pages, in steps from light to dark.
    "COLORS": {
        "primary": {
            "50": "#eff5ff",
            "100": "#e7effd",
            "200": "#c9dcfb",
            "300": "#a3c6ff",
            "400": "#7fb0ff",
            "500": "#4a86ea",
            "600": "#1d5bd0",
            "700": "#174aab",
            "800": "#163d87",
            "900": "#22324d",
            "950": "#0c1c38",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {"title": "", "items": [{"title": "Progress of studies", "link": "/studies/"}]},
            {
                "title": "Set up",
                "items": _admin_links(
                    "Studies:annotations_study",
                    "Recruitment:annotations_recruitment",
                    "Models:annotations_generativemodel",
                    "Endpoints:generation_endpoint",
                    "Prompts:annotations_prompt",
                ),
            },
            {
                "title": "Clips",
                "items": _admin_links(
                    "Jobs:generation_job",
                    "Stimuli:annotations_stimulus",
                    "Renditions:annotations_rendition",
                    "Comparisons:annotations_comparison",
                ),
            },
            {
                "title": "Ratings",
                "items": _admin_links(
                    "Raters:annotations_rater",
                    "Assignments:annotations_assignment",
                    "Judgments:annotations_judgment",
                    "Reports:analysis_report",
                ),
            },
            {
                "title": "Access",
                "items": _admin_links(
                    "Users:auth_user", "Groups:auth_group", "API tokens:authtoken_tokenproxy"
                ),
            },
        ],
    },
}
