"""`relicwatch alerts`: what people were told of new hits, and whether messages arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal import AsJson, headed, open_home, out, print_record, print_rows, this_user
from crawler.errors import UsageError

app = typer.Typer(help="Alerts to new hits of saved searches.", no_args_is_help=True)
ForUser = Annotated[str, typer.Option("--user", help="The name of the user whose they are.")]


@app.command("list")
def alerts_list(
    user: ForUser,
    unread: Annotated[bool, typer.Option("--unread", help="Only those that were not read yet.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """A person's alerts and how each went out, the newest first.

    Example: relicwatch alerts list --user amina --unread
    """
    from commands.searches import user_named
    from storage.alerts import deliveries_of, list_alerts

    _, database = open_home()
    with database.reading() as session:
        rows = list_alerts(session, user_named(session, user), unread=unread, limit=limit)
        sent = deliveries_of(session, [row.alert.id for row in rows])
        shown = [
            {
                "alert": row.alert.id,
                "made_at": row.alert.made_at,
                "kind": row.alert.kind,
                "listing": row.listing.id,
                "title": row.observation.title,
                "searches": list(row.searches),
                "read": row.alert.read_at is not None,
                "told_by": [f"{one.way}: {one.state}" for one in sent.get(row.alert.id, [])],
            }
            for row in rows
        ]
    print_rows(shown if as_json else map(headed, shown), as_json)


@app.command("send")
def alerts_send(as_json: AsJson = False) -> None:
    """Do now what `relicwatch run` does by itself: compare new hits with saved searches, and send what is due.

    Example: relicwatch alerts send
    """
    from alerting import tell

    home, database = open_home()
    print_record(tell(database, home, actor=this_user()), as_json)


@app.command("address")
def alerts_address(
    user: ForUser,
    to: Annotated[str, typer.Option("--to", help="The address; empty ends e-mails.")],
    rhythm: Annotated[str, typer.Option(help="off, at_once, hourly or daily.")] = "at_once",
) -> None:
    """Set a person's address without asking it to confirm: whoever administers this machine answers for it.

    Example: relicwatch alerts address --user amina --to amina@office.example
    """
    from commands.searches import user_named
    from storage.audit import AuditChain
    from storage.notice_settings import set_email

    _, database = open_home()
    with database.transaction() as session:
        person, chain = user_named(session, user), AuditChain()
        set_email(session, chain, person, email=to, rhythm=rhythm, confirmed=True)
        action = "e-mail for notices answered for"
        chain.record(session, actor=this_user(), action=action, object_kind="user", object_id=person.id)


@app.command("test")
def alerts_test(
    user: Annotated[str | None, typer.Option("--user", help="Test what this user has set.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Send an e-mail to this address.")] = None,
    webhook: Annotated[bool, typer.Option("--webhook", help="Test the user's webhook in place of e-mail.")] = False,
) -> None:
    """Send a test message now, and say what went wrong if it does not go out.

    Example: relicwatch alerts test --to amina@office.example
    """
    from alerts.trial import try_email, try_webhook
    from commands.searches import user_named
    from storage.notice_settings import settings_of

    if (user is None) == (to is None) or (webhook and user is None):
        raise UsageError("Say whom to test: --user NAME, with --webhook or without it, or --to ADDRESS.")
    home, database = open_home()
    language, address, chosen = "en", to, None
    if user is not None:
        with database.reading() as session:
            person = user_named(session, user)
            chosen, language = settings_of(session, person.id), person.language
            address = chosen.email
    if webhook:
        assert chosen is not None
        out.print(try_webhook(home, chosen), markup=False, highlight=False, soft_wrap=True)
        return
    if not address:
        raise UsageError(f"{user} has set no address: give one with --to, or on the desk's page of alerts.")
    out.print(try_email(home, address, language), markup=False, highlight=False, soft_wrap=True)
