"""The time zone of a page that names none: that of the one country which its host, its currency or its language means.

Only countries with one zone for (nearly) all who live there count. A page that could be of several zones has none here:
a guessed hour is a wrong one.
"""

from __future__ import annotations

_ZONES = {
    "Europe/Paris": "FR MC", "Europe/Berlin": "DE", "Europe/Vienna": "AT", "Europe/Zurich": "CH LI",
        "Europe/Rome": "IT SM VA", "Europe/Madrid": "ES", "Europe/Lisbon": "PT", "Europe/London": "GB",
        "Europe/Dublin": "IE", "Europe/Brussels": "BE LU", "Europe/Amsterdam": "NL", "Europe/Warsaw": "PL",
        "Europe/Prague": "CZ SK", "Europe/Budapest": "HU", "Europe/Stockholm": "SE", "Europe/Oslo": "NO",
        "Europe/Copenhagen": "DK", "Europe/Helsinki": "FI EE", "Europe/Riga": "LV LT", "Europe/Athens": "GR CY",
        "Europe/Sofia": "BG", "Europe/Bucharest": "RO MD", "Europe/Belgrade": "RS BA HR SI MK ME AL XK",
        "Europe/Istanbul": "TR", "Europe/Kyiv": "UA", "Europe/Minsk": "BY", "Asia/Jerusalem": "IL",
        "Asia/Gaza": "PS", "Asia/Beirut": "LB", "Asia/Damascus": "SY", "Asia/Amman": "JO",
        "Asia/Baghdad": "IQ", "Asia/Riyadh": "SA KW QA BH YE", "Asia/Dubai": "AE OM", "Asia/Tehran": "IR",
        "Africa/Cairo": "EG", "Africa/Tripoli": "LY", "Africa/Tunis": "TN", "Africa/Algiers": "DZ",
        "Africa/Casablanca": "MA", "Africa/Khartoum": "SD", "Africa/Lagos": "NG", "Africa/Nairobi": "KE",
        "Africa/Johannesburg": "ZA", "Asia/Kolkata": "IN LK", "Asia/Karachi": "PK", "Asia/Kabul": "AF",
        "Asia/Dhaka": "BD", "Asia/Kathmandu": "NP", "Asia/Tokyo": "JP", "Asia/Seoul": "KR",
        "Asia/Shanghai": "CN", "Asia/Taipei": "TW", "Asia/Hong_Kong": "HK", "Asia/Singapore": "SG MY",
        "Asia/Bangkok": "TH VN KH LA", "Asia/Manila": "PH", "Asia/Tashkent": "UZ", "Asia/Tbilisi": "GE",
        "Asia/Yerevan": "AM", "Asia/Baku": "AZ", "America/Bogota": "CO", "America/Lima": "PE",
        "America/Argentina/Buenos_Aires": "AR", "America/Montevideo": "UY", "Pacific/Auckland": "NZ",
}  # fmt: skip
_ZONE_OF_COUNTRY = {country: zone for zone, countries in _ZONES.items() for country in countries.split()}
_ZONE_OF_LANGUAGE = {
    pair[:2]: _ZONE_OF_COUNTRY[pair[3:]]
    for pair in [
        "de-DE",
        "it-IT",
        "nl-NL",
        "pl-PL",
        "cs-CZ",
        "sk-SK",
        "hu-HU",
        "sv-SE",
        "da-DK",
        "no-NO",
        "nb-NO",
        "fi-FI",
        "el-GR",
        "bg-BG",
        "ro-RO",
        "tr-TR",
        "uk-UA",
        "he-IL",
        "fa-IR",
        "ja-JP",
        "ko-KR",
    ]
}
"""Languages whose pages keep one clock, wherever they stand: German ones in Berlin, Vienna and Zurich alike."""
_ZONE_OF_TENDER = {("fr", "EUR"): "Europe/Paris", ("es", "EUR"): "Europe/Madrid", ("pt", "EUR"): "Europe/Lisbon"}
_MONEY_OF_MANY = frozenset({"EUR", "USD", "XOF", "XAF", "XCD", "XPF"})


def zone_of(country: str | None, currency: str | None, language: str | None) -> str | None:
    """The zone's name, or None where these leave several open."""
    if country:
        return _ZONE_OF_COUNTRY.get(country)
    if currency and currency not in _MONEY_OF_MANY:
        return _ZONE_OF_COUNTRY.get(currency[:2])
    return _ZONE_OF_LANGUAGE.get(language or "") or _ZONE_OF_TENDER.get((language or "", currency or ""))
