import type { Department } from "./template.ts";

export const pets: Department = {
  key: "pets",
  name: ["Pets", "宠物用品"],
  leaves: [
    {
      key: "cat-food",
      name: ["Cat Food", "猫粮"],
      noun: ["Cat Food", "猫粮"],
      typed: { en: ["cat food", "dry cat food"], zh: ["猫粮", "成猫粮", "幼猫粮"] },
      brands: "pets",
      naming: "plain",
      styles: [
        ["Salmon", "三文鱼", "Salmon is the first ingredient.", "三文鱼排在配料表第一位。"],
        ["Chicken", "鸡肉", "Fresh chicken and its broth.", "鲜鸡肉加鸡汤。"],
        ["Duck", "鸭肉", "A gentle protein for choosy cats.", "温和蛋白，挑食的猫也爱吃。"],
        [
          "Tuna",
          "金枪鱼",
          "Cats hear the bag from the next room.",
          "一开袋，隔壁房间的猫都跑过来。",
        ],
      ],
      features: [
        ["Grain-Free", "无谷", "Without wheat, maize or soya.", "不含小麦、玉米和大豆。"],
        ["Kitten", "幼猫", "Small kibble for small teeth.", "小颗粒，幼猫嚼得动。"],
        [
          "Indoor",
          "室内猫",
          "Less energy for cats that watch the birds from inside.",
          "热量适中，适合宅家看鸟的猫。",
        ],
        ["Hairball-Care", "化毛", "Fibre helps hair on its way.", "膳食纤维帮助排毛。"],
      ],
      specs: [
        {
          name: ["Weight", "净重"],
          values: [
            ["1.5 kg", "1.5公斤"],
            ["4 kg", "4公斤"],
            ["8 kg", "8公斤"],
          ],
          priceSpan: 3,
          inTitle: true,
        },
      ],
      price: [11900, 0.4],
      closing: [
        ["Change over slowly within a week.", "建议用一周时间慢慢换粮。"],
        ["A complete food for every day.", "全价粮，可作日常主食。"],
      ],
      complements: { "cat-litter": 0.45, "pet-toys": 0.15 },
      replenishDays: 32,
    },
    {
      key: "cat-litter",
      name: ["Cat Litter", "猫砂"],
      noun: ["Cat Litter", "猫砂"],
      typed: { en: ["cat litter", "clumping litter"], zh: ["猫砂", "豆腐砂", "膨润土猫砂"] },
      brands: "pets",
      naming: "plain",
      styles: [
        [
          "Tofu",
          "豆腐",
          "Made from soya fibre; small amounts may be flushed.",
          "豆渣制成，少量可冲马桶。",
        ],
        ["Clay", "膨润土", "Fine clay that clumps in seconds.", "细颗粒矿土，几秒结团。"],
        ["Wood", "松木", "Pine pellets with the smell of the forest.", "松木颗粒，自带木香。"],
        [
          "Mixed",
          "混合",
          "Plant fibre and clay, the best of both.",
          "植物纤维加矿土，两种优点都有。",
        ],
      ],
      features: [
        ["Low-Dust", "低尘", "Sieved three times.", "三重除尘。"],
        ["Odour-Control", "除臭", "Activated carbon binds the smell.", "活性炭吸附异味。"],
        ["Fast-Clumping", "速结团", "Lifts out in one piece.", "一铲就整块起来。"],
      ],
      specs: [
        {
          name: ["Weight", "净重"],
          values: [
            ["2.5 kg", "2.5公斤"],
            ["6 kg", "6公斤"],
            ["10 kg", "10公斤"],
          ],
          priceSpan: 2.6,
          inTitle: true,
        },
      ],
      price: [4500, 0.35],
      closing: [
        ["One bag lasts one cat about three weeks.", "一只猫一袋大约用三周。"],
        ["Fill the tray to a depth of seven centimetres.", "建议铺七厘米厚。"],
      ],
      replenishDays: 24,
    },
    {
      key: "dog-food",
      name: ["Dog Food", "狗粮"],
      noun: ["Dog Food", "狗粮"],
      typed: { en: ["dog food", "dry dog food"], zh: ["狗粮", "成犬粮", "小型犬狗粮"] },
      brands: "pets",
      naming: "plain",
      styles: [
        ["Beef", "牛肉", "Beef and barley, slowly baked.", "牛肉配大麦，慢火烘焙。"],
        ["Lamb", "羊肉", "Easy on sensitive stomachs.", "肠胃敏感的狗狗也好消化。"],
        [
          "Chicken-and-Rice",
          "鸡肉米饭",
          "The classic that few dogs refuse.",
          "经典口味，很少有狗会拒绝。",
        ],
        ["Ocean-Fish", "深海鱼", "Fish oil for a shiny coat.", "富含鱼油，毛发亮泽。"],
      ],
      exclusiveFeatures: true,
      features: [
        ["Small-Breed", "小型犬", "Pieces the size of a fingernail.", "颗粒只有指甲盖大小。"],
        ["Puppy", "幼犬", "Extra calcium for growing bones.", "添加钙质，骨骼长得好。"],
        ["Senior", "老年犬", "Glucosamine for older joints.", "含氨糖，呵护老年犬关节。"],
        ["Grain-Free", "无谷", "With peas and pumpkin instead of grain.", "用豌豆和南瓜代替谷物。"],
      ],
      specs: [
        {
          name: ["Weight", "净重"],
          values: [
            ["2 kg", "2公斤"],
            ["5 kg", "5公斤"],
            ["12 kg", "12公斤"],
          ],
          priceSpan: 3,
          inTitle: true,
        },
      ],
      price: [12900, 0.4],
      closing: [
        ["A feeding table is on the back.", "背面附喂食量表。"],
        ["Store dry and closed.", "请密封存放于干燥处。"],
      ],
      complements: { "pet-toys": 0.3 },
      replenishDays: 35,
      zhTilt: -0.2,
    },
    {
      key: "pet-toys",
      name: ["Pet Toys", "宠物玩具"],
      noun: ["Pet Toy", "宠物玩具"],
      typed: { en: ["pet toy", "cat toy", "dog toy"], zh: ["宠物玩具", "逗猫棒", "狗玩具"] },
      brands: "pets",
      naming: "line",
      title: ["{brand} {name} {feature} {style}", "{brand} {name} {feature}{style}"],
      styles: [
        [
          "Feather Wand",
          "逗猫棒",
          "A feather on a string: no cat can look away.",
          "羽毛一晃，没有猫忍得住。",
        ],
        [
          "Chew Ring",
          "磨牙环",
          "Ridges clean the teeth while the dog is busy.",
          "凹凸纹路，边咬边洁齿。",
        ],
        ["Treat Ball", "漏食球", "Hides kibble and makes it last.", "藏点零食，能玩一下午。"],
        ["Rope Tug", "拉力绳", "Made for two, one of them with paws.", "一头给你，一头给它。"],
      ],
      features: [
        ["Durable", "耐咬", "Still whole after a week of hard play.", "疯玩一周也咬不坏。"],
        ["Squeaky", "发声", "Squeaks when it is bitten.", "一咬就叫，越玩越起劲。"],
        ["Interactive", "互动", "Moves just when it seems still.", "以为它停了，它又动了。"],
      ],
      colours: "bright",
      price: [3500, 0.45],
      closing: [
        ["Safe, food-grade materials.", "食品级材质，啃咬放心。"],
        ["Wash with warm water.", "温水清洗即可。"],
      ],
    },
  ],
};
