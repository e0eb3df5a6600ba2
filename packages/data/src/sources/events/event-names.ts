import { eventTypes, type EventType } from "@magpie/domain";
import { columnKey } from "../columns.ts";

/** GA4's recommended e-commerce events. `page_view` is judged by its address. */
export const ga4EventTypes: Readonly<Record<string, EventType>> = {
  search: "search",
  view_search_results: "search",
  view_item_list: "impression",
  select_item: "click",
  view_item: "view",
  add_to_cart: "add_to_cart",
  remove_from_cart: "remove_from_cart",
  add_to_wishlist: "wishlist",
  view_cart: "cart_view",
  begin_checkout: "checkout",
  purchase: "purchase",
  refund: "refund",
  view_promotion: "promo_view",
  select_promotion: "promo_click",
  share: "share",
};

/** Segment's e-commerce spec, version 2. */
export const segmentEventTypes: Readonly<Record<string, EventType>> = {
  "Products Searched": "search",
  "Product List Viewed": "impression",
  "Product List Filtered": "filter",
  "Product Clicked": "click",
  "Product Viewed": "view",
  "Product Added": "add_to_cart",
  "Product Removed": "remove_from_cart",
  "Product Added to Wishlist": "wishlist",
  "Cart Viewed": "cart_view",
  "Checkout Started": "checkout",
  "Order Completed": "purchase",
  "Order Refunded": "refund",
  "Promotion Viewed": "promo_view",
  "Promotion Clicked": "promo_click",
  "Product Shared": "share",
  "Product Reviewed": "review",
};

/** Other names that shops' exports use, in English and Chinese. */
const otherNames: Readonly<Record<EventType, readonly string[]>> = {
  view: ["pv", "detail_page_view", "product_view", "browse", "浏览", "查看", "访问", "看"],
  click: ["clk", "点击"],
  impression: ["exposure", "show", "imp", "曝光", "展示"],
  search: ["query", "搜索", "查询"],
  filter: ["筛选"],
  add_to_cart: ["cart", "addtocart", "add", "basket", "加购", "加入购物车", "购物车"],
  remove_from_cart: ["remove", "移出购物车", "删除购物车"],
  wishlist: ["fav", "favorite", "favourite", "collect", "收藏", "加入收藏"],
  cart_view: ["viewcart", "查看购物车"],
  checkout: ["begincheckout", "结算", "去结算"],
  purchase: ["buy", "order", "transaction", "sale", "pay", "购买", "下单", "支付", "成交", "交易"],
  refund: ["return", "returned", "cancel", "cancellation", "退货", "退款", "取消"],
  promo_view: ["活动曝光"],
  promo_click: ["活动点击"],
  share: ["分享", "转发"],
  follow: ["关注"],
  review: ["rate", "rating", "comment", "评论", "评价", "评分"],
  home_view: ["home", "homepage", "首页"],
  feedback: ["反馈"],
};

const byKey = new Map<string, EventType>();
for (const type of eventTypes) {
  byKey.set(columnKey(type), type);
  for (const name of otherNames[type]) byKey.set(columnKey(name), type);
}
for (const names of [ga4EventTypes, segmentEventTypes]) {
  for (const [name, type] of Object.entries(names)) {
    if (!byKey.has(columnKey(name))) byKey.set(columnKey(name), type);
  }
}

/** The type that a shop's own word means: "addtocart", "Buy", "加购"; undefined for unknown ones. */
export function eventTypeNamed(name: string): EventType | undefined {
  return byKey.get(columnKey(name));
}
