import type { Address } from "@magpie/domain";
import type { Phrase } from "./template.ts";

/** A city with the share of shoppers who live there and its hours from UTC. */
export interface City {
  readonly address: Address;
  readonly name: Phrase;
  readonly locale: "en" | "zh";
  readonly utcHours: number;
  readonly weight: number;
}

function city(
  locale: "en" | "zh",
  country: string,
  region: string,
  en: string,
  zh: string,
  latitude: number,
  longitude: number,
  utcHours: number,
  weight: number,
): City {
  return {
    address: { country, region, city: en, latitude, longitude },
    name: [en, zh],
    locale,
    utcHours,
    weight,
  };
}

/** Where shoppers and sellers live. */
export const cities: readonly City[] = [
  city("zh", "CN", "Zhejiang", "Hangzhou", "杭州", 30.27, 120.16, 8, 6),
  city("zh", "CN", "Shanghai", "Shanghai", "上海", 31.23, 121.47, 8, 10),
  city("zh", "CN", "Beijing", "Beijing", "北京", 39.9, 116.4, 8, 9),
  city("zh", "CN", "Guangdong", "Guangzhou", "广州", 23.13, 113.26, 8, 7),
  city("zh", "CN", "Guangdong", "Shenzhen", "深圳", 22.54, 114.06, 8, 7),
  city("zh", "CN", "Sichuan", "Chengdu", "成都", 30.57, 104.07, 8, 6),
  city("zh", "CN", "Hubei", "Wuhan", "武汉", 30.59, 114.31, 8, 4),
  city("zh", "CN", "Shaanxi", "Xi'an", "西安", 34.34, 108.94, 8, 4),
  city("zh", "CN", "Heilongjiang", "Harbin", "哈尔滨", 45.8, 126.53, 8, 2),
  city("en", "GB", "England", "London", "伦敦", 51.51, -0.13, 0, 9),
  city("en", "GB", "Scotland", "Edinburgh", "爱丁堡", 55.95, -3.19, 0, 4),
  city("en", "IE", "Leinster", "Dublin", "都柏林", 53.35, -6.26, 0, 3),
  city("en", "US", "New York", "New York", "纽约", 40.71, -74.01, -5, 9),
  city("en", "US", "Illinois", "Chicago", "芝加哥", 41.88, -87.63, -6, 5),
  city("en", "US", "Washington", "Seattle", "西雅图", 47.61, -122.33, -8, 5),
  city("en", "CA", "Ontario", "Toronto", "多伦多", 43.65, -79.38, -5, 5),
  city("en", "AU", "Victoria", "Melbourne", "墨尔本", -37.81, 144.96, 10, 4),
];

/** Family and given names: English, then Chinese with the Latin form used in ids. */
export const familyNames = {
  en: "Hartley Bennett Carver Doyle Ellison Foster Grant Holloway Ingram Jarvis Kendall Lowell Mercer Norris Osborne Parrish Quinn Rhodes Sawyer Thornton Underhill Vance Whitaker Yates Abbott Barlow Calder Draper Easton Finch".split(
    " ",
  ),
  zh: "chen:陈 lin:林 wang:王 zhang:张 li:李 liu:刘 zhao:赵 zhou:周 wu:吴 xu:徐 sun:孙 ma:马 zhu:朱 hu:胡 guo:郭 he:何 luo:罗 gao:高 liang:梁 song:宋 tang:唐 feng:冯 deng:邓 xie:谢 han:韩 cao:曹 peng:彭 shen:沈 jiang:蒋 ye:叶".split(
    " ",
  ),
} as const;

export const givenNames = {
  en: "Emma Oliver Sophie Noah Grace Liam Chloe Ethan Hannah Lucas Alice Henry Ruby Oscar Isla Theo Clara Felix Nora Jude Maya Owen Eva Leo Zoe Miles Iris Hugo Lily Adam Rose Max Ella Finn Jane Sam Tess Paul Anna Mark".split(
    " ",
  ),
  zh: "siyu:思雨 haoran:浩然 yutong:雨桐 zihan:子涵 mengqi:梦琪 jiayi:佳怡 mingze:明泽 xinyi:欣怡 yichen:奕辰 ruoxi:若曦 zixuan:子轩 shuyan:舒妍 tianyi:天翊 kexin:可欣 junjie:俊杰 wenbo:文博 yuxuan:宇轩 lijuan:丽娟 jianguo:建国 xiaoyan:晓燕 yifan:一凡 jingyi:静怡 ziyang:子阳 anqi:安琪 chenxi:晨曦 bowen:博文 qianru:倩如 zhiyuan:志远 meiling:美玲 peng:鹏 jia:佳 lei:磊 fang:芳 tao:涛 min:敏 jun:俊 xue:雪 yang:洋 na:娜 wei:伟".split(
    " ",
  ),
} as const;

/** Names of sellers. */
export const sellers: readonly Phrase[] = [
  ["Westlake Select", "西湖优选"],
  ["Harbour Street Store", "港街商店"],
  ["Blue Door Market", "蓝门市集"],
  ["Bamboo Lane", "竹巷好物"],
  ["North Pier Goods", "北码头百货"],
  ["Red Lantern Trading", "红灯笼商行"],
  ["Hilltop Outfitters", "山顶装备"],
  ["Paper Crane Shop", "纸鹤小店"],
  ["Riverside Home", "河畔家居"],
  ["Maple & Co.", "枫叶商社"],
  ["Panda Parcel", "熊猫包裹"],
  ["Old Mill Provisions", "老磨坊食货"],
];
