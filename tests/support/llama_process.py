"""llama.cpp's own HTTP server (package xllamacpp) in a process of its own: run by `llama_server`, killed by tests."""

import json
import sys
import threading


def main() -> None:
    """Serve what the JSON in the first argument says, until killed."""
    import xllamacpp

    options = json.loads(sys.argv[1])
    params = xllamacpp.CommonParams()
    params.model.path, params.mmproj.path = options["text"], options["eyes"]
    params.model_alias = {options["alias"]}
    params.hostnames, params.port = ["127.0.0.1"], options["port"]
    params.n_parallel, params.n_ctx = options["slots"], 4096 * options["slots"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup, params.use_jinja, params.n_gpu_layers = False, True, 0
    params.special = options["special"]
    params.cache_ram_mib = 0
    if options["key"]:
        params.api_keys = [options["key"]]
    if options["sleep"]:
        params.sleep_idle_seconds = options["sleep"]
    server = xllamacpp.Server(params)
    print("listening", server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
