"""A network of up to a million people, written set-based: only the rows that lists, scope and the door read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tools.bench.stage import Stage
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts.models import Assignment, Person, PersonProfile, Unit, UnitParent, UnitVersion
from training_app.db import UtcDateTime, db
from training_app.status.models import PersonState
from training_app.triggers import overlapping

SURNAMES = (
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu 胡hu 郭guo 何he 高gao "
    "林lin 郑zheng 罗luo 梁liang 谢xie 宋song 唐tang 许xu 韩han 冯feng 邓deng 曹cao 彭peng 曾zeng 肖xiao 田tian 董dong"
)
GIVEN = (
    "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan 涛tao 明ming 超chao "
    "秀xiu 霞xia 平ping 刚gang 桂gui 英ying 华hua 文wen 建jian 国guo 玉yu 兰lan 海hai 波bo 鹏peng 飞fei 梓zi 萱xuan"
)
KINDS = 100  # how many different states a crowd has
FILLED = (Person, PersonProfile, Assignment, RoleGrant, PersonInUnit, PersonState)
_helpers = sa.MetaData()
_numbers = sa.Table("bench_number", _helpers, sa.Column("n", sa.Integer, primary_key=True))
_names = sa.Table(
    "bench_name", _helpers, sa.Column("kind", sa.String(10)), sa.Column("k", sa.Integer),
    sa.Column("name", sa.String(10)), sa.Column("latin", sa.String(10)),
)  # fmt: skip
_places = sa.Table(
    "bench_place", _helpers, sa.Column("k", sa.Integer, primary_key=True), sa.Column("unit_id", sa.BigInteger)
)
_above = sa.Table("bench_above", _helpers, sa.Column("k", sa.Integer), sa.Column("unit_id", sa.BigInteger))
_STATE = [column for column in PersonState.__table__.c if not column.foreign_keys]
_kinds = sa.Table(
    "bench_kind", _helpers, sa.Column("k", sa.Integer, primary_key=True),
    *(sa.Column(column.name, column.type) for column in _STATE),
)  # fmt: skip


def fill(made: Stage, people: int) -> None:
    """Write so many people into units below the network's head; indexes are made after the rows."""
    engine = db.engine
    on_sqlite = engine.dialect.name == "sqlite"
    db.session.remove()
    with engine.connect() as connection:
        if on_sqlite:
            for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
                _driver(connection).execute(f"PRAGMA {pragma}")
        with connection.begin():
            indexes = _indexes(connection) if on_sqlite else {}
            for name in indexes:
                connection.exec_driver_sql(f"DROP INDEX {name}")
            _helpers.create_all(connection)
            # Without its index each new row would be held against all that are there.
            with overlapping(connection, Assignment.__tablename__, RoleGrant.__tablename__):
                _fill(connection, made, people)
            _helpers.drop_all(connection)
            for statement in indexes.values():
                connection.exec_driver_sql(statement)
        if on_sqlite:
            _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    engine.dispose()


def _driver(connection: sa.Connection) -> Any:
    """Return the driver's own connection: these pragmas have to stand outside of a transaction."""
    return connection.connection.driver_connection


def _indexes(connection: sa.Connection) -> dict[str, str]:
    tables = [model.__tablename__ for model in FILLED]
    rows = connection.execute(
        sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN :tables")
        .bindparams(sa.bindparam("tables", tables, expanding=True))
    )  # fmt: skip
    return dict(iter(rows))


def _fill(connection: sa.Connection, made: Stage, people: int) -> None:
    connection.execute(
        sa.text(
            "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < :last) "
            "INSERT INTO bench_number (n) SELECT n FROM s"
        ),
        {"last": people - 1},
    )
    for kind, words in (("surname", SURNAMES.split()), ("given", GIVEN.split())):
        connection.execute(
            sa.insert(_names), [{"kind": kind, "k": k, "name": w[0], "latin": w[1:]} for k, w in enumerate(words)]
        )
    places = _units(connection, made, width=10 if people >= 50_000 else 2)
    connection.execute(sa.insert(_kinds), [_kind(k, made.now) for k in range(KINDS)])
    _people(connection, made, places)


def _units(connection: sa.Connection, made: Stage, width: int) -> int:
    """Write regions, centres and outlets, `width` below each; return how many outlets there are."""
    day = (made.now - timedelta(days=300)).date()
    recorded = made.now - timedelta(days=300)
    unit_id = connection.scalar(sa.select(sa.func.max(Unit.id))) or 0
    units: list[dict[str, Any]] = []
    parents: list[dict[str, Any]] = []
    above: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []

    def grow(parent: int, chain: list[int], types: tuple[str, ...]) -> None:
        nonlocal unit_id
        for _ in range(width):
            unit_id += 1
            mine = unit_id
            units.append({"id": mine, "type": types[0]})
            parents.append({"unit_id": mine, "parent_id": parent})
            if types[1:]:
                grow(mine, [*chain, mine], types[1:])
            else:
                above.extend({"k": len(places), "unit_id": one} for one in [*chain, mine])
                places.append({"k": len(places), "unit_id": mine})

    grow(made.units["hq"], [made.units["hq"]], ("regional_centre", "star_centre", "outlet"))
    made.units["crowd_centre"] = next(one["id"] for one in units if one["type"] == "star_centre")
    made.units["crowd_outlet"] = places[0]["unit_id"]
    dated = {"valid_from": day, "recorded_at": recorded}
    connection.execute(
        sa.insert(Unit), [{"id": one["id"], "number": f"U{one['id']:05d}", "created_at": recorded} for one in units]
    )
    connection.execute(
        sa.insert(UnitVersion),
        [
            {"unit_id": one["id"], "name": f"服务网点{one['id']}", "name_latin": f"Unit {one['id']}",
             "type": one["type"], "stars": 0, "zone": "Asia/Shanghai", **dated}
            for one in units
        ],
    )  # fmt: skip
    connection.execute(sa.insert(UnitParent), [one | dated for one in parents])
    connection.execute(sa.insert(_above), above)
    connection.execute(sa.insert(_places), places)
    return len(places)


