"""Values that everything else is made of: errors, jobs, pages, messages. No I/O."""
