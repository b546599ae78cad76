"""`relicwatch users`: the people who use the review desk."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, open_home, out, print_rows, this_user

app = typer.Typer(help="The people who use the review desk.", no_args_is_help=True)
CODE_MINUTES = 60


@app.command("add")
def users_add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, reviewer, lead, exporter, admin or auditor.")] = "reviewer",
    language: Annotated[str, typer.Option(help="en, fr or ar.")] = "en",
) -> None:
    """Add a person; prints a one-time sign-in code, with which they choose a password.

    Example: relicwatch users add amina --role reviewer --language ar
    """
    from storage.audit import AuditChain
    from storage.users import create_user, make_sign_in_code

    _, database = open_home()
    with database.transaction() as session:
        user = create_user(session, name, role, language=language)
        session.flush()
        details = {"role": role}
        AuditChain().record(
            session, actor=this_user(), action="user added", object_kind="user", object_id=user.id, details=details
        )
        code = make_sign_in_code(session, user, minutes=CODE_MINUTES)
    _print_code(f"{name} ({role})", code)


@app.command("code")
def users_code(name: str) -> None:
    """Make a new one-time sign-in code for a person who is there already.

    Example: relicwatch users code amina
    """
    from storage.audit import AuditChain
    from storage.users import UserError, find_user, make_sign_in_code

    _, database = open_home()
    with database.transaction() as session:
        user = find_user(session, name)
        if user is None:
            raise UserError(f"There is no user {name!r}: see `relicwatch users list`, or add them.")
        if user.disabled:
            raise UserError(f"The account of {name!r} is disabled, so no code signs it in.")
        AuditChain().record(
            session, actor=this_user(), action="sign-in code made", object_kind="user", object_id=user.id
        )
        code = make_sign_in_code(session, user, minutes=CODE_MINUTES)
        who = f"{user.name} ({user.role})"
    _print_code(who, code)


@app.command("second-factor")
def users_second_factor(name: str, remove: Annotated[bool, typer.Option("--remove", help="Take it away.")]) -> None:
    """Take a person's second factor away, where generator and recovery codes are lost.

    Example: relicwatch users second-factor amina --remove
    """
    from storage.audit import AuditChain
    from storage.second_factor import remove as take_away
    from storage.users import UserError, end_sessions_of, find_user

    _, database = open_home()
    with database.transaction() as session:
        user = find_user(session, name)
        if user is None or user.second_factor is None or not remove:
            raise UserError(f"{name!r} has no second factor to take away: see `relicwatch users list`.")
        take_away(session, user)
        end_sessions_of(session, user)
        AuditChain().record(
            session, actor=this_user(), action="second factor removed", object_kind="user", object_id=user.id
        )
    out.print(f"{name} signs in without a second factor from now on.")


@app.command("list")
def users_list(as_json: AsJson = False) -> None:
    """The desk's users. Example: relicwatch users list"""
    from storage.users import list_users

    _, database = open_home()
    with database.reading() as session:
        rows = [
            {"name": user.name, "role": user.role, "language": user.language, "disabled": user.disabled}
            for user in list_users(session)
        ]
    print_rows(rows, as_json)


def _print_code(who: str, code: str) -> None:
    out.print(
        f"{who} may sign in once within {CODE_MINUTES} minutes with the code {code}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
