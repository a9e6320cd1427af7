"""The people and units of the demonstration: invented names, every role, every state of a permit."""

from __future__ import annotations

from dataclasses import dataclass

from training_app.accounts.rules import UnitType

# key, number, Chinese name, English name, type, key of the unit above, stars
UNITS: tuple[tuple[str, str, str, str, UnitType, str | None, int], ...] = (
    ("hq", "HQ", "服务总部", "Service headquarters", UnitType.HEADQUARTERS, None, 0),
    ("east", "R-EAST", "华东技术服务中心", "East regional centre", UnitType.REGIONAL_CENTRE, "hq", 0),
    ("north", "R-NORTH", "华北技术服务中心", "North regional centre", UnitType.REGIONAL_CENTRE, "hq", 0),
    ("lake", "S-101", "湖滨星级服务中心", "Lakeside star centre", UnitType.STAR_CENTRE, "east", 4),
    ("river", "S-102", "江南星级服务中心", "Riverside star centre", UnitType.STAR_CENTRE, "east", 3),
    ("gate", "S-201", "城北星级服务中心", "Northgate star centre", UnitType.STAR_CENTRE, "north", 5),
    ("o1", "O-1011", "文晖特约网点", "Wenhui outlet", UnitType.OUTLET, "lake", 0),
    ("o2", "O-1012", "拱墅特约网点", "Gongshu outlet", UnitType.OUTLET, "lake", 0),
    ("o3", "O-1021", "滨江特约网点", "Binjiang outlet", UnitType.OUTLET, "river", 0),
    ("o4", "O-2011", "望京特约网点", "Wangjing outlet", UnitType.OUTLET, "gate", 0),
    ("o5", "O-2012", "通州特约网点", "Tongzhou outlet", UnitType.OUTLET, "gate", 0),
    ("hill", "S-202", "西山星级服务中心", "Westhill star centre", UnitType.STAR_CENTRE, "north", 4),
    ("o6", "O-2021", "清河特约网点", "Qinghe outlet", UnitType.OUTLET, "hill", 0),
    ("o7", "O-2022", "上地特约网点", "Shangdi outlet", UnitType.OUTLET, "hill", 0),
)
OUTLETS = tuple(unit[0] for unit in UNITS if unit[4] is UnitType.OUTLET)

# the employing companies: registered name, English name
COMPANIES: tuple[tuple[str, str], ...] = (
    ("安居家电服务有限公司", "Anju Appliance Services Ltd"),
    ("诚信家电服务有限公司", "Chengxin Appliance Services Ltd"),
    ("恒远家电服务有限公司", "Hengyuan Appliance Services Ltd"),
    ("京畅家电服务有限公司", "Jingchang Appliance Services Ltd"),
)
# which of them employs the people of a unit; the last one takes an outlet over on the way, see demo_roster.py
EMPLOYERS = {
    "hq": 1, "east": 1, "north": 1, "lake": 1, "river": 1, "gate": 1, "hill": 1,
    "o1": 0, "o2": 0, "o3": 0, "o4": 1, "o5": 1, "o6": 2, "o7": 2,
}  # fmt: skip
# of each unit: its centre, who trains there, who examines in its region
CREWS = {
    "o1": ("lake", "P-2001", "P-2003"), "o2": ("lake", "P-2001", "P-2003"), "o3": ("river", "P-2002", "P-2003"),
    "o4": ("gate", "P-2010", "P-2011"), "o5": ("gate", "P-2010", "P-2011"), "o6": ("hill", "P-2014", "P-2011"),
    "o7": ("hill", "P-2014", "P-2011"),
}  # fmt: skip


@dataclass(frozen=True)
class DemoPerson:
    """One demonstration account; `story` names what has happened to the person so far."""

    number: str
    name: str
    latin: str
    unit: str
    roles: tuple[str, ...] = ("learner",)
    story: str = ""
    shown: bool = False


PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson("T-1001", "林晓雨", "Lin Xiaoyu", "o1", story="fresh", shown=True),
    DemoPerson("T-1002", "何子轩", "He Zixuan", "o1", story="learning", shown=True),
    DemoPerson("T-1003", "郭梓萱", "Guo Zixuan", "o2", story="examinable"),
    DemoPerson("T-1004", "马建国", "Ma Jianguo", "o1", story="certified", shown=True),
    DemoPerson("T-1005", "罗怡然", "Luo Yiran", "o2", story="ready"),
    DemoPerson("T-1006", "梁志强", "Liang Zhiqiang", "o2", story="noticed", shown=True),
    DemoPerson("T-1007", "宋曦", "Song Xi", "o3", story="points"),
    DemoPerson("T-1008", "郑海涛", "Zheng Haitao", "o3", story="expiring"),
    DemoPerson("T-1009", "谢文静", "Xie Wenjing", "o4", story="revoked", shown=True),
    DemoPerson("T-1010", "韩立新", "Han Lixin", "o4", story="stopped"),
    DemoPerson("T-1011", "唐若曦", "Tang Ruoxi", "o5", story="certified"),
    DemoPerson("T-1012", "冯大勇", "Feng Dayong", "o5", story="answered"),
    DemoPerson("T-1013", "董佳琪", "Dong Jiaqi", "o3", story="certified"),
    DemoPerson("T-1014", "萧楠", "Xiao Nan", "o1", story="merit"),
    DemoPerson("T-1015", "欧阳静", "Ouyang Jing", "o5", story="learning"),
    DemoPerson("T-1016", "Maria Santos", "Maria Santos", "o3", story="fresh"),
    DemoPerson("T-1017", "潘雨桐", "Pan Yutong", "o2", story="contested"),
    DemoPerson("P-2001", "陈卫东", "Chen Weidong", "lake", ("trainer",), shown=True),
    DemoPerson("P-2002", "孙丽", "Sun Li", "river", ("trainer",), shown=True),
    DemoPerson("P-2003", "高远", "Gao Yuan", "east", ("examiner",), shown=True),
    DemoPerson("P-2004", "吴敏", "Wu Min", "hq", ("certifier",), shown=True),
    DemoPerson("P-2005", "郑凯", "Zheng Kai", "lake", ("centre-manager",), shown=True),
    DemoPerson("P-2006", "冯雪", "Feng Xue", "hq", ("hr",), shown=True),
    DemoPerson("P-2007", "褚明", "Chu Ming", "hq", ("hr",)),
    DemoPerson("P-2008", "卫青", "Wei Qing", "hq", ("hr-lead",), shown=True),
    DemoPerson("P-2009", "蒋华", "Jiang Hua", "hq", ("administrator",), shown=True),
    DemoPerson("P-2010", "沈涛", "Shen Tao", "gate", ("trainer", "centre-manager")),
    DemoPerson("P-2011", "许静", "Xu Jing", "north", ("examiner",)),
)

# who works behind the others and does not sign in
STAFF: tuple[DemoPerson, ...] = (
    DemoPerson("P-2014", "彭远航", "Peng Yuanhang", "hill", ("trainer",)),
    DemoPerson("P-2012", "赵晓梅", "Zhao Xiaomei", "lake", ("trainer",)),
    DemoPerson("P-2015", "章一帆", "Zhang Yifan", "gate", ("trainer",)),
    DemoPerson("P-2013", "谭静文", "Tan Jingwen", "river", ("trainer",)),
    DemoPerson("P-2016", "贺长河", "He Changhe", "river", ("centre-manager",)),
    DemoPerson("P-2017", "毛建平", "Mao Jianping", "hill", ("centre-manager",)),
    DemoPerson("P-2018", "邢志诚", "Xing Zhicheng", "hq", ("certifier",)),
    DemoPerson("P-2019", "常欣", "Chang Xin", "east", ("examiner",)),
)
ADDRESSES = {"T-1016": "maria santos@example.com"}  # a slip of the pen: no mail arrives there
# another trainer of the same centre, who marks as well
SECOND = {"P-2001": "P-2012", "P-2002": "P-2013", "P-2010": "P-2015"}
MANAGERS = {"lake": "P-2005", "river": "P-2016", "gate": "P-2010", "hill": "P-2017"}

# employee number, kind of state licence, days until its last day
LICENCES: tuple[tuple[str, str, int], ...] = (
    ("T-1004", "low-voltage-electrician", 610),
    ("T-1004", "refrigeration", 430),
    ("T-1004", "work-at-height", 41),
    ("T-1006", "low-voltage-electrician", -3),
    ("T-1007", "low-voltage-electrician", 502),
    ("T-1007", "gas-appliance", 288),
    ("T-1008", "low-voltage-electrician", 371),
    ("T-1008", "refrigeration", 12),
    ("T-1008", "work-at-height", 371),
    ("T-1010", "gas-appliance", 95),
    ("T-1011", "low-voltage-electrician", 26),
    ("T-1012", "low-voltage-electrician", 220),
    ("T-1012", "refrigeration", 220),
    ("T-1012", "work-at-height", -18),
    ("T-1013", "gas-appliance", 6),
    ("T-1014", "low-voltage-electrician", 705),
    ("T-1014", "gas-appliance", 63),
)
