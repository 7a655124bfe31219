"""Files on disk: durable writes and moves, names, the outbox, originals, and the thread that does slow disk work."""
