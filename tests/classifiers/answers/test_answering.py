"""The answers on listings as sellers write them, in seven languages; and what holds for any text at all."""

from __future__ import annotations

import cProfile
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.answers.offer import Offer
from crawler.answer_records import alarm_records, answers_record
from tests.classifiers.answers.asking import ask, ask_all, every_reason

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("title", "type_", "period", "first", "last", "basis"),
    [
        ("Roman bronze fibula, 2nd century AD, uncleaned", "jewellery", "roman", 101, 200, "text"),
        ("Egyptian faience ushabti, Late Period 664-332 BC", "shabti", "egypt_pharaonic", -664, -332, "text"),
        ("Byzantine gold solidus of Justinian AD 527-565", "ancient_coin", "byzantine_coptic", 527, 565, "text"),
        ("Cuneiform tablet, Ur III, ca. 2050 BC", "cuneiform_tablet", "sumerian", -2050, -2050, "text"),
        ("Lampe à huile romaine en terre cuite, Ier-IIe siècle ap. J.-C.", "oil_lamp", "roman", 1, 200, "text"),
        ("Amphore punique, IIIe siècle av. J.-C.", "pottery_vessel", "punic_numidian", -300, -201, "text"),
        ("سراج فخاري روماني قديم", "oil_lamp", "roman", -509, 476, "period"),
        ("تمثال أوشابتي فرعوني أصلي", "shabti", "egypt_pharaonic", -3100, -332, "period"),
        ("Römische Öllampe, 1.-2. Jh. n. Chr.", "oil_lamp", "roman", 1, 200, "text"),
        ("Etruskische Bronzestatuette, 5. Jh. v. Chr.", "bronze_object", "etruscan_italic", -500, -401, "text"),
        ("Lucerna romana, siglo I d.C.", "oil_lamp", "roman", 1, 100, "text"),
        ("Moneda ibérica de Obulco, denario siglo II a.C.", "ancient_coin", "iberian_celtic", -200, -101, "text"),
        ("Lekythos attica a figure nere, V secolo a.C.", "pottery_vessel", "greek", -500, -401, "text"),
        ("Roma dönemi pişmiş toprak kandil", "oil_lamp", "roman", -509, 476, "period"),
        ("Bizans sikkesi, 6. yüzyıl", "ancient_coin", "byzantine_coptic", 501, 600, "text"),
    ],
)
def test_type_period_and_years_are_read(classifier, title, type_, period, first, last, basis):
    answers = ask(classifier, title)
    assert answers.types[0].id == type_
    assert answers.periods[0].id == period
    assert answers.years is not None
    assert (answers.years.first, answers.years.last, answers.years.basis) == (first, last, basis)
    assert answers.types[0].reasons and answers.types[0].reasons[0].text in title


def test_a_year_of_purchase_is_not_the_age_of_the_object(classifier):
    answers = ask(classifier, "Roman oil lamp", "Terracotta. Acquired in 1962 in London, invoice from 1968.")
    assert answers.years is not None
    assert answers.years.basis == "period"


@pytest.mark.parametrize(
    ("title", "description", "country", "basis"),
    [
        ("Cylinder seal, Mesopotamia", None, "IQ", "words"),
        ("Sumerian clay cone", None, "IQ", "culture"),
        ("Tête en calcaire, Palmyre", "Collection privée suisse.", "SY", "words"),
        ("رأس تمثال سبئي من مأرب", None, "YE", "words"),
        ("Sabäische Stele, Alabaster", None, "YE", "culture"),
        ("Vaso apulo a figure rosse", None, "IT", "words"),
        ("Terracotta Nok, Nigeria", None, "NG", "words"),
    ],
)
def test_the_likely_country_is_named_or_follows_from_a_culture_of_few_countries(
    classifier, title, description, country, basis
):
    origins = ask(classifier, title, description).origins
    assert (origins[0].id, origins[0].basis) == (country, basis)


@pytest.mark.parametrize("text", ["قطر 16 مم", "رأس أثينا", "found in the attic", "دقة عالية في النحت"])
def test_a_word_that_is_a_place_too_names_no_country(classifier, text):
    assert ask(classifier, "Roman bronze coin عملة رومانية", text).origins == []


