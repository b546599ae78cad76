"""Saved searches: what a person wants to find again, alone or for the unit, and who is alerted to new hits of which."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.queue_filters import Filters, filters_query, parse_filters
from storage.tables import SavedSearch, SearchNotice, Seller, User, utc_now

Kind = Literal["search", "term", "seller"]
MOST_NAME = 80
MOST_OF_ONE = 200
"""Saved searches of one person: each is asked of every new hit."""


class SearchRefused(RelicwatchError):
    """A search cannot be saved or changed as asked: no name, an unknown seller, or it is somebody else's."""


def save_search(
    session: Session,
    chain: AuditChain,
    user: User,
    name: str,
    *,
    query: str = "",
    term: str = "",
    seller_id: int | None = None,
    shared: bool = False,
    notify: bool = False,
) -> SavedSearch:
    """Keep filters of the queue, a term, or a seller under a name (of the two latter their own where none is given).

    The same again, sent twice, stays one. Raises SearchRefused, or FiltersRefused for a query that is not understood.
    """
    kind: Kind = "seller" if seller_id is not None else "term" if term.strip() else "search"
    if seller_id is not None:
        seller = session.get(Seller, seller_id)
        if seller is None:
            raise SearchRefused(f"There is no seller {seller_id}: `relicwatch sellers list` shows their numbers.")
        name, query = (
            name or _one_line(seller.name) or f"#{seller.id}",
            "",
        )  # markets have sellers without a visible sign
    elif kind == "term":
        name, query = name or term, urlencode({"text": term.strip()})
    kept = filters_query(parse_filters(query)) if query else ""
    name = _one_line(name)
    if not name:
        raise SearchRefused("A saved search needs a name: give it one.")
    mine = visible_searches(session, user, own=True)
    asked = (kind, name, kept, seller_id)
    same = next((one for one in mine if (one.kind, one.name, one.query, one.seller_id) == asked), None)
    if same is None and len(mine) >= MOST_OF_ONE:
        raise SearchRefused(f"There are {MOST_OF_ONE} saved searches of {user.name} already: remove one first.")
    row = same or SavedSearch(user_id=user.id, kind=kind, name=name, query=kept, seller_id=seller_id, shared=shared)
    if same is None:
        session.add(row)
        session.flush()
        _record(session, chain, row, "search saved", user.name)
    if notify:
        set_notice(session, chain, row, user, wanted=True)
    return row


def visible_searches(session: Session, user: User, *, own: bool = False) -> list[SavedSearch]:
    """A person's searches and, unless only their `own` are wanted, those that others share; by name."""
    theirs = SavedSearch.user_id == user.id
    wanted = theirs if own else or_(theirs, SavedSearch.shared.is_(True))
    rows = session.scalars(select(SavedSearch).where(SavedSearch.removed_at.is_(None), wanted))
    return sorted(rows, key=lambda row: (row.user_id != user.id, row.name.casefold(), row.id))


def get_search(session: Session, user: User, search_id: int, *, own: bool = False) -> SavedSearch:
    """One that this person sees, or with `own` may change. Raises SearchRefused."""
    row = session.get(SavedSearch, search_id)
    if row is None or row.removed_at is not None or not (row.user_id == user.id or (row.shared and not own)):
        raise SearchRefused(
            f"There is no saved search {search_id} of {user.name}: `relicwatch searches list` has them."
        )
    return row


def filters_of(search: SavedSearch) -> Filters:
    """What the queue shows for it; of a seller nothing but the seller counts, which is not among the filters."""
    return parse_filters(search.query)


def set_shared(session: Session, chain: AuditChain, search: SavedSearch, *, shared: bool, actor: str) -> None:
    """Show a search to the unit, or no longer: then nobody else is alerted by it either."""
    if search.shared == shared:
        return
    search.shared = shared
    if not shared:
        others = SearchNotice.user_id != search.user_id
        session.execute(delete(SearchNotice).where(SearchNotice.search_id == search.id, others))
    _record(session, chain, search, "search shared" if shared else "search no longer shared", actor)


def remove_search(session: Session, chain: AuditChain, search: SavedSearch, *, actor: str) -> None:
    """It is shown and asked no more; alerts that it gave keep its name."""
    search.removed_at = utc_now()
    session.execute(delete(SearchNotice).where(SearchNotice.search_id == search.id))
    _record(session, chain, search, "search removed", actor)


def set_notice(session: Session, chain: AuditChain, search: SavedSearch, user: User, *, wanted: bool) -> None:
    """Alert this person to hits of the search that come from now on, or no longer."""
    if wanted:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        changed = session.scalars(
            insert(SearchNotice)
            .values(search_id=search.id, user_id=user.id, since=utc_now())
            .on_conflict_do_nothing(index_elements=[SearchNotice.search_id, SearchNotice.user_id])
            .returning(SearchNotice.id)
        ).all()
    else:
        own = (SearchNotice.search_id == search.id, SearchNotice.user_id == user.id)
        changed = session.scalars(delete(SearchNotice).where(*own).returning(SearchNotice.id)).all()
    if changed:
        _record(session, chain, search, "alerts on" if wanted else "alerts off", user.name)


def noticed_by(session: Session, user: User) -> set[int]:
    """The searches that alert this person."""
    return set(session.scalars(select(SearchNotice.search_id).where(SearchNotice.user_id == user.id)))


def names_of(session: Session, search_ids: Collection[int]) -> dict[int, str]:
    """Number -> name, also of searches that were removed."""
    rows = session.execute(select(SavedSearch.id, SavedSearch.name).where(SavedSearch.id.in_(search_ids)))
    return {row.id: row.name for row in rows}


def _one_line(name: str) -> str:
    """A name as it may stand in a subject or a heading."""
    return "".join(one if one.isprintable() else " " for one in " ".join(name.split()))[:MOST_NAME].strip()


def _record(session: Session, chain: AuditChain, search: SavedSearch, action: str, actor: str) -> None:
    """By its number alone: what is searched for may name people."""
    chain.record(session, actor=actor, action=action, object_kind="saved search", object_id=search.id)
