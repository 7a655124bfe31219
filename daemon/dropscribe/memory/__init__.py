"""Memory of the machine and of our processes: readings, pressure, policy."""
