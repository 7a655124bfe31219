"""The second reader: the embedded engine reads beside a big model, and the two texts are compared."""