@pytest.mark.parametrize(
    "description",
    [
        "From a Lebanese private collection.",
        "Ancienne collection libanaise.",
        "Ships from: Lebanon",
        "Will not ship to Lebanon.",
        "Aus libanesischer Sammlung, Versand nach Libanon.",
    ],
)
def test_who_held_it_and_where_it_is_sent_are_no_origin(classifier, description):
    assert ask(classifier, "Roman glass flask", description).origins == []


@pytest.mark.parametrize(
    "description",
    [
        "Not from Syria.",
        "This is not from Syria or Iraq.",
        "Ne vient pas de Syrie.",
        "Pas de Syrie ni d'Irak, pièce d'une succession.",
        "ليس من سوريا",
        "القطعة مو من سوريا ولا من العراق",
        "Nicht aus Syrien.",
        "No procede de Siria.",
        "Non proviene dalla Siria.",
        "Suriye kökenli değil.",
    ],
)
def test_a_country_that_the_text_keeps_out_is_no_origin_and_no_conflict_zone(classifier, description):
    answers = ask(classifier, "Roman glass flask, verre romain, زجاج روماني", description)
    assert answers.origins == []
    assert "conflict_zone_culture_match" not in {flag.id for flag in answers.red_flags}


@pytest.mark.parametrize(
    "description", ["No papers, Syria.", "Not cleaned. From Syria.", "Sans papiers, Syrie.", "ليس له أوراق، سوريا"]
)
def test_what_is_denied_of_something_else_leaves_the_country_named(classifier, description):
    assert [origin.id for origin in ask(classifier, "Roman glass flask", description).origins] == ["SY"]


def test_a_culture_of_a_country_still_points_there_when_the_seller_denies_it(classifier):
    assert ask(classifier, "Sumerian clay cone", "Not from Iraq.").origins[0].id == "IQ"


def test_isis_in_capitals_beside_words_of_war_is_no_goddess(classifier):
    assert ask(classifier, "Coin struck by ISIS, Islamic State 2015").periods == []
    assert [one.id for one in ask(classifier, "ISIS BRONZE STATUETTE SUCKLING HORUS").periods] == ["egypt_pharaonic"]


@pytest.mark.parametrize(
    ("title", "first", "last"),
    [
        ("Egyptian bronze of Osiris, Late Period", -664, -332),
        ("Oushebti en faïence, Basse Époque", -664, -332),
        ("جعران من الدولة الحديثة", -1550, -1069),
        ("Uschebti, Neues Reich oder Spätzeit", -1550, -332),
        ("Hellenistic silver tetradrachm, Greek", -323, -31),
    ],
)
def test_a_phase_that_is_named_narrows_the_years_of_its_period(classifier, title, first, last):
    years = ask(classifier, title).years
    assert years is not None
    assert (years.first, years.last, years.basis) == (first, last, "period")


@pytest.mark.parametrize("title", ["Lampe romaine en terre cuite", "Statuette de femme en terre cuite, Tanagra"])
def test_terracotta_beside_a_type_is_its_material_and_no_vessel(classifier, title):
    answers = ask(classifier, title)
    assert "pottery_vessel" not in [one.id for one in answers.types]
    assert "terracotta" in [one.id for one in answers.materials]


def test_a_wide_culture_alone_points_to_no_country_and_no_red_list(classifier):
    answers = ask(classifier, "Roman oil lamp, terracotta")
    assert answers.origins == []
    assert answers.red_list == []


@pytest.mark.parametrize(
    ("title", "list_", "category", "emergency"),
    [
        ("Palmyrene funerary bust, limestone", "syria", "statue_sculpture", True),
        ("Cuneiform tablet from Umma", "iraq", "cuneiform_tablet", True),
        ("أوشابتي من سقارة", "egypt", "shabti", True),
        ("Tête de bouddha en schiste, Gandhara, Afghanistan", "afghanistan", "gandhara_sculpture", False),
        ("Oil lamp from Leptis Magna, Libya", "libya", "oil_lamp", True),
        ("Vaso mochica, Perú, ánfora", "peru", "pottery_vessel", False),
    ],
)
def test_type_and_origin_give_the_red_list_category(classifier, title, list_, category, emergency):
    entries = ask(classifier, title).red_list
    assert (list_, category, emergency) in {(entry.list, entry.category, entry.emergency) for entry in entries}


