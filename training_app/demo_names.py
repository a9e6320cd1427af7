"""Invented people for the demonstration, always the same ones: names by chance from lists, numbers in a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SEED = 20_240_229

_SURNAMES = (
    "王 Wang", "李 Li", "张 Zhang", "刘 Liu", "杨 Yang", "黄 Huang", "赵 Zhao", "周 Zhou", "徐 Xu", "朱 Zhu",
    "胡 Hu", "林 Lin", "罗 Luo", "梁 Liang", "宋 Song", "谢 Xie", "韩 Han", "唐 Tang", "于 Yu", "程 Cheng",
    "袁 Yuan", "邓 Deng", "许 Xu", "傅 Fu", "苏 Su", "卢 Lu", "蔡 Cai", "丁 Ding", "魏 Wei", "薛 Xue", "叶 Ye",
    "余 Yu", "杜 Du", "戴 Dai", "钟 Zhong", "汪 Wang", "田 Tian", "姜 Jiang", "范 Fan", "方 Fang", "石 Shi",
    "姚 Yao", "廖 Liao", "邹 Zou", "熊 Xiong", "陆 Lu", "孔 Kong", "白 Bai", "康 Kang", "邱 Qiu", "秦 Qin",
    "江 Jiang", "史 Shi", "顾 Gu", "侯 Hou", "邵 Shao", "孟 Meng", "龙 Long", "黎 Li", "司马 Sima",
)  # fmt: skip
_GIVEN = (
    "伟 Wei", "强 Qiang", "磊 Lei", "军 Jun", "勇 Yong", "杰 Jie", "涛 Tao", "超 Chao", "明 Ming", "刚 Gang",
    "平 Ping", "辉 Hui", "鹏 Peng", "斌 Bin", "波 Bo", "芳 Fang", "娜 Na", "敏 Min", "静 Jing", "丽 Li",
    "艳 Yan", "秀英 Xiuying", "桂兰 Guilan", "建华 Jianhua", "建军 Jianjun", "国强 Guoqiang", "志刚 Zhigang",
    "志远 Zhiyuan", "文博 Wenbo", "浩然 Haoran", "子涵 Zihan", "雨泽 Yuze", "俊杰 Junjie", "一鸣 Yiming",
    "海波 Haibo", "晓东 Xiaodong", "晓燕 Xiaoyan", "红梅 Hongmei", "春生 Chunsheng", "永康 Yongkang",
    "嘉豪 Jiahao", "思远 Siyuan", "天佑 Tianyou", "明轩 Mingxuan", "欣怡 Xinyi", "梦洁 Mengjie", "佳宁 Jianing",
    "新民 Xinmin", "福生 Fusheng", "金龙 Jinlong", "卫国 Weiguo", "学文 Xuewen", "立群 Liqun", "小龙 Xiaolong",
    "长青 Changqing", "有为 Youwei", "振宇 Zhenyu", "家明 Jiaming", "宏伟 Hongwei", "月 Yue",
)  # fmt: skip


@dataclass(frozen=True)
class Invented:
    """Somebody without a story of their own yet."""

    number: str
    name: str
    latin: str


def invented(prefix: str, first: int, count: int) -> list[Invented]:
    """Return people with numbers in a row; the same prefix and first number give the same people, whatever `count`."""
    names = _names(Random(f"{SEED}/{prefix}{first}"))  # chance that can be repeated
    return [Invented(f"{prefix}{first + place}", *next(names)) for place in range(count)]


def _names(random: Random) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    while True:
        family, family_latin = random.choice(_SURNAMES).split()
        given, given_latin = random.choice(_GIVEN).split()
        if family + given not in seen:
            seen.add(family + given)
            yield family + given, f"{family_latin} {given_latin}"
