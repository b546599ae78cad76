"""Which listings are one object: statements that are only added, and the membership that follows from them.

Each statement moves listings from one object to another. A listing belongs where its last move put it, and to an object
of its own before any; so it is in exactly one at any time, and what held at any time can be read from the moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from crawler.errors import RelicwatchError
from storage.audit import AuditChain
from storage.tables import Listing, ObjectMember, ObjectMove, ObjectStatement, TrackedObject

_LOCK = 7_415_265_015
"""Any number will do that nobody else locks in this database."""
Moves = list[tuple[int, int | None, int | None]]
"""Listing, from which object, to which."""


class ObjectError(RelicwatchError):
    """What was said of objects cannot be kept: there is no such listing, object or statement, or it holds already."""


def one_at_a_time(session: Session) -> None:
    """Until the transaction ends nobody else changes objects: two must not put one listing into two objects."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def objects_of(session: Session, listings: Collection[int]) -> dict[int, int]:
    """Listing -> object, of those that were joined to others."""
    rows = session.execute(
        select(ObjectMember.listing_id, ObjectMember.object_id).where(ObjectMember.listing_id.in_(listings))
    )
    return {row.listing_id: row.object_id for row in rows}


def objects_with_others(session: Session, listings: Collection[int]) -> dict[int, int]:
    """Listing -> object, of those that were joined and of all that were joined to them."""
    mine = select(ObjectMember.object_id).where(ObjectMember.listing_id.in_(listings))
    rows = session.execute(
        select(ObjectMember.listing_id, ObjectMember.object_id).where(ObjectMember.object_id.in_(mine))
    )
    return {row.listing_id: row.object_id for row in rows}


def members_of(session: Session, object_id: int) -> list[int]:
    return list(
        session.scalars(
            select(ObjectMember.listing_id).where(ObjectMember.object_id == object_id).order_by(ObjectMember.listing_id)
        )
    )


def group_of(session: Session, listing_id: int) -> list[int]:
    """The listings of its object with itself, in the order of their numbers."""
    object_id = objects_of(session, [listing_id]).get(listing_id)
    return [listing_id] if object_id is None else members_of(session, object_id)


def join(
    session: Session, listing_id: int, other_id: int, *, score: float, why: Sequence[Any], method: str, actor: str
) -> ObjectStatement | None:
    """The comparison's statement that two listings are one object, with all that were joined to either.

    None where they are already, or where a person has said of any two of them that they are not.
    """
    one_at_a_time(session)
    one, other = group_of(session, listing_id), group_of(session, other_id)
    if one == other or are_apart(session, one, other):
        return None
    details = {"one": one, "other": other, "listing": listing_id, "with": other_id, "apart": False}
    statement = ObjectStatement(kind="join", details=details, score=score, why=list(why), method=method, said_by=actor)
    return _keep(session, statement, _joining(session, one, other))


def merge(
    session: Session, chain: AuditChain, listing_id: int, other_id: int, *, actor: str, note: str | None = None
) -> ObjectStatement:
    """A person's word that two listings, with all that were joined to either, are one object; confirms what is joined.

    Raises ObjectError.
    """
    one_at_a_time(session)
    _require(session, [listing_id, other_id])
    if listing_id == other_id:
        raise ObjectError(f"Listing {listing_id} is the same object as itself: name two.")
    one, other = group_of(session, listing_id), group_of(session, other_id)
    if one == other:
        details = {"one": [listing_id], "other": [other_id], "apart": False}
        return _say(session, chain, "confirm", details, [], actor, note)
    details = {"one": one, "other": other, "apart": False}
    return _say(session, chain, "merge", details, _joining(session, one, other), actor, note)


def split(
    session: Session, chain: AuditChain, listings: Collection[int], *, actor: str, note: str | None = None
) -> ObjectStatement:
    """A person's word that some listings of an object are another one, together; the comparison does not rejoin them.

    Raises ObjectError.
    """
    one_at_a_time(session)
    leaving = sorted(set(listings))
    _require(session, leaving)
    found = objects_of(session, leaving)
    if len(found) < len(leaving) or len(set(found.values())) != 1:
        raise ObjectError("Only listings of one object can be split from it: `relicwatch objects show` has them.")
    object_id = next(iter(found.values()))
    staying = [one for one in members_of(session, object_id) if one not in found]
    if not staying:
        raise ObjectError(f"All listings of object {object_id} would leave it: name those that are another object.")
    new = _new_object(session) if len(leaving) > 1 else None
    moves: Moves = [(one, object_id, new) for one in leaving]
    if len(staying) == 1:
        moves.append((staying[0], object_id, None))
    details = {"one": leaving, "other": staying, "apart": True}
    return _say(session, chain, "split", details, moves, actor, note)


