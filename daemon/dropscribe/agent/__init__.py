"""Starting with the login: a launchd agent on macOS, a systemd user unit elsewhere."""
