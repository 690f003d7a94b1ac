"""Reports are asked for in `requesting`, by web and sweep; workers make them in `making`."""