def keep_apart(
    session: Session, chain: AuditChain, listing_id: int, other_id: int, *, actor: str, note: str | None = None
) -> ObjectStatement:
    """A person's word that two listings that nobody joined are different objects; the comparison does not join them.

    Raises ObjectError for listings of one object: those are split.
    """
    one_at_a_time(session)
    _require(session, [listing_id, other_id])
    one, other = group_of(session, listing_id), group_of(session, other_id)
    if one == other:
        raise ObjectError(f"Listings {listing_id} and {other_id} are one object: split it to say that they are not.")
    if are_apart(session, [listing_id], [other_id]):
        raise ObjectError(
            f"Of listings {listing_id} and {other_id} it is said already that they are different objects."
        )
    found = objects_of(session, [listing_id, other_id])
    # Moves to where they are: each listing leads to what was said of it.
    moves: Moves = [(id_, found.get(id_), found.get(id_)) for id_ in (listing_id, other_id)]
    details = {"one": [listing_id], "other": [other_id], "apart": True}
    return _say(session, chain, "split", details, moves, actor, note)


def undo(
    session: Session, chain: AuditChain, statement_id: int, *, actor: str, note: str | None = None
) -> ObjectStatement:
    """A person's word that a statement, of the comparison or of anybody, does not hold; the statement stays.

    Raises ObjectError where later statements rest on it: those are undone first.
    """
    one_at_a_time(session)
    undone = session.get(ObjectStatement, statement_id)
    if undone is None:
        raise ObjectError(f"There is no statement {statement_id}: `relicwatch objects show` has their numbers.")
    if session.scalars(select(ObjectStatement.id).where(ObjectStatement.undoes_id == statement_id)).first():
        raise ObjectError(f"Statement {statement_id} is undone already.")
    moved = session.scalars(
        select(ObjectMove).where(
            ObjectMove.statement_id == statement_id,
            ObjectMove.from_object_id.is_distinct_from(ObjectMove.to_object_id),  # the rest went nowhere
        )
    ).all()
    touched = {id_ for move in moved for id_ in (move.from_object_id, move.to_object_id) if id_ is not None}
    listings = {move.listing_id for move in moved}
    later = session.scalars(
        select(func.max(ObjectMove.statement_id)).where(
            ObjectMove.statement_id > statement_id,
            ObjectMove.from_object_id.is_distinct_from(ObjectMove.to_object_id),
            ObjectMove.listing_id.in_(listings)
            | ObjectMove.from_object_id.in_(touched)
            | ObjectMove.to_object_id.in_(touched),
        )
    ).one()
    if later is not None:
        raise ObjectError(f"Statement {later} came later and rests on statement {statement_id}: undo that one first.")
    moves: Moves = [(move.listing_id, move.to_object_id, move.from_object_id) for move in moved]
    said = undone.details
    # Undoing a confirmation takes back a person's word and says nothing new.
    apart = bool(moves) and not said["apart"]
    details = {"one": said["one"], "other": said["other"], "apart": apart}
    return _say(session, chain, "undo", details, moves, actor, note, undoes=statement_id)


def are_apart(session: Session, one: Collection[int], other: Collection[int]) -> bool:
    """Whether a person has said, and it stands, that listings on either side are different objects."""
    answer = aliased(ObjectStatement)
    said = session.scalars(
        select(ObjectStatement)
        .join(ObjectMove, ObjectMove.statement_id == ObjectStatement.id)
        .outerjoin(answer, answer.undoes_id == ObjectStatement.id)
        .where(
            ObjectMove.listing_id.in_([*one, *other]),
            ObjectStatement.kind.in_(("split", "undo")),
            answer.id.is_(None),
        )
    ).all()
    ours, theirs = set(one), set(other)
    return any(
        (ours & set(first) and theirs & set(second)) or (ours & set(second) and theirs & set(first))
        for statement in said
        if statement.details["apart"]
        for first, second in [(statement.details["one"], statement.details["other"])]
    )


