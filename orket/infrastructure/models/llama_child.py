"""A program of its own: llama.cpp's server on loopback, for one parent, until that parent closes our input.

It is run as a file, by a Python that has ``xllamacpp``, and imports nothing of Orket. The first line of its
input is a JSON object (see ``local.Options``) with the path of the weights and the key to ask for; the first
line of its output is the URL. It ends when its input does, however the parent came to its end.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module


def main() -> None:
    """Serve until the input ends."""
    given = json.loads(sys.stdin.readline())
    xllamacpp = import_module(
        "xllamacpp"
    )  # here, so that its absence is told on standard error like all else
    params = xllamacpp.CommonParams()
    params.model.path = given["weights"]
    params.model_alias = [given["name"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [given["key"]]
    params.n_ctx = given["context_tokens"]
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given["threads"]
    params.cache_ram_mib = given["cache_mib"]
    params.use_jinja = True
    params.ui = params.warmup = False
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # its threads may be in the middle of an answer that nobody waits for


if __name__ == "__main__":
    main()
