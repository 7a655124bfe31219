"""A GPU that is the CPU: MLX computes as it can, and says that it does so on Metal with a Mac's sizes."""

import os
from types import SimpleNamespace

MEMORY = int(os.environ.get("FAKE_MAC_MEMORY", 16 << 30))


def install() -> None:
    """Change what MLX tells of its device, for our own code; nothing is computed otherwise."""
    import mlx.core as mx

    told = {"memory_size": MEMORY, "max_recommended_working_set_size": MEMORY * 2 // 3, "architecture": "applegpu_g14g"}
    vars(mx).update(default_device=lambda: SimpleNamespace(type=mx.DeviceType.gpu), device_info=lambda *device: told)