@pytest.mark.parametrize(
    ("title", "description", "band"),
    [
        ("Museum replica of a Roman oil lamp", "Resin.", "strong"),
        ("Réplique d'oushebti, souvenir d'Égypte", None, "strong"),
        ("تمثال فرعوني نسخة طبق الأصل ديكور", None, "strong"),
        ("Replik einer römischen Öllampe", None, "strong"),
        ("Réplica de lucerna romana", None, "strong"),
        ("Riproduzione di lucerna romana", None, "strong"),
        ("Roma kandili replika", None, "strong"),
        ("Monnaie romaine non authentique", None, "strong"),
        ("Greek head, museum cast", None, "strong"),
        ("جعران فرعوني مو أصلي", None, "strong"),
        ("Roma sikkesi orijinal değil", None, "strong"),
        ("Roman denarius", "Money back if not genuine.", "none"),
        ("Roman oil lamp, not a replica", None, "none"),
        ("Oushebti en faïence", "Ce n'est pas une réplique", "none"),
        ("Römische Öllampe", "Original, keine Replik", "none"),
        ("Roma kandili, replika değil", None, "none"),
        ("Roman oil lamp, 2nd century", "Published in a catalogue of 1998.", "none"),
        ("Roman bronze fibula", None, "none"),
    ],
)
def test_a_replica_is_told_from_what_its_seller_denies(classifier, title, description, band):
    assert ask(classifier, title, description).replica_band == band


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Sold without provenance, no paperwork.", "no_provenance"),
        ("Trouvé dans un champ par mon oncle.", "found_in_ground"),
        ("طالع من الأرض", "found_in_ground"),
        ("tarladan çıktı", "found_in_ground"),
        ("found in a field near the river", "found_in_ground"),
        ("trouvées au détecteur", "found_in_ground"),
        ("مستخرج من تحت الأرض", "found_in_ground"),
        ("لقيناها واحنا نحفر بالمزرعة", "found_in_ground"),
        ("لقيناها فالحفر ديال الدار", "found_in_ground"),
        ("Trouvé en labourant chez mon grand-père", "found_in_ground"),
        ("لقيتها في المزرعة", "found_in_ground"),
        ("Encontrado con detector en Sevilla", "found_in_ground"),
        ("Kazıdan çıkma", "found_in_ground"),
        ("Livraison depuis la Turquie", "ships_from_source_or_transit"),
        ("trovata in campagna col metal detector", "found_in_ground"),
        ("Encontrada en el campo, sin documentos", "found_in_ground"),
        ("Detektorfund vom Acker", "found_in_ground"),
        ("Ungereinigt, mit Erdresten.", "soil_uncleaned"),
        ("WhatsApp uniquement", "move_to_private_chat"),
        ("Call +963912345678", "move_to_private_chat"),
        ("write t.me/oldthings", "move_to_private_chat"),
        ("للجادين فقط", "serious_buyers_expert"),
        ("No envío a Italia.", "refuses_country"),
        ("We will not ship to Egypt.", "refuses_country"),
        ("Inked number IM 45678 on the base.", "museum_number"),
        ("espèces uniquement", "cash_or_handover"),
        ("Ships from: Syria", "ships_from_source_or_transit"),
    ],
)
def test_a_red_flag_is_raised_with_its_words(classifier, text, flag):
    found = {finding.id: finding for finding in ask(classifier, "Roman oil lamp", text).red_flags}
    assert flag in found
    assert found[flag].weight > 0
    assert all(reason.text in text for reason in found[flag].reasons)


def test_silence_about_provenance_is_a_flag_that_a_claim_takes_away(classifier):
    silent = ask(classifier, "Roman oil lamp")
    assert [(flag.id, flag.basis) for flag in silent.red_flags] == [("no_provenance", "unsaid")]
    assert "no_provenance" not in {
        flag.id for flag in ask(classifier, "Roman oil lamp", "Invoice from 1968.").red_flags
    }


