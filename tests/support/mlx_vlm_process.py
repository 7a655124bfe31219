"""mlx_vlm.server in a process of its own, with the small vision tower of `tiny_checkpoint`.

On a CPU it needs one repair (mlx-vlm 0.7.10): the processor's arrays are lazy in the thread of the request and cannot
be evaluated in the thread that generates ("There is no Stream(cpu, N) in current thread").
"""

import os
import socket
import sys
from typing import Any


def main() -> None:
    """Serve the checkpoint in the folder that is the first argument, until killed."""
    os.environ["MLX_VLM_PRELOAD_MODEL"] = sys.argv[1]
    import mlx.core as mx
    import uvicorn
    from mlx_vlm.server import app
    from mlx_vlm.server.generation import ResponseGenerator

    from support.tiny_checkpoint import stub_sam

    prepare = ResponseGenerator._cpu_preprocess

    def evaluated(self: Any, *args: Any, **options: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = prepare(self, *args, **options)
        mx.eval(inputs)
        return inputs

    ResponseGenerator._cpu_preprocess = evaluated
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening", f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    with stub_sam():
        uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
