"""The embedded engine: PP-OCR on onnxruntime."""
