"""The verbs that run: the demo, the service, one crawl, one job, the desk alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.terminal import AsJson, log_to_stderr, open_home, out, print_record, progress
from crawler.errors import UsageError

app = typer.Typer()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit 0 when the bundle is verified.")] = False,
    home: Annotated[Path, typer.Option(help="The demo's own home.")] = Path("demo-home"),
) -> None:
    """The whole job on a make-believe market.

    Example: relicwatch demo --once
    """
    from demonstration import run_demo

    raise typer.Exit(run_demo(home.absolute(), once=once, console=out))


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Port of the review desk on 127.0.0.1; 0 takes a free one.")] = 8765,
    processes: Annotated[int, typer.Option(help="Jobs at a time.")] = 2,
) -> None:
    """Scheduler, job processes and review desk, until stopped (Ctrl-C ends cleanly).

    Example: relicwatch run --port 8765
    """
    from service import run_service

    home, database = open_home()
    run_service(database, home, port=port, max_processes=processes, console=out)


@app.command()
def crawl(
    market: str,
    query: Annotated[list[str], typer.Option("--query", "-q", help="Words to search for; may be given often.")],
    max_listings: Annotated[int | None, typer.Option(min=1, help="Stop after so many listings.")] = None,
    as_json: AsJson = False,
) -> None:
    """Crawl one market now, or go on with the same crawl where it was interrupted.

    Example: relicwatch crawl example_auction --query "roman lamp" --query "lampe romaine"
    """
    from storage.crawls import claim_crawl
    from storage.leases import process_holder
    from work import run_job

    home, database = open_home()
    from markets.admission import admit

    admit(market, home, database).search_urls(query)  # refuses a query that cannot be asked
    job = claim_crawl(database, market, query, max_listings, process_holder())
    with progress(f"crawling {market}", quiet=as_json) as show:
        result = run_job(database, home, job, show)
    print_record(result, as_json)


@app.command()
def job(
    job_id: Annotated[int, typer.Argument(metavar="ID")],
    token: Annotated[int | None, typer.Option(help="The claim's fencing token; the scheduler passes it.")] = None,
) -> None:
    """Do one queued job in this process (the scheduler starts one process a job).

    Example: relicwatch job 12
    """
    from storage.jobs import adopt_claim, claim_job, save_progress
    from storage.leases import process_holder
    from work import run_job

    home, database = open_home()
    log_to_stderr()
    if token is None:
        claimed = claim_job(database, process_holder(), job_id=job_id)
        if claimed is None:
            raise UsageError(f"Job {job_id} is not waiting: it is done, failed, or another process has it.")
    else:
        claimed = adopt_claim(database, job_id, token, process_holder())
    held = claimed

    def keep(progress: Mapping[str, Any]) -> None:
        save_progress(database, held, dict(progress))

    run_job(database, home, claimed, keep)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0 takes a free port.")] = 8765,
    address: Annotated[str, typer.Option(help="Where to listen; see the options below.")] = "127.0.0.1",
    name: Annotated[list[str] | None, typer.Option(help="Host name that browsers ask for; may be given often.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM): the desk speaks HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="A proxy in front speaks HTTPS.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many answer; else one a core, four at most.")
    ] = None,
) -> None:
    """The review desk alone. Plain HTTP is served on loopback only.

    Example: relicwatch serve --address 10.0.0.5 --name desk.example --certificate desk.pem --key desk.key
    """
    from review.binding import Binding
    from review.processes import serve as serve_desk
    from review.processes import usual_processes

    binding = Binding(address, tuple(name or ()), certificate, key, behind_proxy)
    home, database = open_home()
    serve_desk(
        database, home, port, lambda at: out.print(f"review desk at {at}"), binding, processes or usual_processes()
    )
