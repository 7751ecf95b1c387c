"""The bounds of the bridge, on one page."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class HttpLimits:
    """The bounds of the bridge; every queue and every wait has one.

    Attributes:
        body_bytes: Size of a request's body.
        body_s: How long a body may take to arrive.
        head_s: How long a connection may be silent, or its request's head unfinished.
        header_bytes: Size of a request's headers, names and values added up.
        connections: Connections at a time; beyond, requests are refused and their connections closed.
        requests: Requests at a time, streams not counted.
        control_requests: How many more of those that stop things or answer questions (pause, halt, decide …).
        hook_requests: How many deliveries of a webhook at a time.
        refusals_per_s: Refusals (429, 503) per second in the long run, more are held back; 0 means no limit.
        refusals_burst: Such refusals at once after a quiet time.
        unsigned_per_s: Deliveries without a good signature that one source may send per second.
        unsigned_burst: Such deliveries at once of a source that was quiet.
        rate_per_s: Requests per second of one caller in the long run; 0 means no limit.
        rate_burst: Requests at once of a caller who was quiet.
        ask_s: How long a caller waits for the engine who does not say.
        ask_max_s: How long a caller may ask to wait for the engine.
        wait_max_s: How long a caller may ask to wait for a run (``Prefer: wait``).
        watch_after_s: After how long a request that is waited for is cut off when its client leaves.
        streams: Event streams at a time, WebSockets included.
        heartbeat_s: Time between signs of life of a quiet stream.
        send_stall_s: How long a client may take no byte of its event stream before it is let go.
        stream_page: Events read at a time.
        piece_gap_s: Least time between two looks at what models are writing, for one who watches that.
    """

    body_bytes: int = 1024 * 1024
    body_s: float = 10.0
    head_s: float = 10.0
    header_bytes: int = 32 * 1024
    connections: int = 2000
    requests: int = 256
    control_requests: int = 64
    hook_requests: int = 64
    refusals_per_s: float = 500.0
    refusals_burst: float = 500.0
    unsigned_per_s: float = 1.0
    unsigned_burst: float = 60.0
    rate_per_s: float = 1000.0
    rate_burst: float = 2000.0
    ask_s: float = 30.0
    ask_max_s: float = 600.0
    wait_max_s: float = 60.0
    watch_after_s: float = 0.05
    streams: int = 1000
    heartbeat_s: float = 15.0
    send_stall_s: float = 30.0
    stream_page: int = 500
    piece_gap_s: float = 0.05
