"""Dropscribe: drop a picture into a folder; its text appears in another; nothing leaves the machine."""

import os

__version__ = "0.1.0"

# Libraries that report to their makers unless told not to, which some ask for when they are imported: told here, for
# this process and all that it begins. onnxruntime (1.32, Privacy.md) would also keep a device id in the home folder.
for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ[_switch] = "1"
