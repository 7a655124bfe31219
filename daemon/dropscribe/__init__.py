"""Dropscribe: drop a picture into a folder; its text appears in another; nothing leaves the machine."""

__version__ = "0.1.0"
