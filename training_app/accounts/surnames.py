"""How Chinese names are read: family names of two characters, and characters read differently as a family name."""

from __future__ import annotations

COMPOUND = {
    "欧阳": ("ou", "yang"), "太史": ("tai", "shi"), "端木": ("duan", "mu"), "上官": ("shang", "guan"),
    "司马": ("si", "ma"), "东方": ("dong", "fang"), "独孤": ("du", "gu"), "南宫": ("nan", "gong"),
    "万俟": ("mo", "qi"), "闻人": ("wen", "ren"), "夏侯": ("xia", "hou"), "诸葛": ("zhu", "ge"),
    "尉迟": ("yu", "chi"), "公羊": ("gong", "yang"), "赫连": ("he", "lian"), "澹台": ("tan", "tai"),
    "皇甫": ("huang", "fu"), "宗政": ("zong", "zheng"), "濮阳": ("pu", "yang"), "公冶": ("gong", "ye"),
    "太叔": ("tai", "shu"), "申屠": ("shen", "tu"), "公孙": ("gong", "sun"), "慕容": ("mu", "rong"),
    "仲孙": ("zhong", "sun"), "钟离": ("zhong", "li"), "长孙": ("zhang", "sun"), "宇文": ("yu", "wen"),
    "司徒": ("si", "tu"), "鲜于": ("xian", "yu"), "司空": ("si", "kong"), "令狐": ("ling", "hu"),
    "轩辕": ("xuan", "yuan"), "呼延": ("hu", "yan"), "百里": ("bai", "li"), "东郭": ("dong", "guo"),
    "南门": ("nan", "men"), "西门": ("xi", "men"), "拓跋": ("tuo", "ba"), "完颜": ("wan", "yan"),
    "第五": ("di", "wu"), "梁丘": ("liang", "qiu"), "左丘": ("zuo", "qiu"), "淳于": ("chun", "yu"),
}  # fmt: skip
READ_AS_FAMILY = {
    "曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "任": "ren", "区": "ou", "查": "zha", "朴": "piao",
    "翟": "zhai", "覃": "qin", "乐": "yue", "员": "yun", "盖": "ge", "种": "chong", "召": "shao", "卜": "bu",
    "薄": "bo", "隗": "wei", "繁": "po", "秘": "bi", "洗": "xian", "乜": "nie", "佴": "nai", "晟": "cheng",
    "缪": "miao", "宓": "fu", "祭": "zhai", "幺": "yao", "燕": "yan", "葛": "ge", "纪": "ji", "宁": "ning",
    "盛": "sheng", "华": "hua", "应": "ying", "车": "che", "褚": "chu", "尉": "wei", "么": "yao",
}  # fmt: skip


def syllables(name: str) -> tuple[list[str], list[str]]:
    """Return the pinyin syllables of the family name and of the given name, lower case, ü written v.

    Only what begins with a Chinese family name is split; everything else is one run of syllables in the second list.
    A given name is read by phrase; rare readings are for the person to correct.
    """
    name = name.strip()
    family = COMPOUND.get(name[:2])
    if family is not None and len(name) > 2:
        return list(family), _read(name[2:])
    if name[:1] in READ_AS_FAMILY:
        return [READ_AS_FAMILY[name[0]]], _read(name[1:])
    return [], _read(name)


def _read(text: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin  # a large book of phrases, opened by who needs it

    return [part for part in lazy_pinyin(text, style=Style.NORMAL) if part.strip()]
