import type { BrandGroup, Phrase } from "./template.ts";

/** An invented brand; tier 0 sells on price, 1 in the middle, 2 on its name. */
export interface BrandTemplate {
  readonly name: Phrase;
  readonly tier: 0 | 1 | 2;
}

/** Invented brands with their Chinese names, by the departments in which they sell. */
export const brandGroups: Readonly<Record<BrandGroup, readonly BrandTemplate[]>> = {
  tech: [
    { name: ["Voltari", "沃塔睿"], tier: 1 },
    { name: ["Nexquill", "耐思葵"], tier: 2 },
    { name: ["Ohmwell", "欧姆维"], tier: 0 },
    { name: ["Pixmora", "皮克茉"], tier: 1 },
    { name: ["Tidewick", "潮未"], tier: 0 },
    { name: ["Zentrova", "臻托"], tier: 2 },
    { name: ["Loomtek", "络木"], tier: 1 },
  ],
  kitchen: [
    { name: ["Hearthlane", "炉巷"], tier: 1 },
    { name: ["Brewmont", "布茗"], tier: 1 },
    { name: ["Copperfen", "铜芬"], tier: 2 },
    { name: ["Daymeal", "朝餐"], tier: 0 },
    { name: ["Steamory", "蒸屿"], tier: 1 },
    { name: ["Panwell", "盘味"], tier: 0 },
  ],
  sport: [
    { name: ["Norvane", "诺梵"], tier: 1 },
    { name: ["Stridewyn", "迈禾"], tier: 0 },
    { name: ["Ridgeful", "岭丰"], tier: 1 },
    { name: ["Altimoor", "岳慕"], tier: 2 },
    { name: ["Pacebay", "湃步"], tier: 0 },
    { name: ["Fernpeak", "蕨峰"], tier: 1 },
  ],
  fashion: [
    { name: ["Linnetta", "琳奈塔"], tier: 1 },
    { name: ["Moss & Doe", "苔与鹿"], tier: 1 },
    { name: ["Greyfold", "灰褶"], tier: 2 },
    { name: ["Dailyseam", "日线"], tier: 0 },
    { name: ["Cottonbrae", "棉坡"], tier: 0 },
    { name: ["Velloria", "薇洛蕾"], tier: 2 },
    { name: ["Tuckwood", "塔克木"], tier: 1 },
  ],
  home: [
    { name: ["Nestaline", "栖林"], tier: 1 },
    { name: ["Woolhaven", "绒港"], tier: 1 },
    { name: ["Softmere", "柔湖"], tier: 0 },
    { name: ["Oak & Rye", "橡与麦"], tier: 2 },
    { name: ["Tidyfox", "整理狐"], tier: 0 },
  ],
  beauty: [
    { name: ["Petalune", "瓣月"], tier: 1 },
    { name: ["Serenelle", "舒宁妍"], tier: 2 },
    { name: ["Dewbloom", "露绽"], tier: 0 },
    { name: ["Aquamelle", "雅珂媚"], tier: 1 },
    { name: ["Fennelry", "茴谷"], tier: 1 },
  ],
  baby: [
    { name: ["Tinybarn", "小谷仓"], tier: 0 },
    { name: ["Cubbylane", "幼熊巷"], tier: 1 },
    { name: ["Pipkinder", "皮皮金"], tier: 1 },
    { name: ["Moonmallow", "月绵"], tier: 2 },
  ],
  food: [
    { name: ["Mistpeak", "雾岭"], tier: 1 },
    { name: ["Harvestone", "禾岸"], tier: 0 },
    { name: ["Cocoavale", "可可谷"], tier: 2 },
    { name: ["Leaf & Loom", "叶织"], tier: 1 },
    { name: ["Grainjoy", "谷悦"], tier: 0 },
  ],
  pets: [
    { name: ["Pawmere", "帕暮"], tier: 1 },
    { name: ["Whiskery", "须须"], tier: 0 },
    { name: ["Tailwynd", "尾风"], tier: 1 },
    { name: ["Furnova", "菲诺宠"], tier: 2 },
  ],
  books: [
    { name: ["Lantern Quay Press", "灯港书局"], tier: 1 },
    { name: ["Papermoor", "纸原文化"], tier: 1 },
    { name: ["Little Otter Books", "小水獭书坊"], tier: 0 },
    { name: ["Ninth Bell", "九钟出版"], tier: 2 },
  ],
};
