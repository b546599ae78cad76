"""What walking never fetches: pictures, fonts, films, sound, and the scripts that count and follow visitors.

Walking reads text; photographs come over HTTP, one a listing, and all of them in a capture job, where nothing is
blocked. Pictures and fonts are switched off in the engine itself, which costs nothing a request; the rest by address.
"""

from __future__ import annotations

ARGUMENTS = ("--blink-settings=imagesEnabled=false", "--disable-remote-fonts")
"""Chromium's switches for a browser that walks."""

_MEDIA = ("mp4", "m4v", "webm", "ogv", "mov", "m3u8", "mpd", "mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac")
_TRACKERS = """
    google-analytics.com googletagmanager.com googletagservices.com doubleclick.net googlesyndication.com
    googleadservices.com adservice.google.com connect.facebook.net pixel.facebook.com analytics.tiktok.com
    ads-twitter.com analytics.twitter.com bat.bing.com clarity.ms snap.licdn.com px.ads.linkedin.com ct.pinterest.com
    hotjar.com hotjar.io fullstory.com mouseflow.com luckyorange.com crazyegg.com heapanalytics.com mixpanel.com
    amplitude.com segment.io segment.com scorecardresearch.com quantserve.com chartbeat.com chartbeat.net
    newrelic.com nr-data.net criteo.com criteo.net taboola.com outbrain.com adnxs.com rubiconproject.com
    amazon-adsystem.com pubmatic.com openx.net mc.yandex.ru matomo.cloud plausible.io statcounter.com
"""
"""Third parties that watch visitors and sell advertising; no listing comes from any of them."""


def blocked_addresses() -> list[str]:
    """Patterns as DevTools' Network.setBlockedURLs takes them."""
    endings = [f"*.{ending}{after}" for ending in _MEDIA for after in ("", "?*")]
    hosts = [f"*://{before}{host}/*" for host in _TRACKERS.split() for before in ("", "*.")]
    return [*endings, *hosts, "*/favicon.ico"]
