"""The desktop around the daemon: notifications, and keeping the machine awake."""