def test_a_cheap_sale_counts_only_beside_other_flags(classifier):
    alone = ask(classifier, "Roman oil lamp", "No reserve. Invoice from 1968.")
    beside = ask(classifier, "Roman oil lamp", "No reserve. Found in field. Invoice from 1968.")
    assert alone.red_flags == []
    assert {flag.id for flag in beside.red_flags} == {"price_too_low", "found_in_ground"}


def test_a_collection_with_a_year_and_a_paper_is_no_vague_one(classifier):
    vague = ask(classifier, "Roman oil lamp", "Old private collection.")
    dated = ask(classifier, "Roman oil lamp", "Old private collection, acquired in 1962, invoice from 1962.")
    assert "vague_old_collection" in {flag.id for flag in vague.red_flags}
    assert "vague_old_collection" not in {flag.id for flag in dated.red_flags}


def test_a_lone_certificate_is_a_mild_flag_and_no_reassurance(classifier):
    answers = ask(classifier, "Roman oil lamp", "Comes with a certificate of authenticity.")
    assert [(flag.id, flag.weight) for flag in answers.red_flags] == [("weak_certificate", 0.5)]
    assert answers.reassurance == []


@pytest.mark.parametrize(
    ("text", "reassurance"),
    [
        ("Acquired in 1962, published in a catalogue of 1965.", {"documented_pre_1970"}),
        ("Before 1970, with the original invoice.", {"documented_pre_1970"}),
        ("Avant 1970, facture d'achat.", {"documented_pre_1970"}),
        ("مقتناة قبل 1970 مع فاتورة", {"documented_pre_1970"}),
        ("Rechnung von 1968, vor 1970 erworben", {"documented_pre_1970"}),
        ("1968 yılında satın alındı, faturası mevcut", {"documented_pre_1970"}),
        ("Acquired in 1962.", set()),
        ("Bought 1985, invoice.", set()),
        ("Export licence no. AB-1234/56", {"export_licence"}),
        ("sans licence d'exportation", set()),
        ("Recorded with the PAS, WILT-A1B2C3", {"treasure_disclaimed"}),
        ("Art Loss Register certificate", {"art_loss_register"}),
    ],
)
def test_reassurance_needs_what_can_be_checked(classifier, text, reassurance):
    answers = ask(classifier, "Roman oil lamp", text)
    assert {finding.id for finding in answers.reassurance} == reassurance
    assert all(finding.weight < 0 for finding in answers.reassurance)


def test_an_export_licence_with_its_number_weighs_twice_as_much(classifier):
    without = ask(classifier, "Roman oil lamp", "Export licence available").reassurance[0].weight
    numbered = ask(classifier, "Roman oil lamp", "Export licence no. AB-1234/56").reassurance[0].weight
    assert numbered == 2 * without == -4


def test_a_date_before_the_country_s_own_law_lowers_the_rank_and_hides_nothing(classifier):
    bare = ask(classifier, "Egyptian faience ushabti", "Found in field.")
    documented = ask(
        classifier, "Egyptian faience ushabti", "Found in field. Acquired in 1962 in Cairo, invoice from 1962."
    )
    assert {"documented_pre_1970", "before_national_cutoff"} == {one.id for one in documented.reassurance}
    assert documented.points < bare.points
    assert "found_in_ground" in {flag.id for flag in documented.red_flags}
    assert documented.priority is not None


def test_the_country_s_own_laws_come_all_and_oldest_first(classifier):
    dates = ask(classifier, "Egyptian faience ushabti").provenance.dates
    own = [one for one in dates if one.law.startswith("EG:")]
    assert [one.date for one in own] == ["1835", "1869", "1912", "1951", "1983", "2010", "2018", "2020"]
    assert {one.date for one in own if one.confirmed} == {"1869", "1912", "1983"}


