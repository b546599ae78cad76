"""`relicwatch sellers`: who offers, who is followed, and who may be the same."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from commands.terminal import AsJson, headed, open_home, out, print_record, print_rows, this_user

app = typer.Typer(help="Who offers, who is followed, and who may be the same.", no_args_is_help=True)
SellerId = Annotated[int, typer.Argument(metavar="ID")]


@app.command("list")
def sellers_list(as_json: AsJson = False) -> None:
    """Sellers under a pseudonym, those seen last first. No figures where the market has not allowed them.

    Example: relicwatch sellers list
    """
    from matching.seller_signs import home_secret, pseudonym
    from storage.sellers import list_sellers

    home, database = open_home()
    with database.reading() as session:
        rows = list_sellers(session)
    secret = home_secret(home)
    shown: list[dict[str, Any]] = []
    for row in rows:
        native_id = row.pop("native_id")
        row["name"] = pseudonym(secret, row["id_space"], native_id)
        shown.append(row)
    if as_json:
        print_rows(shown, True)
        return
    columns = ("seller", "id_space", "name", "first_seen", "last_seen", "listings", "flagged_share", "followed")
    print_rows([headed({key: row[key] for key in columns}) for row in shown], False)


@app.command("show")
def sellers_show(seller_id: SellerId, as_json: AsJson = False) -> None:
    """One seller by name, with the same name under other ids. A name alone says nothing of who it is.

    Example: relicwatch sellers show 12
    """
    from storage.sellers import get_seller, list_sellers, reregistrations

    _, database = open_home()
    with database.reading() as session:
        get_seller(session, seller_id)
        [record] = list_sellers(session, ids=[seller_id])
        record["same_name"] = reregistrations(session, seller_id)
    print_record(record, as_json)


@app.command("follow")
def sellers_follow(seller_id: SellerId, note: Annotated[str | None, typer.Option(help="Why.")] = None) -> None:
    """Follow a seller: its listings rise in the queue, and say why.

    Example: relicwatch sellers follow 12 --note "three unprovenanced tablets"
    """
    _follow(seller_id, note, following=True)
    out.print(f"Seller {seller_id} is followed.", highlight=False)


@app.command("unfollow")
def sellers_unfollow(seller_id: SellerId, note: Annotated[str | None, typer.Option(help="Why.")] = None) -> None:
    """Follow a seller no longer.

    Example: relicwatch sellers unfollow 12
    """
    _follow(seller_id, note, following=False)
    out.print(f"Seller {seller_id} is no longer followed.", highlight=False)


def _follow(seller_id: int, note: str | None, *, following: bool) -> None:
    from storage.audit import AuditChain
    from storage.sellers import follow

    _, database = open_home()
    with database.transaction() as session:
        follow(session, AuditChain(), seller_id, following=following, actor=this_user(), note=note)


@app.command("alike")
def sellers_alike(
    seller_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="Of one seller alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sellers who may be one person, strongest first, with what speaks for it; never from a name. A person judges.

    Example: relicwatch sellers alike 12
    """
    from matching.seller_likeness import find_alike, read_new_signs
    from matching.seller_signs import home_secret
    from storage.sellers import get_seller

    home, database = open_home()
    read_new_signs(database, home_secret(home))
    with database.reading() as session:
        if seller_id is not None:
            get_seller(session, seller_id)
        found = find_alike(session, seller_id)
    if as_json:
        print_rows([one.record() for one in found], True)
        return
    print_rows(
        [
            {
                "seller": one.seller,
                "other": one.other,
                "score": one.score,
                "because": ", ".join(f"{why.kind} x{why.shared} ({why.weight})" for why in one.reasons),
                "said": one.verdict or "",
            }
            for one in found
        ],
        False,
    )


@app.command("judge")
def sellers_judge(
    seller_id: SellerId,
    other_id: Annotated[int, typer.Argument(metavar="OTHER")],
    verdict: Annotated[Literal["same", "other", "unsure"], typer.Argument()],
    note: Annotated[str | None, typer.Option(help="What you saw.")] = None,
) -> None:
    """Say whether two sellers are one. What was said before stays on record.

    Example: relicwatch sellers judge 12 31 same --note "same telephone in both lots"
    """
    from matching.seller_likeness import find_alike
    from storage.audit import AuditChain
    from storage.sellers import judge

    _, database = open_home()
    with database.transaction() as session:
        pair = tuple(sorted((seller_id, other_id)))
        why = [one.record()["reasons"] for one in find_alike(session, seller_id) if (one.seller, one.other) == pair]
        judge(
            session,
            AuditChain(),
            seller_id,
            other_id,
            verdict,
            why=why[0] if why else (),
            actor=this_user(),
            note=note,
        )
    out.print(f"Sellers {seller_id} and {other_id}: {verdict}.", highlight=False)


@app.command("consent")
def sellers_consent(
    id_space: Annotated[str, typer.Argument(help="As ebay.")],
    given_by: Annotated[str, typer.Option(help="Who gave it for the market.")],
    on: Annotated[str, typer.Option(help="The day of the paper, as 2026-11-27.")],
    licence: Annotated[str, typer.Option(help="Where it stands: contract, licence or letter.")],
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="It ended: count no longer.")] = False,
) -> None:
    """Record a market's written consent to statistics on its sellers; eBay's are off without it.

    Example: relicwatch sellers consent ebay --given-by "J. Roe, eBay" --on 2026-11-20 --licence "letter 77/26"
    """
    from storage.audit import AuditChain
    from storage.sellers import record_consent

    _, database = open_home()
    with database.transaction() as session:
        record_consent(
            session,
            AuditChain(),
            id_space,
            given=not withdrawn,
            given_by=given_by,
            given_on=on,
            licence=licence,
            actor=this_user(),
        )
    out.print(f"Sellers of {id_space} are {'no longer ' if withdrawn else ''}counted.", highlight=False)
