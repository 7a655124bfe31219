"""The page of `dropscribe web`: a process of its own, on this machine for this machine."""
