import type { Phrase } from "./template.ts";

/** Names of product lines. */
export const lineNames: readonly Phrase[] = [
  ["Aero", "逐风"],
  ["Drift", "流云"],
  ["Summit", "峰行"],
  ["Ember", "暖焰"],
  ["Tide", "潮汐"],
  ["Willow", "柳荫"],
  ["Harbor", "港湾"],
  ["Nova", "新星"],
  ["Pebble", "卵石"],
  ["Cedar", "雪松"],
  ["Halo", "光环"],
  ["Meadow", "草甸"],
  ["Juniper", "杜松"],
  ["Comet", "彗星"],
  ["Lark", "云雀"],
  ["Fable", "寓言"],
  ["Atlas", "远途"],
  ["Bloom", "花期"],
  ["Frost", "霜序"],
  ["Maple", "枫舟"],
  ["Onyx", "墨曜"],
  ["Sage", "鼠尾草"],
  ["Terra", "大地"],
  ["Zephyr", "清风"],
  ["Marlow", "麦洛"],
  ["Birch", "白桦"],
  ["Solstice", "至日"],
  ["Orchard", "果园"],
];

/** Endings of model numbers; the empty one is the usual. */
export const modelEndings: readonly string[] = ["", "", "", " Pro", " Lite", " Plus", " S"];

/** Words that book titles are composed of: "The {subject} of {place}". */
export const bookSubjects: Readonly<Record<string, readonly Phrase[]>> = {
  novels: [
    ["Clockmaker", "钟表匠"],
    ["Lamplighter", "点灯人"],
    ["Cartographer", "制图师"],
    ["Last Ferry", "末班渡轮"],
    ["Winter Letters", "冬日来信"],
    ["Glass Garden", "玻璃花园"],
    ["Second Moon", "第二个月亮"],
    ["Salt Merchants", "盐商"],
    ["Silent Choir", "沉默的合唱团"],
    ["Beekeeper", "养蜂人"],
    ["Lost Archive", "失落的档案馆"],
    ["Long Summer", "漫长夏天"],
  ],
  "picture-books": [
    ["Little Snail", "小蜗牛"],
    ["Brave Kite", "勇敢的风筝"],
    ["Sleepy Badger", "瞌睡的獾"],
    ["Red Umbrella", "红雨伞"],
    ["Moon Baker", "月亮面包师"],
    ["Lost Mitten", "丢失的手套"],
    ["Curious Otter", "好奇的水獭"],
    ["Paper Boat", "纸船"],
  ],
  cookbooks: [
    ["Table", "餐桌"],
    ["Kitchen", "厨房"],
    ["Pantry", "食品柜"],
    ["Sunday Meals", "周日餐"],
    ["Market", "菜市场"],
    ["Simple Suppers", "简单晚餐"],
  ],
};

/** Places that exist in books only. */
export const bookPlaces: readonly Phrase[] = [
  ["Amber Bay", "琥珀湾"],
  ["Misty Harbour", "雾港"],
  ["Crane Island", "鹤岛"],
  ["Willow Lane", "柳巷"],
  ["Northmere", "北湖镇"],
  ["Stone Bridge", "石桥镇"],
  ["Plum Valley", "梅谷"],
  ["the Old Lighthouse", "旧灯塔"],
  ["Seven Wells", "七井村"],
  ["Fern Hollow", "蕨谷"],
  ["Copper Hill", "铜山"],
  ["the Quiet Coast", "寂静海岸"],
  ["Lotus Street", "莲花街"],
  ["Juniper House", "杜松屋"],
  ["Snow Pass", "雪关"],
  ["the River Mouth", "河口镇"],
];

/** Colours by the mood of a leaf. */
export const palettes: Readonly<
  Record<"muted" | "bright" | "dark" | "denim" | "lips", readonly Phrase[]>
> = {
  muted: [
    ["Black", "黑色"],
    ["Off-White", "米白"],
    ["Slate Grey", "岩灰"],
    ["Navy", "藏青"],
    ["Olive", "橄榄绿"],
    ["Sand", "沙色"],
    ["Dusty Pink", "灰粉"],
    ["Terracotta", "陶土红"],
  ],
  bright: [
    ["Black", "黑色"],
    ["White", "白色"],
    ["Sky Blue", "天蓝"],
    ["Coral", "珊瑚红"],
    ["Lemon", "柠檬黄"],
    ["Mint", "薄荷绿"],
    ["Lavender", "薰衣草紫"],
    ["Cherry Red", "樱桃红"],
  ],
  denim: [
    ["Indigo", "靛蓝"],
    ["Light Blue", "浅蓝"],
    ["Black", "黑色"],
    ["Pale Grey", "浅灰"],
  ],
  lips: [
    ["Rosewood", "豆沙色"],
    ["Brick Red", "砖红"],
    ["Cherry Red", "樱桃红"],
    ["Nude", "裸色"],
    ["Berry", "浆果色"],
    ["Coral", "珊瑚红"],
  ],
  dark: [
    ["Black", "黑色"],
    ["Graphite", "石墨灰"],
    ["Midnight Blue", "午夜蓝"],
    ["Silver", "银色"],
    ["Forest Green", "森林绿"],
  ],
};

/** Sizes of variants, smallest first. */
export const sizeRuns: Readonly<
  Record<"shoe" | "clothing" | "sock" | "waist" | "bed" | "diaper", readonly Phrase[]>
> = {
  shoe: [
    ["37", "37"],
    ["38", "38"],
    ["39", "39"],
    ["40", "40"],
    ["41", "41"],
    ["42", "42"],
    ["43", "43"],
    ["44", "44"],
  ],
  clothing: [
    ["S", "S"],
    ["M", "M"],
    ["L", "L"],
    ["XL", "XL"],
  ],
  sock: [
    ["35–38", "35–38"],
    ["39–42", "39–42"],
    ["43–46", "43–46"],
  ],
  waist: [
    ["28", "28"],
    ["30", "30"],
    ["32", "32"],
    ["34", "34"],
    ["36", "36"],
  ],
  bed: [
    ["1.5 m bed", "1.5米床"],
    ["1.8 m bed", "1.8米床"],
    ["2.0 m bed", "2.0米床"],
  ],
  diaper: [
    ["S", "S"],
    ["M", "M"],
    ["L", "L"],
    ["XL", "XL"],
  ],
};

/** Authors of the books, all invented. */
export const authors: readonly Phrase[] = [
  ["Lin Wanqing", "林晚晴"],
  ["Marta Quill", "玛尔塔·奎尔"],
  ["Zhou Mubai", "周慕白"],
  ["Tobias Fenn", "托拜厄斯·芬恩"],
  ["He Xiaoman", "何小满"],
  ["Ingrid Solheim", "英格丽德·索尔海姆"],
  ["Gu Yansheng", "顾言生"],
  ["Beatrice Lowell", "比阿特丽斯·洛厄尔"],
  ["Ye Qingzhou", "叶轻舟"],
  ["Samuel Thorne", "塞缪尔·索恩"],
  ["Qin Ruolan", "秦若岚"],
  ["Amara Osei", "阿玛拉·奥赛"],
];
