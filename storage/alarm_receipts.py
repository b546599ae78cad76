"""Who is named to look at alarms, and who has said that they saw one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.alarms import NoSuchAlarm
from storage.audit import AuditChain
from storage.tables import Alarm, AlarmReceipt, AlarmRecipient, User, utc_now


def recipients(session: Session) -> list[User]:
    """The people named, by name; a disabled account is nobody to be told."""
    named = select(AlarmRecipient.user_id).where(AlarmRecipient.removed_at.is_(None))
    return list(session.scalars(select(User).where(User.id.in_(named), User.disabled.is_(False)).order_by(User.name)))


def set_recipient(session: Session, chain: AuditChain, *, user: User, named: bool, actor: str) -> None:
    """Name somebody, or no longer; where it is so already nothing happens."""
    standing = select(AlarmRecipient).where(AlarmRecipient.user_id == user.id, AlarmRecipient.removed_at.is_(None))
    rows = session.scalars(standing).all()
    if bool(rows) == named:
        return
    for row in rows:
        row.removed_at = utc_now()
    if named:
        session.add(AlarmRecipient(user_id=user.id, named_by=actor))
    action = "named for alarms" if named else "no longer named for alarms"
    chain.record(session, actor=actor, action=action, object_kind="user", object_id=user.id)


def give_receipt(session: Session, chain: AuditChain, *, alarm_id: int, user: User) -> None:
    """Say that this person saw the alarm; a second time changes nothing. Raises NoSuchAlarm."""
    if session.get(Alarm, alarm_id) is None:
        raise NoSuchAlarm(f"There is no alarm {alarm_id}.")
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = session.execute(
        insert(AlarmReceipt)
        .values(alarm_id=alarm_id, user_id=user.id, given_at=utc_now())
        .on_conflict_do_nothing(index_elements=[AlarmReceipt.alarm_id, AlarmReceipt.user_id])
        .returning(AlarmReceipt.id)
    ).one_or_none()
    if added is not None:
        chain.record(session, actor=user.name, action="alarm seen", object_kind="alarm", object_id=alarm_id)


def receipts_of(session: Session, alarm_ids: Iterable[int]) -> dict[int, list[tuple[AlarmReceipt, User]]]:
    """Alarm -> the receipts given for it, oldest first."""
    found: dict[int, list[tuple[AlarmReceipt, User]]] = defaultdict(list)
    rows = session.execute(
        select(AlarmReceipt, User)
        .join(User, User.id == AlarmReceipt.user_id)
        .where(AlarmReceipt.alarm_id.in_(list(alarm_ids)))
        .order_by(AlarmReceipt.id)
    )
    for receipt, user in rows:
        found[receipt.alarm_id].append((receipt, user))
    return found
