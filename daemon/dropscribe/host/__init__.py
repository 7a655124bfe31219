"""The life of the model: the worker process and the decisions about it, on the main thread."""
