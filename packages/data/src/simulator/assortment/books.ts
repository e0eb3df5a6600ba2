import type { Department } from "./template.ts";

export const books: Department = {
  key: "books",
  name: ["Books", "图书"],
  leaves: [
    {
      key: "novels",
      share: 1.5,
      name: ["Novels", "小说"],
      noun: ["Novel", "小说"],
      typed: {
        en: ["novel", "mystery novel", "fantasy novel"],
        zh: ["小说", "推理小说", "奇幻小说"],
      },
      brands: "books",
      naming: "book",
      styles: [
        [
          "Mystery",
          "推理",
          "A letter arrives twenty years late, and a quiet town begins to talk.",
          "一封迟到二十年的信，让安静的小镇开始议论纷纷。",
        ],
        [
          "Fantasy",
          "奇幻",
          "Beyond the last lighthouse the map goes on.",
          "过了最后一座灯塔，地图还在继续。",
        ],
        [
          "Family-Saga",
          "家族",
          "Three generations, one house, and what nobody said aloud.",
          "三代人，一座老屋，和谁也没说出口的话。",
        ],
        [
          "Science-Fiction",
          "科幻",
          "The station answers a call that nobody has sent yet.",
          "空间站收到一个还没有人发出的呼叫。",
        ],
      ],
      exclusiveFeatures: true,
      features: [
        ["Paperback", "平装", "A light paperback for bags and beaches.", "轻便平装，随身带着读。"],
        ["Hardcover", "精装", "Clothbound, with a ribbon.", "布面精装，附书签带。"],
        ["Illustrated", "插图版", "With a dozen ink drawings.", "内附十余幅墨线插图。"],
      ],
      price: [4200, 0.3],
      closing: [
        ["Each volume can be read on its own.", "每一册都可以单独阅读。"],
        ["With an afterword by the author.", "书末附作者后记。"],
      ],
      season: [8, 0.15],
    },
    {
      key: "cookbooks",
      name: ["Cookbooks", "食谱"],
      noun: ["Cookbook", "食谱"],
      typed: { en: ["cookbook", "recipes"], zh: ["食谱", "菜谱", "烘焙书"] },
      brands: "books",
      naming: "book",
      styles: [
        [
          "Home-Cooking",
          "家常菜",
          "Dinners for weekdays, with what the corner shop has.",
          "工作日的晚饭，用街角小店就能买到的食材。",
        ],
        ["Baking", "烘焙", "From a first loaf to a wedding cake.", "从第一条吐司到婚礼蛋糕。"],
        [
          "Noodle",
          "面食",
          "Forty bowls from hand-pulled to instant.",
          "四十碗面，从手擀到方便面的花样吃法。",
        ],
        ["Vegetable", "蔬菜", "Arranged by what is ripe.", "按时令编排，当季吃什么一翻便知。"],
      ],
      exclusiveFeatures: true,
      features: [
        ["Step-by-Step", "图解", "A picture for every step.", "每一步都有图。"],
        ["Spiral-Bound", "线圈装", "Lies flat next to the stove.", "线圈装订，在灶台边也能摊平。"],
        ["Beginner", "新手", "No recipe has more than ten steps.", "每道菜不超过十步。"],
      ],
      price: [6200, 0.3],
      closing: [
        ["Weights in grams, times in minutes.", "用量精确到克，时间精确到分钟。"],
        ["The cover wipes clean.", "封面防油，一擦就净。"],
      ],
      complements: { "frying-pans": 0.12, "kitchen-knives": 0.1 },
    },
  ],
};
