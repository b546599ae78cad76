"""`relicwatch tokens`: what lets programs into the API."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, headed, open_home, out, print_record, print_rows, this_user

app = typer.Typer(help="Tokens by which programs use the API.", no_args_is_help=True)


@app.command("create")
def tokens_create(
    user: Annotated[str, typer.Argument(help="Whose token: their role bounds what it may do.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    scopes: Annotated[
        str, typer.Option(help="Of read, decide, cases, export, audit, administer; with commas.")
    ] = "read",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it lasts.")] = 90,
    purpose: Annotated[str, typer.Option(help="triage, case:REFERENCE or watch:NUMBER.")] = "triage",
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once.

    Example: relicwatch tokens create amina --name "risk engine" --scopes read,decide --days 30
    """
    from storage.audit import AuditChain
    from storage.tokens import create_token
    from storage.users import UserError, find_user

    _, database = open_home()
    with database.transaction() as session:
        owner = find_user(session, user)
        if owner is None:
            raise UserError(f"There is no user {user!r}: see `relicwatch users list`, or add them.")
        made = create_token(
            session,
            AuditChain(),
            user=owner,
            name=name,
            scopes=[scope.strip() for scope in scopes.split(",") if scope.strip()],
            days=days,
            purpose=purpose,
            actor=this_user(),
        )
    if as_json:
        print_record({"id": made.row.id, "token": made.secret, "expires_at": made.row.expires_at}, True)
        return
    out.print(
        f"The token {made.row.id} of {owner.name}, shown only now; it ends on {made.row.expires_at:%Y-%m-%d}:",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    out.print(made.secret, markup=False, highlight=False, soft_wrap=True)


@app.command("list")
def tokens_list(as_json: AsJson = False) -> None:
    """Everybody's tokens, newest first. Example: relicwatch tokens list"""
    from storage.tokens import list_tokens, state_of

    _, database = open_home()
    with database.reading() as session:
        rows = [
            {
                "id": token.id,
                "user": owner.name,
                "name": token.name,
                "begins": token.hint,
                "scopes": token.scopes,
                "purpose": token.purpose,
                "state": state_of(token),
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "last_used_at": token.last_used_at,
                "revoked_by": token.revoked_by,
            }
            for token, owner in list_tokens(session)
        ]
    print_rows(rows if as_json else [headed(row) for row in rows], as_json)


@app.command("revoke")
def tokens_revoke(token: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """End a token at once. Example: relicwatch tokens revoke 3"""
    from storage.audit import AuditChain
    from storage.tokens import revoke_token

    _, database = open_home()
    with database.transaction() as session:
        row = revoke_token(session, AuditChain(), token, actor=this_user())
    out.print(f"Token {row.id} ({row.hint}…) opens nothing any more.", markup=False, highlight=False)
