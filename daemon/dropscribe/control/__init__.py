"""The control socket, the lock on the state folder, and where to find a running daemon."""
