"""DeepSeek-OCR and similar models on MLX."""
