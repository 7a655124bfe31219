"""Reading order and structure of a page: numbers and boxes only, no pixels and no models."""
