"""`relicwatch searches`: what people saved to find again, and who is alerted to new hits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.terminal import AsJson, open_home, out, print_record, print_rows
from crawler.errors import UsageError

app = typer.Typer(help="Saved searches of the review queue.", no_args_is_help=True)
ForUser = Annotated[str, typer.Option("--user", help="The name of the user whose they are.")]


def user_named(session: Any, name: str) -> Any:
    """Raises UsageError."""
    from storage.users import find_user

    user = find_user(session, name)
    if user is None:
        raise UsageError(f"There is no user {name!r}: `relicwatch users list` shows them.")
    return user


@app.command("list")
def searches_list(user: ForUser, as_json: AsJson = False) -> None:
    """A person's saved searches, and those that others share.

    Example: relicwatch searches list --user amina
    """
    from storage.saved_searches import noticed_by, visible_searches

    _, database = open_home()
    with database.reading() as session:
        person = user_named(session, user)
        noticed = noticed_by(session, person)
        rows = [
            {
                "search": row.id,
                "name": row.name,
                "kind": row.kind,
                "query": row.query or None,
                "seller": row.seller_id,
                "own": row.user_id == person.id,
                "shared": row.shared,
                "alerts": row.id in noticed,
            }
            for row in visible_searches(session, person)
        ]
    print_rows(rows, as_json)


@app.command("add")
def searches_add(
    user: ForUser,
    name: Annotated[str, typer.Option(help="What it is called; of a term or a seller their own name by default.")] = "",
    query: Annotated[str, typer.Option(help="The queue's filters, as they stand in its address after the ?.")] = "",
    term: Annotated[str, typer.Option(help="Words that all stand in a listing.")] = "",
    seller: Annotated[int | None, typer.Option(help="The number of a seller.")] = None,
    share: Annotated[bool, typer.Option("--share", help="Show it to the whole unit.")] = False,
    notify: Annotated[bool, typer.Option("--notify", help="Alert the user to new hits.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save a search of the queue, a term, or a seller.

    Example: relicwatch searches add --user amina --term "oil lamp" --notify
    """
    from storage.audit import AuditChain
    from storage.saved_searches import save_search

    if sum((bool(query), bool(term), seller is not None)) != 1:
        raise UsageError("Say what to search for, by one of --query, --term and --seller.")
    _, database = open_home()
    with database.transaction() as session:
        row = save_search(
            session,
            AuditChain(),
            user_named(session, user),
            name,
            query=query,
            term=term,
            seller_id=seller,
            shared=share,
            notify=notify,
        )
        record = {"search": row.id, "name": row.name, "query": row.query or None, "alerts": notify}
    print_record(record, as_json)


@app.command("remove")
def searches_remove(search_id: Annotated[int, typer.Argument(metavar="ID")], user: ForUser) -> None:
    """Remove a saved search; alerts that it gave stay.

    Example: relicwatch searches remove 3 --user amina
    """
    from storage.audit import AuditChain
    from storage.saved_searches import get_search, remove_search

    _, database = open_home()
    with database.transaction() as session:
        person = user_named(session, user)
        remove_search(session, AuditChain(), get_search(session, person, search_id, own=True), actor=person.name)
    out.print(f"Saved search {search_id} is removed.", highlight=False)
