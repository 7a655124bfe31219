"""PDF output: page pictures or the original pages, with an invisible text layer."""
