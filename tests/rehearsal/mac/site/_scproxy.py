"""The system's proxies, as urllib asks for them on a Mac: there are none."""


def _get_proxy_settings() -> dict[str, object]:
    return {"exclude_simple": False, "exceptions": ["*.local", "169.254/16"]}


def _get_proxies() -> dict[str, str]:
    return {}
