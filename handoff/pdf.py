"""A page that stands alone becomes a PDF, where WeasyPrint is installed (the extra `pdf`)."""

from functools import cache
from typing import Any

PDF_KIND = "pdf/ua-1"
"""Tagged, so that a screen reader can read it (ISO 14289-1)."""


@cache
def is_installed() -> bool:
    """False without the extra, and without the libraries of the system that it stands on (Pango)."""
    try:
        _weasyprint()
    except (ImportError, OSError):
        return False
    return True


def made(html: str) -> bytes:
    """The PDF's bytes. A record is made of what is in it: whatever else it names is fetched from nowhere, not even from
    this computer. Takes a good part of a second, so it is called on a thread."""
    weasyprint = _weasyprint()
    nowhere = weasyprint.urls.URLFetcher(allowed_protocols=())
    made_of: bytes = weasyprint.HTML(string=html, url_fetcher=nowhere).write_pdf(pdf_variant=PDF_KIND)
    return made_of


def _weasyprint() -> Any:
    import weasyprint
    import weasyprint.urls

    return weasyprint
