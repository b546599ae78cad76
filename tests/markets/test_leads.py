from __future__ import annotations

from markets.leads import leads


def test_leads_come_with_the_most_wanted_first() -> None:
    found = leads()
    assert len(found) > 50
    assert [lead.priority for lead in found] == sorted(lead.priority for lead in found)
    assert len({lead.name for lead in found}) == len(found)


def test_a_lead_is_complete_enough_to_begin_a_definition() -> None:
    for lead in leads():
        assert lead.languages, lead.name
        assert lead.search is None or "{query}" in lead.search, lead.name
        assert lead.scraping in ("forbidden", "likely_forbidden", "unclear"), lead.name
        assert all("." in domain and "/" not in domain for domain in lead.domains), lead.name
