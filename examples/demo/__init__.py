"""The demo: models at the bundled server, a live and a finished study, one of each kind."""
