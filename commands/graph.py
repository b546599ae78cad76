"""`relicwatch graph`: what hangs together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import err, open_home, out
from crawler.errors import UsageError

app = typer.Typer(help="Listings, sellers and markets that hang together.", no_args_is_help=True)


@app.callback()
def _graph() -> None:
    """Listings, sellers and markets that hang together."""


@app.command("export")
def graph_export(
    to: Annotated[Path, typer.Option(help="The GraphML file to write.")],
    seller: Annotated[int | None, typer.Option(help="Around this seller.")] = None,
    case: Annotated[str | None, typer.Option(help="Around the exhibits of this case.")] = None,
    listing: Annotated[int | None, typer.Option(help="Around this listing.")] = None,
) -> None:
    """Write what hangs together around a seller, a case or a listing as GraphML. It shows sellers by name.

    Example: relicwatch graph export --to palmyra.graphml --seller 12
    """
    from matching.seller_graph import MOST_LISTINGS, as_graphml, build_graph
    from storage.cases import exhibits_of, find_case
    from storage.sellers import get_seller
    from storage.tables import Listing

    if (seller, case, listing).count(None) != 2:
        raise UsageError("Say around what: one of --seller, --case and --listing.")
    _, database = open_home()
    with database.reading() as session:
        listings = [] if listing is None else [listing]
        if seller is not None:
            get_seller(session, seller)
        if listing is not None and session.get(Listing, listing) is None:
            raise UsageError(f"There is no listing {listing}.")
        if case is not None:
            found = find_case(session, case)
            if found is None:
                raise UsageError(f"There is no case {case!r}: `relicwatch cases list` shows them.")
            listings = [one.id for _, one, _ in exhibits_of(session, found)]
        graph = build_graph(session, sellers=[] if seller is None else [seller], listings=listings)
    try:
        to.write_bytes(as_graphml(graph))
    except OSError as error:
        raise UsageError(f"{to} cannot be written ({error.strerror}).") from error
    if graph.cut:
        err.print(f"Only {MOST_LISTINGS} listings are in it, those seen last: there are more.", highlight=False)
    out.print(f"{to}: {len(graph.nodes)} nodes, {len(graph.edges)} edges.", highlight=False, markup=False)
