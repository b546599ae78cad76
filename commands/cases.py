"""`relicwatch cases`: listings put together for a referral."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import AsJson, moment_text, open_home, out, print_record, print_rows, this_user, waiting

app = typer.Typer(help="Cases: listings put together for a referral.", no_args_is_help=True)


@app.command("open")
def cases_open(title: str, listing: Annotated[list[int] | None, typer.Option("--listing")] = None) -> None:
    """Open a case, with listings as exhibits.

    Example: relicwatch cases open "Lamps from one seller" --listing 17 --listing 21
    """
    from storage.audit import AuditChain
    from storage.cases import add_exhibit, open_case
    from storage.search import current_observation

    home, database = open_home()
    chain = AuditChain()
    with database.transaction() as session:
        case = open_case(session, chain, actor=this_user(), title=title, demo=home.is_demo)
        for one in listing or ():
            shown = current_observation(session, one)
            add_exhibit(session, chain, actor=this_user(), case=case, listing_id=one, observation_id=shown)
        reference = case.reference
    out.print(f"{reference} is open.", highlight=False)


@app.command("list")
def cases_list(as_json: AsJson = False) -> None:
    """Cases and how many exhibits they hold. Example: relicwatch cases list"""
    from storage.cases import list_cases

    _, database = open_home()
    with database.reading() as session:
        rows = [
            {
                "reference": case.reference,
                "title": case.title,
                "state": case.state,
                "exhibits": exhibits,
                "opened (UTC)": moment_text(case.opened_at),
                "by": case.opened_by,
            }
            for case, exhibits in list_cases(session)
        ]
    print_rows(rows, as_json)


@app.command("ftm")
def cases_ftm(
    reference: Annotated[str, typer.Argument(metavar="CASE")],
    to: Annotated[Path, typer.Option(help="The file to write: one entity a line.")],
) -> None:
    """Write a case as FollowTheMoney entities for OpenAleph. Machine opinions and human decisions are told apart.

    Example: relicwatch cases ftm RW-2026-0001 --to case.ftm.json
    """
    from crawler.errors import UsageError
    from evidence.follow_the_money import as_lines, case_entities
    from evidence.item import load_listing
    from storage.cases import exhibits_of, find_case

    _, database = open_home()
    with database.reading() as session:
        case = find_case(session, reference)
        if case is None:
            raise UsageError(f"There is no case {reference!r}: `relicwatch cases list` shows them.")
        exhibits = [load_listing(session, listing, exhibit) for exhibit, listing, _ in exhibits_of(session, case)]
        text = as_lines(case_entities(case.reference, exhibits))
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}).") from error
    out.print(f"{to}: {text.count(chr(10))} entities.", highlight=False, markup=False)


@app.command("hand-over")
def cases_hand_over(
    reference: Annotated[str, typer.Argument(metavar="CASE")],
    to: Annotated[Path, typer.Option(help="Directory that gets the bundle.")],
    lang: Annotated[str, typer.Option(help="Languages of the report, with commas: ar,fr,en.")] = "en",
    their_reference: Annotated[str | None, typer.Option("--reference", help="Your own reference on the cover.")] = None,
    asked: Annotated[str | None, typer.Option(help="What is asked of them, on the cover.")] = None,
    handling: Annotated[str | None, typer.Option(help="Handling mark on the cover.")] = None,
) -> None:
    """Write a signed bundle of a case for another installation, which takes it in with `cases receive`.

    Tell them the fingerprint that is shown by another way (letter, telephone): it says that the bundle is yours.

    Example: relicwatch cases hand-over RW-2026-0001 --to out/ --lang ar,en
    """
    from bundling import write_bundle
    from evidence.recipients import UNIT, Request
    from storage.audit import AuditChain

    home, database = open_home()
    with waiting("writing the bundle"):
        bundle = write_bundle(
            database,
            home,
            chain=AuditChain(),
            actor=this_user(),
            to=to,
            case=reference,
            languages=tuple(one.strip() for one in lang.split(",") if one.strip()),
            request=Request(UNIT, their_reference, asked, handling),
        )
    told = f"{bundle.path}\nSHA-256 {bundle.sha256}\nSigned with the key {bundle.signer}: tell it them by another way."
    out.print(told, highlight=False, markup=False, soft_wrap=True)


@app.command("receive")
def cases_receive(
    bundle: Annotated[Path, typer.Argument(help="The zip that another unit handed over.")],
    trust: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="Of their key, as they told it you by another way.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a case from another installation: verified whole, kept whole, and shown as theirs.

    Its decisions and custody log stay theirs. Their key has to be trusted once, with the fingerprint that they tell
    you by letter or telephone.

    Example: relicwatch cases receive relicwatch-RW-2026-0001.zip --trust 3f8a...
    """
    from dataclasses import asdict

    from classifiers.answers.offer import Offer
    from classifiers.registry import load_classifier
    from evidence.receiving import receive_bundle
    from storage.audit import AuditChain

    home, database = open_home()
    classifier = load_classifier(home)
    with waiting("verifying and receiving"):
        got = receive_bundle(
            database,
            home,
            bundle,
            chain=AuditChain(),
            actor=this_user(),
            trust=trust,
            judge=lambda item: classifier.assess(item.page.title or "", item.page.description, Offer.of_item(item)),
        )
    if as_json:
        print_record(asdict(got), True)
        return
    if got.was_known:
        told = f"{got.case} holds this bundle of {got.unit} already: nothing was added."
    else:
        told = (
            f"{got.case}, from {got.unit}: {got.listings} listings ({got.new_listings} new here), {got.decisions} of "
            f"their decisions and {got.custody} entries of their custody log, kept as theirs."
        )
    out.print(told, highlight=False, markup=False, soft_wrap=True)


@app.command("units")
def cases_units(
    distrust: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="This key counts no longer: lost, stolen or replaced.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whose keys are trusted for received cases, since when and by whom. Example: relicwatch cases units"""
    from crawler.errors import UsageError
    from storage.audit import AuditChain
    from storage.received import list_units, say_trust, trust_of

    _, database = open_home()
    with database.transaction() as session:
        if distrust is not None:
            said = trust_of(session, distrust.replace(":", "").strip().lower())
            if said is None or not said.trusted:
                raise UsageError(f"No key {distrust} is trusted: `relicwatch cases units` shows those that are.")
            say_trust(session, AuditChain(), said.fingerprint, name=said.name, trusted=False, actor=this_user())
        rows = [
            {
                "fingerprint": one.fingerprint,
                "unit": one.name,
                "trusted": one.trusted,
                "said (UTC)": moment_text(one.said_at),
                "by": one.said_by,
            }
            for one in list_units(session)
        ]
    print_rows(rows, as_json)
