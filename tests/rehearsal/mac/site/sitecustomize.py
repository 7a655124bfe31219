"""Makes a Linux Python look like a Mac's, as far as our own code can see: loaded first by each of its processes.

It knows nothing of Dropscribe but where its code lies. What it cannot imitate: TCC, APFS, Metal, launchd's real texts.
"""

import os
import sys

if os.environ.get("FAKE_MAC"):
    import linux_names

    linux_names.remove()  # before anything is imported that looks for them
    command = " ".join(getattr(sys, "orig_argv", sys.argv))
    import kernel_queue

    if not os.environ.get("FAKE_MAC_NO_KQUEUE"):
        kernel_queue.install()  # before `selectors`
    linux_names.preload(worker="dropscribe.worker" in command)
    import as_mac

    as_mac.become()
    if os.environ.get("FAKE_MAC_NO_EXTENSION"):
        sys.modules["_watchdog_fsevents"] = None  # type: ignore[assignment]  # as where it could not be built
    import witness

    witness.install()
    if os.environ.get("FAKE_MAC_TINY") and "dropscribe.worker" in command:
        sys.path.append(os.environ["FAKE_MAC_TINY"])  # the folder `tests`
        from support.tiny_checkpoint import stub_sam

        tower = stub_sam()  # held: it ends with its last reference
        tower.__enter__()
        import metal

        metal.install()
