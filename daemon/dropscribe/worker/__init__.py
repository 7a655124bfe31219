"""The worker process: it opens documents, holds the model, and writes results into a staging folder."""