@pytest.mark.parametrize(
    ("description", "claim"),
    [
        (None, "none"),
        ("Old private collection.", "undated"),
        ("Acquired in 1985.", "later"),
        ("Acquired in 1962.", "earlier_without_paper"),
        ("Acquired in 1962, invoice.", "earlier_with_paper"),
        ("Collected in the 1960s.", "earlier_without_paper"),
        ("Collected in the 1970s.", "later"),
        ("Rapportée dans les années 1960.", "earlier_without_paper"),
        ("Rapportée par un plongeur dans les années 1970.", "later"),
        ("Erworben in den 1960er Jahren.", "earlier_without_paper"),
        ("Acquistata negli anni 1970.", "later"),
        ("Adquirida en 1965, factura.", "earlier_with_paper"),
        ("Acquistata nel 1962, pubblicata in un catalogo.", "earlier_with_paper"),
        ("1968 yılında satın alındı.", "earlier_without_paper"),
        ("اشتراها عام 1965", "earlier_without_paper"),
    ],
)
def test_each_date_says_what_is_claimed_of_the_time_before(classifier, description, claim):
    dates = ask(classifier, "Roman oil lamp", description).provenance.dates
    assert {one.law: one.claim for one in dates}["unesco_1970"] == claim


@pytest.mark.parametrize(
    ("title", "there", "absent"),
    [
        ("Cuneiform tablet from Iraq", {"unsc_661", "unsc_1483", "eu_1210_2003"}, {"eu_36_2012"}),
        ("Limestone bust, Palmyra", {"unsc_2199", "eu_36_2012"}, {"unsc_661"}),
        ("Roman oil lamp", {"unesco_1970"}, {"unsc_661", "unsc_2199", "underwater_2001"}),
        ("Amphore romaine, concrétions marines, épave", {"underwater_2001"}, {"unsc_661"}),
    ],
)
def test_sanctions_dates_are_shown_for_their_country_alone(classifier, title, there, absent):
    laws = {one.law for one in ask(classifier, title).provenance.dates}
    assert there <= laws
    assert not absent & laws


def test_the_import_rules_of_the_union_follow_age_and_value(classifier):
    def rules(title: str, price: str | None = None, currency: str | None = None) -> dict[str, str | None]:
        amount = Decimal(price) if price else None
        dates = ask(classifier, title, None, Offer(amount, currency, seen_at=NOW)).provenance.dates
        return {one.law: one.note for one in dates if one.law.startswith("eu_2019_880")}

    statue = "Egyptian limestone statue, Late Period"
    assert rules(statue, "500", "EUR") == {"eu_2019_880_b": None}
    assert set(rules("Egyptian funerary bust, Late Period", "30000", "EUR")) == {"eu_2019_880_b", "eu_2019_880_c"}
    assert rules("Egyptian funerary bust, Late Period", "18100", "EUR")["eu_2019_880_c"] == "value_near"
    assert rules("Egyptian funerary bust, Late Period")["eu_2019_880_c"] == "value_unknown"
    assert rules("Egyptian funerary bust, Late Period", "500000", "XTS")["eu_2019_880_c"] == "value_unknown"
    assert "eu_2019_880_c" in rules("Egyptian funerary bust, Late Period", "2000000", "EGP")
    assert "eu_2019_880_c" not in rules("Egyptian funerary bust, Late Period", "20000", "EGP")
    assert rules("Vaso apulo a figure rosse, Italia", "30000", "EUR") == {}
    assert rules("Roman oil lamp", "10", "EUR") == {"eu_2019_880_b": "origin_unknown"}


@pytest.mark.parametrize(
    ("title", "description", "ends_in", "level", "why"),
    [
        ("Cuneiform tablet", "Inked number IM 45678", None, 2, "museum_number"),
        ("سراج روماني من تدمر", "طالع من الأرض", None, 3, "conflict_zone_find"),
        ("Phrygian bronze fibula", "Found in field", None, 7, "no_rule_before"),
        ("Akkadian cylinder seal", "Found in field", None, 3, "conflict_zone_find"),
        ("Roman oil lamp", None, 5, 4, "ends_within_24_hours"),
        ("Roman oil lamp", None, 50, 4, "ends_within_72_hours"),
        ("Roman oil lamp", None, 500, 7, "no_rule_before"),
        ("Roman oil lamp", None, -5, 7, "no_rule_before"),
        ("Roman oil lamp", "Found in field in Italy", None, 7, "no_rule_before"),
    ],
)
def test_the_priority_follows_the_order_of_work(classifier, title, description, ends_in, level, why):
    ends_at = NOW + timedelta(hours=ends_in) if ends_in is not None else None
    priority = ask(classifier, title, description, Offer(Decimal(900000), "EUR", None, ends_at, NOW)).priority
    assert (priority.level, priority.why) == (level, why)
    assert priority.value_eur == 900000


