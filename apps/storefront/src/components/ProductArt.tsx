import { Box } from "@mantine/core";
import {
  IconBabyCarriage,
  IconBackpack,
  IconBallBasketball,
  IconBarbell,
  IconBath,
  IconBatteryCharging,
  IconBed,
  IconBike,
  IconBlender,
  IconBook,
  IconBottle,
  IconBowl,
  IconBrush,
  IconCamera,
  IconCar,
  IconCat,
  IconCoffee,
  IconCookie,
  IconDeviceGamepad2,
  IconDeviceLaptop,
  IconDeviceMobile,
  IconDeviceSpeaker,
  IconDeviceTablet,
  IconDeviceTv,
  IconDeviceWatch,
  IconDiamond,
  IconDog,
  IconDroplet,
  IconFlower,
  IconGrill,
  IconHammer,
  IconHanger,
  IconHeadphones,
  IconJacket,
  IconKeyboard,
  IconLamp,
  IconLeaf,
  IconMicrowave,
  IconMouse,
  IconMug,
  IconPackage,
  IconPencil,
  IconPerfume,
  IconPlant2,
  IconPlugConnected,
  IconPuzzle,
  IconRun,
  IconShirt,
  IconShoe,
  IconSock,
  IconSofa,
  IconSunglasses,
  IconTeapot,
  IconTent,
  IconToolsKitchen2,
  IconUmbrella,
  IconVacuumCleaner,
  IconWallet,
  IconWash,
  IconYoga,
  type Icon,
} from "@tabler/icons-react";
import { createElement } from "react";
import type { Item } from "../shop/types.ts";

/** First match wins, so the narrower word stands before the wider one. */
const pictures: readonly (readonly [RegExp, Icon])[] = [
  [/running shoe|sneaker|shoe|boot|sandal|trainer/, IconShoe],
  [/sock/, IconSock],
  [/jacket|coat|parka|hoodie/, IconJacket],
  [/dress|skirt|trouser|jean|pant|legging/, IconHanger],
  [/shirt|tee|top|blouse|sweater|knit/, IconShirt],
  [/backpack|rucksack|luggage|suitcase|bag/, IconBackpack],
  [/sunglasses|glasses/, IconSunglasses],
  [/wallet|purse|belt/, IconWallet],
  [/jewel|necklace|ring|earring|bracelet/, IconDiamond],
  [/umbrella/, IconUmbrella],
  [/watch|wearable|fitness tracker/, IconDeviceWatch],
  [/headphone|earbud|earphone/, IconHeadphones],
  [/charger|power bank|battery/, IconBatteryCharging],
  [/cable|adapter|plug|hub/, IconPlugConnected],
  [/phone|mobile|case/, IconDeviceMobile],
  [/tablet|e-?reader/, IconDeviceTablet],
  [/laptop|notebook comp|computer/, IconDeviceLaptop],
  [/keyboard/, IconKeyboard],
  [/mouse|mice/, IconMouse],
  [/camera|lens|tripod/, IconCamera],
  [/speaker|sound/, IconDeviceSpeaker],
  [/tv|television|projector|monitor|display/, IconDeviceTv],
  [/game|console|controller/, IconDeviceGamepad2],
  [/vacuum|cleaner|robot/, IconVacuumCleaner],
  [/kettle|teapot|tea/, IconTeapot],
  [/coffee|espresso/, IconCoffee],
  [/blender|juicer|mixer/, IconBlender],
  [/microwave|oven|air fryer|rice cooker|toaster/, IconMicrowave],
  [/grill|barbecue/, IconGrill],
  [/pan|pot|wok|knife|knives|cookware|cutlery|kitchen/, IconToolsKitchen2],
  [/mug|cup|tumbler|thermos/, IconMug],
  [/bowl|plate|dinner|tableware/, IconBowl],
  [/water bottle|bottle|flask/, IconBottle],
  [/lamp|light/, IconLamp],
  [/sofa|chair|desk|table|furniture|shel/, IconSofa],
  [/bed|pillow|duvet|quilt|sheet|mattress/, IconBed],
  [/towel|bath|shower/, IconBath],
  [/laundry|detergent|wash/, IconWash],
  [/plant|garden|pot\b/, IconPlant2],
  [/flower|vase|candle/, IconFlower],
  [/tent|camp|sleeping/, IconTent],
  [/yoga|pilates/, IconYoga],
  [/dumbbell|barbell|fitness|weights|resistance/, IconBarbell],
  [/bike|cycling|bicycle/, IconBike],
  [/ball|football|basketball|badminton|tennis|racket/, IconBallBasketball],
  [/run|outdoor|hik|trek/, IconRun],
  [/perfume|fragrance/, IconPerfume],
  [/lipstick|makeup|make-up|cosmetic|brush/, IconBrush],
  [/skin|serum|cream|shampoo|sunscreen|cleanser|mask|hair|lotion/, IconDroplet],
  [/stroller|baby|diaper|nappy|infant/, IconBabyCarriage],
  [/toy|puzzle|block|lego|doll|model kit/, IconPuzzle],
  [/dog/, IconDog],
  [/cat\b|litter|pet/, IconCat],
  [/snack|biscuit|chocolate|nut|cookie|candy/, IconCookie],
  [/food|grocery|rice|oil|organic/, IconLeaf],
  [/book|novel/, IconBook],
  [/pen\b|pens|stationery|notebook|pencil|paper/, IconPencil],
  [/tool|drill|hammer|screw/, IconHammer],
  [/car\b|dash|automotive/, IconCar],
];

