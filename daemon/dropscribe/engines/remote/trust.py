"""Whom pages are sent to, and how that is secured: addresses, TLS, the key. It sends nothing."""

import ipaddress
import os
import socket
import ssl
import stat
from urllib.parse import urlsplit

from dropscribe.config import Remote
from dropscribe.core.errors import Reason, ReasonedError

LONGEST_KEY = 8192  # bytes


def host_of(url: str) -> str:
    """Return the host, and its port where one is written, that *url* leads to."""
    return urlsplit(url).netloc


def read_key(path: str | None) -> str | None:
    """Return the key in the file at *path*; raise `ReasonedError` (engine-unavailable) when it cannot be used."""
    if path is None:
        return None
    try:
        with open(path, encoding="ascii") as file:
            key = file.read(LONGEST_KEY).strip()
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _unusable(path, "holds more than plain letters") from None
    if not key or not key.isprintable() or " " in key:
        raise _unusable(path, "holds no key in a single line")
    return key


def _unusable(path: str, why: str) -> ReasonedError:
    return ReasonedError(Reason.ENGINE_UNAVAILABLE, f"The key file {path} {why}; see engine.remote.key_file.")


def tls(ca: str | None) -> ssl.SSLContext:
    """Return what verifies a server: the system's own store where truststore is installed, and the authority in *ca*.

    Raises `ReasonedError` (engine-unavailable) for a file that holds no certificate.
    """
    context = _system_store()
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ssl.SSLError) as error:
            what = f"The certificate file {ca} cannot be used ({error.strerror or error}); see engine.remote.ca."
            raise ReasonedError(Reason.ENGINE_UNAVAILABLE, what) from None
    return context


def _system_store() -> ssl.SSLContext:
    """Return a context of the system's keychain: a Python from python.org on a Mac brings no authorities itself."""
    try:
        import truststore
    except ImportError:
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def warnings(remote: Remote) -> list[str]:
    """Return what a careful user would want to know of these settings; it may ask the name service."""
    found = [
        f"pages are sent unencrypted over a public network to {host_of(url)} ({address}); use https"
        for url in remote.url
        if url.startswith("http:") and (address := public_address(url))
    ]
    if remote.key_file and others_may_read(remote.key_file):
        found.append(f"the key file {remote.key_file} can be read by other users; run: chmod 600 {remote.key_file}")
    return found


def public_address(url: str) -> str | None:
    """Return an address of the public internet that *url* leads to, or None."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError:
        return None  # the connection will say so
    addresses = [str(place[0]) for *_, place in found]
    return next((address for address in addresses if ipaddress.ip_address(address.split("%")[0]).is_global), None)


def others_may_read(path: str) -> bool:
    """Say whether the file's mode lets other users read it."""
    try:
        return bool(os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
