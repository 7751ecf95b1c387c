"""What values of the user say of themselves, for texts that must come about whatever those values do."""

#: Characters of a value that a text shows.
SHOWN_MAX = 500


def shown(value: object) -> str:
    """``repr``, cut to a length that fits a line of a log; the class alone when ``repr`` raises."""
    try:
        text = repr(value)
    except Exception as failure:  # noqa: BLE001 - whatever its repr does, the runtime goes on
        return f"<{type(value).__name__}, whose repr raises {type(failure).__name__}>"
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def told(failure: BaseException) -> str:
    """The type and the text of a failure; the type alone when ``str`` raises."""
    try:
        return f"{type(failure).__name__}: {failure}"
    except Exception as another:  # noqa: BLE001 - whatever its str does, the runtime goes on
        return f"{type(failure).__name__}, whose str raises {type(another).__name__}"