/** The colour words of the catalogue as hues in degrees; unknown words take a hash of the item. */
const hues: readonly (readonly [RegExp, number])[] = [
  [/red|crimson|burgundy|红/i, 355],
  [/orange|coral|橙/i, 22],
  [/yellow|gold|amber|黄|金/i, 45],
  [/green|olive|mint|绿/i, 145],
  [/teal|turquoise|青/i, 178],
  [/blue|navy|蓝/i, 212],
  [/purple|violet|lavender|紫/i, 270],
  [/pink|rose|粉/i, 335],
  [/brown|beige|camel|khaki|sand|棕|卡其|米/i, 30],
];

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

function pictureOf(item: Item): Icon {
  // The leaf of the category path says more than its department, and the title more than nothing.
  const leaf = item.categories?.[0]?.split(" > ").at(-1) ?? "";
  for (const text of [leaf, item.title, item.categories?.join(" ") ?? ""]) {
    const lower = text.toLowerCase();
    const found = pictures.find(([words]) => words.test(lower));
    if (found) return found[1];
  }
  return IconPackage;
}

/**
 * The picture of an item: its own image where the catalogue has one, else a drawing that its
 * category, colour and id determine. Decorative: the title beside it says what it is.
 */
export function ProductArt({ item, size = 96 }: { readonly item: Item; readonly size?: number }) {
  const url = item.imageUrls?.[0];
  if (url !== undefined) {
    return <img src={url} alt="" loading="lazy" className="product-art" />;
  }
  const seed = hash(item.id);
  const colour = Object.values(item.variants[0]?.options ?? {}).join(" ");
  const hue = hues.find(([word]) => word.test(`${colour} ${item.title}`))?.[1] ?? seed % 360;
  return (
    <Box
      aria-hidden
      className="product-art"
      style={{
        background: `radial-gradient(circle at ${20 + (seed % 60)}% ${15 + ((seed >> 8) % 30)}%,
          hsl(${hue} 70% 97%), hsl(${hue} 55% 86%) 70%, hsl(${(hue + 25) % 360} 50% 80%))`,
      }}
    >
      {createElement(pictureOf(item), { size, stroke: 1.15, color: `hsl(${hue} 45% 32%)` })}
    </Box>
  );
}
