"""The checklist of `dropscribe doctor`."""