def test_a_museum_number_must_be_seen_whatever_the_score(classifier):
    assert ask(classifier, "Cuneiform tablet", "Inked number IM 45678").priority.must_be_seen
    assert not ask(classifier, "Cuneiform tablet").priority.must_be_seen


def test_a_place_of_dispatch_beside_the_text_is_read(classifier):
    sent = {
        flag.id: flag for flag in ask(classifier, "Roman oil lamp", None, Offer(location="Beirut, Lebanon")).red_flags
    }
    assert sent["ships_from_source_or_transit"].basis == "location"
    from_london = ask(classifier, "Roman oil lamp", None, Offer(location="London, United Kingdom")).red_flags
    assert "ships_from_source_or_transit" not in {flag.id for flag in from_london}


def test_a_listing_that_names_no_antiquity_is_asked_no_more_than_it_needs(classifier):
    for title in ("Samsung phone 128 GB", "Museum replica of an Egyptian ushabti, resin"):
        answers = classifier.assess(title, None).answers
        assert answers.provenance is None
        assert answers.priority is None
        assert answers.red_flags == []


def test_one_listing_answers_the_same_alone_and_in_a_batch(classifier):
    listings = [
        ("Roman oil lamp", "Found in field, Syria. WhatsApp only"),
        ("هاتف جديد", None),
        ("Egyptian faience ushabti 664-332 BC", "Acquired in 1962, invoice"),
    ]
    together = [one.answers for one in classifier.assess_many(listings)]
    assert together == [classifier.assess(*listing).answers for listing in listings]


_SEEDS = (
    "Roman oil lamp سراج روماني تدمر طفل زوهري كنز الخمس نسبة replica not a keine Replik değil IM 1234 t.me/x 1962 "
    "acquired before 1970 invoice Export licence no. AB-12345 Egypt collection ships from Dubai Ⅻ ﷺ İ ß 🏺 "
    "IIe siècle av. J.-C. 3rd millennium BC 5 Jh. v. Chr. القرن الثالث الهجري 00963912345678 o̲l̲d̲ \u200f"
)
_WORDS = st.sampled_from(_SEEDS.split(" "))
_TEXTS = st.one_of(st.text(max_size=120), st.lists(_WORDS, max_size=30).map(" ".join))


@settings(max_examples=250, deadline=None)
@given(title=_TEXTS, description=st.one_of(st.none(), _TEXTS))
def test_any_text_is_answered_and_every_reason_quotes_it(classifier, title, description):
    answers, alarms = ask_all(classifier, title, description)
    texts = {"title": title, "description": description or ""}
    for reason in [*every_reason(answers), *(reason for alarm in alarms for reason in alarm.reasons)]:
        assert reason.start < reason.end
        assert texts[reason.field][reason.start : reason.end] == reason.text
    record = {"answers": answers_record(answers), "alarms": alarm_records(alarms)}
    assert json.loads(json.dumps(record)) == record


def test_the_place_of_dispatch_is_no_origin(classifier):
    answers = ask(classifier, "Lampe à huile romaine", "Trouvée en Tunisie. Livraison depuis la Turquie.")
    assert [origin.id for origin in answers.origins] == ["TN"]


@pytest.mark.parametrize("text", ["zouhri child treasure ", "khums share statue ", "not a replica ", "IIe siècle "])
def test_a_text_full_of_one_sign_costs_about_what_its_length_does(classifier, text):
    def calls(characters):
        few = text * (characters // len(text))
        profile = cProfile.Profile()
        profile.runcall(classifier.assess, "Roman statue", few)
        return sum(entry.callcount for entry in profile.getstats())

    classifier.assess("Roman statue", text)
    assert calls(5600) < 6 * calls(1400)
