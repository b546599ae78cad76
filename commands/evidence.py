"""Captures, bundles and their check: `capture`, `export`, `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.terminal import AsJson, open_home, out, print_record, this_user, waiting
from crawler.errors import UsageError

app = typer.Typer()


@app.command("capture")
def capture_command(
    url: Annotated[str | None, typer.Argument(help="The address of a stored listing.")] = None,
    listing_id: Annotated[int | None, typer.Option("--listing", help="Which listing to capture.")] = None,
) -> None:
    """Capture a stored listing as evidence now: page, images, screenshots, DOM, the seller's page and the terms.

    Example: relicwatch capture https://auction.example/sale/3/lot/14
    """
    import uuid

    from storage.imports import check_fetchable, listing_at
    from storage.jobs import claim_job, insert_job
    from storage.leases import process_holder
    from work import run_job

    if (url is None) == (listing_id is None):
        raise UsageError("Say what to capture: the address of a stored listing, or --listing ID.")
    home, database = open_home()
    with database.transaction() as session:
        if url is not None:
            listing_id = listing_at(session, url)
        assert listing_id is not None
        check_fetchable(session, listing_id)
        arguments = {"listing_id": listing_id, "reason": "a person's request", "actor": this_user()}
        job = insert_job(session, "capture", arguments, f"capture:request:{uuid.uuid4()}")
        assert job is not None
        job_id = job.id
    claimed = claim_job(database, process_holder(), job_id=job_id)
    if claimed is None:
        out.print(f"The running scheduler has taken it: job {job_id} captures listing {listing_id}.", highlight=False)
        return
    print_record(run_job(database, home, claimed), False)


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Directory that gets the bundle.")],
    case: Annotated[str | None, typer.Option(help="Reference of the case.")] = None,
    listing: Annotated[int | None, typer.Option(help="One listing alone.")] = None,
    lang: Annotated[str, typer.Option(help="Languages of the report, with commas: ar,fr,en.")] = "en",
    recipient: Annotated[
        Literal["police", "customs", "ministry", "platform", "expert", "unit"] | None,
        typer.Option(
            "--for",
            help="Puts a cover sheet before it. police, customs: all of it; ministry: object sheet, text and pictures; "
            "platform: no opinion, decisions and log; expert: text and pictures without seller; unit: "
            "all of it, for another installation that receives it.",
        ),
    ] = None,
    asked: Annotated[str | None, typer.Option(help="What is asked of them, on the cover.")] = None,
    handling: Annotated[str | None, typer.Option(help="Handling mark on the cover.")] = None,
    reference: Annotated[str | None, typer.Option(help="Your own reference on the cover.")] = None,
    redact: Annotated[
        bool, typer.Option(help="A copy without captured pages, the seller's names and contacts, for whomever.")
    ] = False,
) -> None:
    """Write an evidence bundle: signed, verifiable with nothing but itself.

    Where the recipient is not given all of it, the whole bundle is sealed in the home first, and what is written to
    --to is a copy that lists what was left out by its hash.

    Example: relicwatch export --case RW-2026-0001 --to out/ --lang ar,fr,en --for customs
    """
    from bundling import write_bundle
    from evidence.recipients import Request
    from storage.audit import AuditChain

    if (case is None) == (listing is None):
        raise UsageError("Say what to export: --case REFERENCE or --listing ID, one of them.")
    covered = recipient or asked or handling or reference or redact
    request = Request(recipient, reference, asked, handling, redact) if covered else None
    home, database = open_home()
    with waiting("writing the bundle"):
        bundle = write_bundle(
            database,
            home,
            chain=AuditChain(),
            actor=this_user(),
            to=to,
            case=case,
            listing_id=listing,
            languages=tuple(one.strip() for one in lang.split(",") if one.strip()),
            request=request,
        )
    out.print(f"{bundle.path}\nSHA-256 {bundle.sha256}", highlight=False, soft_wrap=True)
    if bundle.original is not None:
        told = f"A copy with parts left out. The whole bundle stays here, keep it: {bundle.original}"
        out.print(told, highlight=False, markup=False, soft_wrap=True)


@app.command()
def verify(
    bundle: Path,
    trust: Annotated[
        list[Path] | None, typer.Option(help="PEM certificates of timestamp authorities that you trust yourself.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The original that a copy with parts left out is compared with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle with nothing but the bundle. Exit status 0 valid, 1 invalid, 3 incomplete.

    Example: relicwatch verify RW-2026-0001.zip --trust example_tsa.pem
    """
    from evidence.verification import as_record, report_lines
    from evidence.verify import read_trusted, verify_bundle

    trusted = read_trusted(trust or ())
    with waiting("verifying"):
        verification = verify_bundle(bundle, trusted, against)
    if as_json:
        print_record(as_record(verification), True)
    else:
        for line in report_lines(verification):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(verification.exit_status)
