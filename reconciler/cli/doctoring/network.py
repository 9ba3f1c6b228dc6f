"""The way to the vendors: proxies and certificates that the environment names. Asks nobody."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.console import MASKER
from reconciler.core.errors import InvalidInput
from reconciler.core.examination import doubtful, fine, wrong
from reconciler.providers import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined

_IGNORED: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that other programs obey, and httpx does not."""


def proxies_examined(case: Case) -> Iterator[Examined]:
    """Tell which address is reached through which proxy. Whoever may use the proxy is not told."""
    from urllib.request import getproxies

    proxies = getproxies()  # what httpx itself goes by
    for address in proxies.values():
        _hide_userinfo(address)
    told = ", ".join(_ways(case, proxies)) or "no account to reach"
    broken = sorted(
        name for name, address in proxies.items() if name != "no" and not _is_proxy(address)
    )
    if broken:
        variable = f"{broken[0].upper()}_PROXY"
        what = f"{variable} is not the address of a proxy; {told}"
        yield wrong("proxies", what, f"export {variable}=http://proxy.example:3128")
        return
    names = sorted(f"{name.upper()}_PROXY" for name in proxies)
    yield fine("proxies", f"{', '.join(names) or 'none set'}; {told}")


def _ways(case: Case, proxies: Mapping[str, str]) -> Iterator[str]:
    """Yield how each vendor is reached."""
    from urllib.request import proxy_bypass

    import httpx

    from reconciler.wire.transport import is_loopback

    for vendor, address in _addresses(case):
        url = httpx.URL(address)
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if is_loopback(address):
            yield f"{vendor} directly: it is on this machine"
        elif not proxy or proxy_bypass(url.host):
            yield f"{vendor} directly"
        else:
            yield f"{vendor} through {_without_userinfo(proxy)}"


def certificates_examined(case: Case) -> Iterator[Examined]:
    """Tell which certificates are trusted, by the variables that are obeyed and those that are not."""
    from reconciler.wire.transport import is_loopback

    here = sorted(vendor for vendor, address in _addresses(case) if is_loopback(address))
    unused = f"; not for {' and '.join(here)}, on this machine" if here else ""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:  # an SSLError is one
            why = "no certificates" if isinstance(error, ssl.SSLError) else error.strerror
            mend = "unset SSL_CERT_FILE   # or name a PEM file"
            yield wrong("certificates", f"SSL_CERT_FILE {file}: {why}", mend)
            return
        yield fine("certificates", f"those of SSL_CERT_FILE {file}{unused}")
    elif folder:
        if not Path(folder).is_dir():
            mend = "unset SSL_CERT_DIR   # or name a folder"
            yield wrong("certificates", f"SSL_CERT_DIR {folder}: there is no such folder", mend)
            return
        yield fine("certificates", f"those of SSL_CERT_DIR {folder}{unused}")
    elif ignored := next((name for name in _IGNORED if os.environ.get(name)), None):
        words = f"{ignored} is set, and is not obeyed here: the usual authorities are trusted"
        yield doubtful("certificates", words, f'export SSL_CERT_FILE="${ignored}"')
    else:
        yield fine("certificates", "the usual authorities")


def _addresses(case: Case) -> Iterator[tuple[str, str]]:
    """Yield the address of each account whose vendor says what it is; one that cannot be used is told later."""
    from reconciler.wire.transport import checked_base_url

    settings: Mapping[str, object] = case.loaded.settings if case.loaded is not None else {}
    for vendor, given in settings.items():
        profile = getattr(registry.account_type(vendor), "profile", None)
        address = getattr(given, "base_url", None) or getattr(profile, "base_url", None)
        if not address:
            continue
        try:
            yield vendor, checked_base_url(str(address))
        except InvalidInput:
            continue


def _is_proxy(address: str) -> bool:
    import httpx

    try:
        url = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https", "socks5", "socks5h"} and bool(url.host)


def _without_userinfo(address: str) -> str:
    scheme, _, rest = address.rpartition("://")
    host = rest.rpartition("@")[2].partition("/")[0]
    return f"{scheme or 'http'}://{host}"


def _hide_userinfo(address: str) -> None:
    """Mask a proxy's password, also if it comes up elsewhere."""
    from urllib.parse import unquote

    userinfo, found, _ = address.rpartition("://")[2].rpartition("@")
    password = userinfo.partition(":")[2]
    if found and password:
        MASKER.add(password)
        MASKER.add(unquote(password))
