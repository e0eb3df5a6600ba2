import type { Department } from "./template.ts";

export const beauty: Department = {
  key: "beauty",
  name: ["Beauty & Care", "美妆个护"],
  leaves: [
    {
      key: "face-creams",
      name: ["Face Creams", "面霜"],
      noun: ["Face Cream", "面霜"],
      typed: {
        en: ["face cream", "moisturiser", "moisturizer"],
        zh: ["面霜", "保湿霜", "乳液面霜"],
      },
      brands: "beauty",
      naming: "plain",
      styles: [
        [
          "Ceramide",
          "神经酰胺",
          "Ceramides help a stressed skin barrier recover.",
          "神经酰胺帮助修护脆弱的皮肤屏障。",
        ],
        [
          "Hyaluronic",
          "玻尿酸",
          "Hyaluronic acid holds moisture through a day of air conditioning.",
          "玻尿酸锁水，空调房里待一天也不干。",
        ],
        [
          "Oat",
          "燕麦",
          "Colloidal oat calms skin that reddens easily.",
          "燕麦成分，舒缓容易泛红的肌肤。",
        ],
        [
          "Camellia",
          "山茶花",
          "Pressed camellia oil leaves a silky finish.",
          "冷榨山茶花油，肤感丝滑。",
        ],
      ],
      exclusiveFeatures: true,
      features: [
        [
          "Lightweight",
          "清爽",
          "Sinks in within a minute and leaves no shine.",
          "一分钟吸收，不油不腻。",
        ],
        ["Rich", "滋润", "A dense cream for cold and dry days.", "质地丰润，干冷天气也护得住。"],
        [
          "Fragrance-Free",
          "无香",
          "No perfume, no colour, nothing extra.",
          "不加香精、色素，配方简单。",
        ],
        ["Overnight", "夜间修护", "Works while you sleep.", "睡着的时候慢慢修护。"],
      ],
      specs: [
        {
          name: ["Content", "净含量"],
          values: [
            ["30 ml", "30毫升"],
            ["50 ml", "50毫升"],
            ["100 ml", "100毫升"],
          ],
          priceSpan: 1.9,
          inTitle: true,
        },
      ],
      price: [13900, 0.6],
      closing: [
        ["Tested on sensitive skin.", "经敏感肌测试。"],
        ["Use morning or evening after cleansing.", "早晚洁面后使用。"],
      ],
      complements: { sunscreens: 0.3 },
      replenishDays: 60,
      season: [12, 0.3],
    },
    {
      key: "sunscreens",
      name: ["Sunscreens", "防晒霜"],
      noun: ["Sunscreen", "防晒霜"],
      typed: { en: ["sunscreen", "sun cream", "spf 50"], zh: ["防晒霜", "防晒", "防晒乳"] },
      brands: "beauty",
      naming: "plain",
      styles: [
        [
          "Mineral",
          "物理",
          "Zinc oxide that begins to work at once.",
          "氧化锌物理防晒，涂上即生效。",
        ],
        [
          "Tinted",
          "隔离",
          "A hint of colour evens out the skin.",
          "微微修饰肤色，出门不用再上粉底。",
        ],
        [
          "Sport",
          "运动",
          "Stays on through sweat and does not sting the eyes.",
          "出汗不花，不辣眼睛。",
        ],
        ["Kids", "儿童", "Mild enough for small faces.", "温和配方，宝宝小脸也能用。"],
      ],
      features: [
        [
          "Water-Resistant",
          "防水",
          "Good for eighty minutes in the water.",
          "下水八十分钟仍有效。",
        ],
        ["Invisible", "不泛白", "Leaves no white cast.", "涂开不泛白。"],
        ["Light-Fluid", "轻薄", "Flows like water and dries in seconds.", "水一样轻，几秒成膜。"],
        ["Fragrance-Free", "无香", "Without perfume and without alcohol.", "不含香精和酒精。"],
      ],
      specs: [
        {
          name: ["Protection", "防晒指数"],
          values: [
            ["SPF 30", "SPF30"],
            ["SPF 50", "SPF50"],
            ["SPF 50+", "SPF50+"],
          ],
          priceSpan: 1.2,
          inTitle: true,
        },
      ],
      price: [9900, 0.45],
      closing: [
        ["Apply generously and again after two hours.", "请足量涂抹，每两小时补涂一次。"],
        ["Washes off with ordinary cleanser.", "普通洁面即可洗净。"],
      ],
      replenishDays: 45,
      season: [7, 0.7],
    },
    {
      key: "shampoos",
      name: ["Shampoos", "洗发水"],
      noun: ["Shampoo", "洗发水"],
      typed: { en: ["shampoo", "hair wash"], zh: ["洗发水", "洗发露"] },
      brands: "beauty",
      naming: "plain",
      styles: [
        [
          "Ginger",
          "生姜",
          "Ginger warms the scalp and wakes the head.",
          "生姜成分，温暖头皮，清爽提神。",
        ],
        [
          "Rosemary",
          "迷迭香",
          "Rosemary leaves a clean, herbal scent.",
          "迷迭香草本气息，干净好闻。",
        ],
        [
          "Amino-Acid",
          "氨基酸",
          "Mild surfactants for washing every day.",
          "氨基酸表活，天天洗也温和。",
        ],
        ["Sea-Salt", "海盐", "Sea salt lifts fine hair at the roots.", "海盐蓬松，细软发也有型。"],
      ],
      features: [
        ["Anti-Dandruff", "去屑", "Flakes are gone after two weeks.", "坚持两周，头屑明显减少。"],
        [
          "Oil-Control",
          "控油",
          "Hair stays fresh until the second evening.",
          "洗一次，清爽到第二天晚上。",
        ],
        [
          "Repairing",
          "修护",
          "Smooths ends that colour and heat have dried out.",
          "改善烫染后的干枯发尾。",
        ],
        [
          "Silicone-Free",
          "无硅油",
          "Rinses out completely, weighs nothing down.",
          "不含硅油，冲得净、不扁塌。",
        ],
      ],
      specs: [
        {
          name: ["Content", "净含量"],
          values: [
            ["300 ml", "300毫升"],
            ["500 ml", "500毫升"],
            ["750 ml", "750毫升"],
          ],
          priceSpan: 1.7,
          inTitle: true,
        },
      ],
      price: [5900, 0.45],
      closing: [
        ["The bottle is made of recycled plastic.", "瓶身采用再生塑料。"],
        ["A refill pouch is available.", "另有补充装。"],
      ],
      replenishDays: 50,
    },
    {
      key: "lipsticks",
      name: ["Lipsticks", "口红"],
      noun: ["Lipstick", "口红"],
      typed: { en: ["lipstick", "lip colour", "lip tint"], zh: ["口红", "唇膏", "唇釉"] },
      brands: "beauty",
      naming: "line",
      styles: [
        ["Matte", "哑光", "A velvety finish without shine.", "丝绒哑光，不反光。"],
        ["Satin", "缎光", "A soft sheen that forgives dry lips.", "柔和缎光，唇干也服帖。"],
        ["Sheer", "水润", "A wash of colour that feels like balm.", "薄透显色，像润唇膏一样舒服。"],
        ["Glossy", "镜面", "Light plays on it like on glass.", "玻璃唇光泽，饱满透亮。"],
      ],
      features: [
        ["Long-Wear", "持久", "Survives lunch and a cup of tea.", "吃饭喝茶不易掉色。"],
        ["Non-Drying", "不拔干", "Jojoba oil keeps the lips supple.", "荷荷巴油滋养，整天不拔干。"],
        ["Transfer-Proof", "不沾杯", "Leaves the cup as it was.", "杯口不留唇印。"],
        [
          "Everyday",
          "日常百搭",
          "Shades for bare faces and busy mornings.",
          "素颜也能涂，早上出门不费心。",
        ],
      ],
      colours: "lips",
      price: [8900, 0.55],
      closing: [
        ["The case closes with a magnet.", "磁吸开合管身。"],
        ["Fragrance-free formula.", "配方不添加香精。"],
      ],
      season: [2, 0.3],
    },
  ],
};
