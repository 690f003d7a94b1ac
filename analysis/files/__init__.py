"""The files beside the page: tables, figures, and everything as JSON."""
