"""From a file in the inbox to a settled file: events, scans, settling."""
