"""The second reader: the embedded engine reads beside a big model, and the two texts are compared."""

ESTIMATE_BYTES = 700 * 10**6  # beside a model whose Python packages are there already