def statements_about(session: Session, listings: Collection[int]) -> list[ObjectStatement]:
    """What was said of listings, and of the objects that they ever were part of; first to last."""
    wanted = set(listings)
    own = select(ObjectMove.from_object_id, ObjectMove.to_object_id).where(ObjectMove.listing_id.in_(wanted))
    touched = {object_id for row in session.execute(own) for object_id in row if object_id is not None}
    moved = select(ObjectMove.statement_id).where(
        ObjectMove.from_object_id.in_(touched) | ObjectMove.to_object_id.in_(touched)
    )
    moved_themselves = select(ObjectMove.statement_id).where(ObjectMove.listing_id.in_(wanted))
    confirmed = select(ObjectStatement).where(ObjectStatement.kind == "confirm")
    about = or_(ObjectStatement.id.in_(moved), ObjectStatement.id.in_(moved_themselves))
    found = {one.id: one for one in session.scalars(select(ObjectStatement).where(about))}
    for one in session.scalars(confirmed):
        if wanted & {*one.details["one"], *one.details["other"]}:
            found[one.id] = one
    undone = session.scalars(select(ObjectStatement).where(ObjectStatement.undoes_id.in_(list(found))))
    found |= {one.id: one for one in undone.all()}
    return [found[id_] for id_ in sorted(found)]


def membership_by_moves(session: Session) -> dict[int, int]:
    """Listing -> object as the moves have it: what `object_member` must say."""
    rows = session.execute(select(ObjectMove.listing_id, ObjectMove.to_object_id).order_by(ObjectMove.id))
    last: dict[int, int | None] = {row.listing_id: row.to_object_id for row in rows}
    return {listing: object_id for listing, object_id in last.items() if object_id is not None}


def rebuild_members(session: Session) -> int:
    """Make the derived membership anew from the moves; how many listings are in an object with others."""
    one_at_a_time(session)
    session.execute(delete(ObjectMember))
    rows = [{"listing_id": one, "object_id": object_id} for one, object_id in membership_by_moves(session).items()]
    if rows:
        session.execute(insert(ObjectMember), rows)
    return len(rows)


def list_objects(session: Session, most: int, *, before: int | None = None) -> list[tuple[int, int]]:
    """Objects with the number of their listings, the newest first; with `before` those of a lower number."""
    statement = (
        select(ObjectMember.object_id, func.count())
        .group_by(ObjectMember.object_id)
        .order_by(ObjectMember.object_id.desc())
        .limit(most)
    )
    if before is not None:
        statement = statement.where(ObjectMember.object_id < before)
    return [(object_id, count) for object_id, count in session.execute(statement)]


def _joining(session: Session, one: Sequence[int], other: Sequence[int]) -> Moves:
    """The moves that put two groups together: into the larger one's object, of two alike into the older one's."""
    found = objects_of(session, [one[0], other[0]])
    sides = sorted(
        ((found.get(side[0]), side) for side in (one, other)),
        key=lambda side: (-len(side[1]), side[0] or 0, side[1][0]),
    )
    (into, staying), (of, moving) = sides
    if into is not None:
        return [(listing, of, into) for listing in moving]
    new = _new_object(session)
    return [(listing, None, new) for listing in (*staying, *moving)]


def _new_object(session: Session) -> int:
    made = TrackedObject()
    session.add(made)
    session.flush()
    return made.id


def _say(
    session: Session,
    chain: AuditChain,
    kind: str,
    details: dict[str, Any],
    moves: Moves,
    actor: str,
    note: str | None,
    undoes: int | None = None,
) -> ObjectStatement:
    """A person's statement, kept and told to the log."""
    said = (note or "").strip() or None
    statement = ObjectStatement(kind=kind, undoes_id=undoes, details=details, why=[], said_by=actor, note=said)
    _keep(session, statement, moves)
    about: Mapping[str, Any] = {"statement": statement.id, "one": details["one"], "other": details["other"]}
    chain.record(
        session,
        actor=actor,
        action=f"object {kind}",
        object_kind="listing",
        object_id=details["one"][0],
        details={**about, **({"undoes": undoes} if undoes else {})},
    )
    return statement


def _keep(session: Session, statement: ObjectStatement, moves: Moves) -> ObjectStatement:
    session.add(statement)
    session.flush()
    if moves:
        session.execute(
            insert(ObjectMove),
            [
                {"statement_id": statement.id, "listing_id": one, "from_object_id": before, "to_object_id": after}
                for one, before, after in moves
            ],
        )
        _set_members(session, moves)
    return statement


def _set_members(session: Session, moves: Moves) -> None:
    session.execute(delete(ObjectMember).where(ObjectMember.listing_id.in_([one for one, _, _ in moves])))
    rows = [{"listing_id": one, "object_id": after} for one, _, after in moves if after is not None]
    if rows:
        session.execute(insert(ObjectMember), rows)


def _require(session: Session, listings: Iterable[int]) -> None:
    wanted = set(listings)
    known = set(session.scalars(select(Listing.id).where(Listing.id.in_(wanted))))
    if missing := sorted(wanted - known):
        raise ObjectError(f"There is no listing {missing[0]}: `relicwatch listings search` shows those there are.")