def _kind(k: int, now: datetime) -> dict[str, Any]:
    """Return the columns of a state: most valid until some day of the year, some stopped, lapsed or still learning."""
    begun = now - timedelta(days=330 - 3 * k)
    until = now + timedelta(days=5 + 3 * k)
    found: dict[str, Any] = {column.name: None for column in _STATE} | {
        "points": k % 4, "stage": 0, "open_cases": int(k % 25 == 0), "reasons": [], "as_of_seq": 0, "computed_at": now,
        "k": k,
    }  # fmt: skip
    if k % 5 == 4:
        return found | {"points": 0, "pre_permit": ("training", "examinable", "passed")[k % 3]}
    found |= {
        "permit_number": "C123456789", "valid_from": begun, "valid_until": until, "points_limit": 12,
        "renewal_from": until - timedelta(days=30), "grace_until": until + timedelta(days=30), "level": "junior",
        "level_valid_until": now + timedelta(days=500), "next_change_at": now + timedelta(days=1 + k),
        "standing": "good",
    }  # fmt: skip
    if k % 10 == 3:
        found |= {"stopped_from": now - timedelta(days=2), "stopped_until": now + timedelta(days=20)}
    if k % 20 == 7:
        found |= {"valid_until": now - timedelta(days=40), "grace_until": now - timedelta(days=10)}
    return found


def _people(connection: sa.Connection, made: Stage, places: int) -> None:
    base = (connection.scalar(sa.select(sa.func.max(Person.id))) or 0) + 1
    n = _numbers.c.n
    at = sa.literal(made.now - timedelta(days=200), UtcDateTime())
    day = sa.literal((made.now - timedelta(days=200)).date(), sa.Date())
    zero = sa.literal(0)
    person_id = sa.cast(n + base, sa.BigInteger)
    _insert(connection, Person, {"id": person_id, "created_at": at, "seq": zero, "last_recorded_at": at}, _numbers)

    surname, given, second = (_names.alias(name) for name in ("surname", "given", "second"))
    spread = (
        _numbers.join(surname, sa.and_(surname.c.kind == "surname", surname.c.k == (n * 7919) % len(SURNAMES.split())))
        .join(given, sa.and_(given.c.kind == "given", given.c.k == (n * 104729) % len(GIVEN.split())))
        .join(second, sa.and_(second.c.kind == "given", second.c.k == (n // 37) % len(GIVEN.split())))
    )
    columns = {
        "person_id": person_id, "number": sa.literal("N") + sa.cast(n + 1_000_000, sa.String),
        "name": surname.c.name + given.c.name + second.c.name,
        "name_latin": surname.c.latin + sa.literal(" ") + given.c.latin + second.c.latin,
        "sort_key": surname.c.latin + given.c.latin + second.c.latin,
        "phone": sa.literal("1390000") + sa.cast(n % 9000 + 1000, sa.String), "language": sa.literal("zh"),
    }  # fmt: skip
    _insert(connection, PersonProfile, columns, spread)

    at_place = (n * 31) % places
    placed = _numbers.join(_places, _places.c.k == at_place)
    columns = {
        "person_id": person_id, "unit_id": _places.c.unit_id, "kind": sa.literal("main"),
        "employer": sa.literal("某家电服务有限公司"), "valid_from": day, "recorded_at": at,
    }  # fmt: skip
    _insert(connection, Assignment, columns, placed)
    columns = {
        "person_id": person_id, "role": sa.literal("learner"), "unit_id": _places.c.unit_id, "valid_from": day,
        "recorded_at": at,
    }  # fmt: skip
    _insert(connection, RoleGrant, columns, placed)

    profile = PersonProfile.__table__
    scoped = _numbers.join(profile, profile.c.person_id == n + base).join(_above, _above.c.k == at_place)
    columns = {
        "ancestor_unit_id": _above.c.unit_id, "sort_key": profile.c.sort_key, "person_id": profile.c.person_id,
    }  # fmt: skip
    _insert(connection, PersonInUnit, columns, scoped, is_sorted=True)

    folded = _numbers.join(_kinds, _kinds.c.k == (n * 13) % KINDS)
    columns = {"person_id": person_id} | {column.name: _kinds.c[column.name] for column in _STATE}
    _insert(connection, PersonState, columns, folded)


def _insert(
    connection: sa.Connection, model: Any, columns: dict[str, Any], source: Any, *, is_sorted: bool = False
) -> None:
    wanted = sa.select(*(value.label(name) for name, value in columns.items())).select_from(source)
    if is_sorted:  # the rows come into their index as it stands
        wanted = wanted.order_by(*columns.values())
    connection.execute(sa.insert(model).from_select(list(columns), wanted, include_defaults=False))
