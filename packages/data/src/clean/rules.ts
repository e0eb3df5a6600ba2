import type { ReadingNote, ReadingRule } from "../sources/reader.ts";

/** Rules by which cleaning leaves rows out. */
export type DroppingRule =
  | ReadingRule
  | "future"
  | "too-old"
  | "missing-item"
  | "duplicate"
  | "near-duplicate"
  | "duplicate-id"
  | "unknown-item"
  | "bot"
  | "kept-existing";

/** What cleaning tells about rows that it kept. */
export type NotingRule =
  | ReadingNote
  | "truncated-file"
  | "unknown-item-removed"
  | "unknown-item-kept"
  | "created-item"
  | "return-settled"
  | "return-partly-settled"
  | "return-unmatched"
  | "updated-item"
  | "filled-item"
  | "replaced-item"
  | "joined-variants"
  | "zero-price"
  | "missing-image"
  | "missing-category"
  | "missing-description"
  | "duplicate-title";

export type RuleId = DroppingRule | NotingRule;

/** A sentence in the two languages of reports. */
export interface Bilingual {
  readonly en: string;
  readonly zh: string;
}

export interface RuleText {
  readonly title: Bilingual;
  /** Why the rule exists, or what to do about it. */
  readonly why: Bilingual;
}

/** What each rule is called and why it is there, for reports. */
export const ruleTexts: Readonly<Record<RuleId, RuleText>> = {
  unparsable: {
    title: { en: "Cannot be parsed", zh: "无法解析" },
    why: {
      en: "The row is not well-formed, so nothing in it can be trusted.",
      zh: "该行格式有误，其中内容无法采信。",
    },
  },
  "invalid-bytes": {
    title: { en: "Wrong encoding", zh: "编码错误" },
    why: {
      en: "Bytes do not fit the file's encoding; state another with --encoding.",
      zh: "字节与文件编码不符；可用 --encoding 指定其他编码。",
    },
  },
  "line-too-long": {
    title: { en: "Too long", zh: "行过长" },
    why: {
      en: "A row of this length is nearly always a missing line end.",
      zh: "如此长的一行几乎都是因为缺少换行符。",
    },
  },
  "unclosed-quote": {
    title: { en: "Quote never closed", zh: "引号未闭合" },
    why: {
      en: "The rest of the file would become one value; only this row is left out.",
      zh: "否则文件余下部分会变成一个值；这里只舍弃该行。",
    },
  },
  "ragged-row": {
    title: { en: "Wrong number of fields", zh: "字段数不符" },
    why: {
      en: "Values may stand in the wrong columns.",
      zh: "各值可能落在错误的列中。",
    },
  },
  invalid: {
    title: { en: "Does not fit the schema", zh: "不符合数据结构" },
    why: {
      en: "A field is missing, unknown or of the wrong kind.",
      zh: "有字段缺失、未知或类型不对。",
    },
  },
  "missing-id": {
    title: { en: "No id", zh: "缺少编号" },
    why: { en: "Without an id nothing can refer to it.", zh: "没有编号就无法被引用。" },
  },
  "missing-title": {
    title: { en: "No title", zh: "缺少标题" },
    why: { en: "An item without a title cannot be shown.", zh: "没有标题的商品无法展示。" },
  },
  "missing-user": {
    title: { en: "Nobody acts", zh: "缺少用户" },
    why: {
      en: "An event needs a user or a visitor to learn from.",
      zh: "事件须有用户或访客才能用于学习。",
    },
  },
  "missing-price": {
    title: { en: "No price", zh: "缺少价格" },
    why: { en: "An item without a price cannot be sold.", zh: "没有价格的商品无法销售。" },
  },
  "bad-currency": {
    title: { en: "Currency missing or wrong", zh: "币种缺失或有误" },
    why: {
      en: "Amounts without a currency cannot be compared; state it with --currency.",
      zh: "没有币种的金额无法比较；可用 --currency 指定。",
    },
  },
  "bad-timestamp": {
    title: { en: "Time cannot be read", zh: "时间无法识别" },
    why: {
      en: "Without its time an event has no place in a history.",
      zh: "没有时间的事件无法排入历史。",
    },
  },
  "impossible-price": {
    title: { en: "Impossible price", zh: "价格不可能" },
    why: {
      en: "Negative, not a number, or beyond all bounds.",
      zh: "为负、非数字，或超出任何合理范围。",
    },
  },
  "impossible-quantity": {
    title: { en: "Impossible quantity", zh: "数量不可能" },
    why: {
      en: "Not a positive whole number, or beyond all bounds.",
      zh: "不是正整数，或超出任何合理范围。",
    },
  },
  "unmapped-type": {
    title: { en: "No act of shopping", zh: "非购物行为" },
    why: {
      en: "The event's type means nothing to search and recommendation.",
      zh: "该事件类型对搜索与推荐没有意义。",
    },
  },
  "low-weight": {
    title: { en: "Weight below the least", zh: "权重低于下限" },
    why: { en: "Left out as asked by --min-weight.", zh: "按 --min-weight 的要求舍弃。" },
  },
  superseded: {
    title: { en: "Replaced by a later row", zh: "被后面的行取代" },
    why: {
      en: "The same file describes the same thing again; the later row counts.",
      zh: "同一文件再次描述同一对象；以后面的行为准。",
    },
  },
  future: {
    title: { en: "In the future", zh: "时间在未来" },
    why: {
      en: "Clocks or time zones were wrong; such events would look like the newest ones.",
      zh: "时钟或时区有误；这类事件会被当作最新事件。",
    },
  },
  "too-old": {
    title: { en: "Too old", zh: "时间过早" },
    why: { en: "Times before 1995 are unset clocks.", zh: "1995 年以前的时间多为未设置的时钟。" },
  },
  "missing-item": {
    title: { en: "No item", zh: "缺少商品" },
    why: {
      en: "Such an act means nothing without its item.",
      zh: "没有商品，这类行为就没有意义。",
    },
  },
  duplicate: {
    title: { en: "Exact duplicates", zh: "完全重复" },
    why: {
      en: "The same act at the same moment was sent twice.",
      zh: "同一时刻的同一行为被发送了两次。",
    },
  },
  "near-duplicate": {
    title: { en: "Near duplicates", zh: "近似重复" },
    why: {
      en: "The same person did the same to the same item within moments: a double click or a resend.",
      zh: "同一人在极短时间内对同一商品做了同样的事：双击或重发。",
    },
  },
  "duplicate-id": {
    title: { en: "Event id seen before", zh: "事件编号已存在" },
    why: {
      en: "An event id is an idempotency key: it counts once, across all files.",
      zh: "事件编号是幂等键：在所有文件中只计一次。",
    },
  },
  "unknown-item": {
    title: { en: "Item not in the catalogue", zh: "商品不在目录中" },
    why: {
      en: "Import the catalogue first, or choose --unknown-items create or keep.",
      zh: "请先导入商品目录，或选择 --unknown-items create 或 keep。",
    },
  },
  bot: {
    title: { en: "Abnormal users", zh: "异常用户" },
    why: {
      en: "Far more acts than people perform: robots would drown real tastes.",
      zh: "行为次数远超常人：机器人会淹没真实偏好。",
    },
  },
  "kept-existing": {
    title: { en: "Existing item kept", zh: "保留已有商品" },
    why: {
      en: "Another source described the item before, and conflicts are settled by keeping it.",
      zh: "该商品已由其他来源描述，冲突规则为保留原有内容。",
    },
  },
  "assumed-utc": {
    title: { en: "Times without a zone", zh: "时间没有时区" },
    why: {
      en: "They were read as UTC; state a zone with --zone.",
      zh: "已按 UTC 处理；可用 --zone 指定时区。",
    },
  },
  "no-time": {
    title: { en: "Rows without a time", zh: "各行没有时间" },
    why: {
      en: "The order of the file was kept; anything that needs days or recency has none.",
      zh: "保留了文件中的顺序；依赖日期或新近度的功能不可用。",
    },
  },
  "ignored-column": {
    title: { en: "Columns not read", zh: "未读取的列" },
    why: { en: "No field takes them; name one with --map.", zh: "没有字段对应；可用 --map 指定。" },
  },
  "truncated-file": {
    title: { en: "The file is damaged", zh: "文件已损坏" },
    why: {
      en: "What was readable was imported; get a whole copy and import again.",
      zh: "可读部分已导入；请取得完整文件后重新导入。",
    },
  },
  "unknown-item-removed": {
    title: { en: "Unknown items taken out of events", zh: "从事件中去除的未知商品" },
    why: {
      en: "The event names other items that are known, so it stays with those.",
      zh: "事件还包含已知商品，故保留已知部分。",
    },
  },
  "unknown-item-kept": {
    title: { en: "Events on unknown items kept", zh: "保留的未知商品事件" },
    why: {
      en: "They wait in the log until the catalogue knows their items.",
      zh: "它们留在日志中，直到目录包含这些商品。",
    },
  },
  "created-item": {
    title: { en: "Items created from events", zh: "由事件创建的商品" },
    why: {
      en: "Placeholders, not for sale; import the catalogue to fill them.",
      zh: "仅为占位，不可购买；导入商品目录即可补全。",
    },
  },
  "return-settled": {
    title: { en: "Returns settled", zh: "已对应的退货" },
    why: { en: "Each met its purchase in the log.", zh: "均已在日志中对应到购买记录。" },
  },
  "return-partly-settled": {
    title: { en: "Returns larger than their purchases", zh: "退货数量大于购买" },
    why: {
      en: "More was returned than the log knows as bought.",
      zh: "退货数量超过日志中的购买数量。",
    },
  },
  "return-unmatched": {
    title: { en: "Returns without a purchase", zh: "没有对应购买的退货" },
    why: {
      en: "The purchase lies before the log begins, or was left out.",
      zh: "购买发生在日志起点之前，或未被导入。",
    },
  },
  "updated-item": {
    title: { en: "Items updated", zh: "更新的商品" },
    why: { en: "The same source had described them before.", zh: "同一来源此前已描述过这些商品。" },
  },
  "filled-item": {
    title: { en: "Items joined from two sources", zh: "由两个来源合并的商品" },
    why: {
      en: "The source of higher priority, else the newer one, decides; the other fills the gaps.",
      zh: "以优先级高者为准，否则以较新者为准；另一来源补全空缺。",
    },
  },
  "replaced-item": {
    title: { en: "Items replaced from another source", zh: "被其他来源替换的商品" },
    why: { en: "Conflicts are settled by the newer source.", zh: "冲突以较新的来源为准。" },
  },
  "joined-variants": {
    title: { en: "Variants that lay apart", zh: "分散的规格" },
    why: {
      en: "Rows of one item were not together; they were joined.",
      zh: "同一商品的行不相邻，已合并。",
    },
  },
  "zero-price": {
    title: { en: "Price of zero", zh: "价格为零" },
    why: {
      en: "Shown as free; price filters and sorting will mislead.",
      zh: "会显示为免费，价格筛选与排序会失真。",
    },
  },
  "missing-image": {
    title: { en: "No image", zh: "缺少图片" },
    why: { en: "Items without a picture are rarely clicked.", zh: "没有图片的商品很少被点击。" },
  },
  "missing-category": {
    title: { en: "No category", zh: "缺少类目" },
    why: {
      en: "Not found by category, and harder to spread results over.",
      zh: "无法按类目找到，也不利于结果多样性。",
    },
  },
  "missing-description": {
    title: { en: "No description", zh: "缺少描述" },
    why: { en: "Search finds them by their title only.", zh: "只能通过标题被搜索到。" },
  },
  "duplicate-title": {
    title: { en: "Title used more than once", zh: "标题重复" },
    why: { en: "Often variants that were exported as items.", zh: "往往是被当作商品导出的规格。" },
  },
};
