import { baby } from "./baby.ts";
import { beauty } from "./beauty.ts";
import { books } from "./books.ts";
import { clothing } from "./clothing.ts";
import { electronics } from "./electronics.ts";
import { food } from "./food.ts";
import { home } from "./home.ts";
import { kitchen } from "./kitchen.ts";
import { pets } from "./pets.ts";
import { sports } from "./sports.ts";
import type { Department } from "./template.ts";

/** The whole assortment, in the order of the shop's menu. */
export const departments: readonly Department[] = [
  electronics,
  kitchen,
  sports,
  clothing,
  home,
  beauty,
  baby,
  food,
  pets,
  books,
];

/**
 * The leaves that a shop too small for all of them takes, in this order: chains of complements
 * come early, so that even the smallest shop has them.
 */
export const smallShopLeaves: readonly string[] = [
  "phones",
  "phone-cases",
  "chargers",
  "running-shoes",
  "sports-socks",
  "kettles",
  "tea",
  "novels",
];
