import type { EventType } from "@magpie/domain";
import { mapColumns, names, requireColumns, type ColumnField } from "../columns.ts";
import { delimiterOf, RecordScanner } from "../csv.ts";
import { shown, type EventDraft, type Note, type Problem, type Reader } from "../reader.ts";
import { openTable } from "../table.ts";
import type { TextFile } from "../text.ts";
import { isoOf, parseTime, zoneNamed } from "../timestamps.ts";
import { readDraft } from "./event-draft.ts";

type Name = "user" | "item" | "time" | "weight";

const fields: readonly ColumnField<Name>[] = [
  {
    name: "user",
    aliases: names("user id, uid, customer id, user_id:token, reviewer id, 用户ID, 用户, 会员ID"),
  },
  {
    name: "item",
    aliases: names(
      "item id, iid, product id, asin, movie id, item_id:token, parent asin",
      "商品ID, 商品, 商品编号",
    ),
  },
  {
    name: "time",
    aliases: names("timestamp, date, unix review time, timestamp:float, 时间, 时间戳"),
  },
  {
    name: "weight",
    aliases: names("rating, score, overall, rating:float, count, 评分, 权重"),
  },
];

export interface InteractionOptions {
  readonly map?: Readonly<Record<string, string>>;
  readonly zone?: string;
  /** What each row counts as (default "view"). */
  readonly type?: EventType;
  /** Rows of a smaller weight are left out: ratings below 4 are no recommendation (default none). */
  readonly minWeight?: number;
}

/** Where rows without a time begin: one millisecond a row keeps the order of the file. */
const firstUntimedMs = Date.UTC(2000, 0, 1);

/**
 * `user,item[,time[,weight]]` with any delimiter, with or without a header: what public data sets
 * and warehouse exports bring. The weight is kept as the attribute `weight`.
 */
export function interactionReader(options: InteractionOptions = {}): Reader<EventDraft> {
  const { type = "view", minWeight } = options;
  return {
    format: "interactions",
    async *read(text, progress) {
      const names = positionalNames(text, options.map);
      const table = openTable(text, names && { header: names });
      const columns = mapColumns(table.header, fields, options.map);
      requireColumns(columns, table.header, ["user", "item"], "interactions");
      const { of } = columns;
      const zone = zoneNamed(options.zone ?? "UTC");
      let rows = 0;

      for await (const { records, lines, problems: found } of table.rows(progress)) {
        const values: EventDraft[] = [];
        const valueLines: number[] = [];
        const problems: Problem[] = [...found];
        const notes: Note[] = [];
        let locals = 0;
        for (let i = 0; i < records.length; i++) {
          const record = records[i]!;
          const line = lines[i]!;
          const userId = record[of.user!]!.trim();
          const itemId = record[of.item!]!.trim();
          if (userId === "" || itemId === "") {
            const field = userId === "" ? "user" : "item";
            const rule = userId === "" ? "missing-user" : "missing-id";
            problems.push({ rule, line, field, message: `no ${field} is given` });
            continue;
          }
          let ms = firstUntimedMs + rows++;
          const timeText = of.time === undefined ? undefined : record[of.time]!.trim();
          if (timeText !== undefined) {
            const time = parseTime(timeText, zone);
            if (time === undefined) {
              const message = "is not a time: write RFC 3339, Unix time or yyyy-mm-dd hh:mm:ss";
              problems.push({
                rule: "bad-timestamp",
                line,
                field: "time",
                value: shown(timeText),
                message,
              });
              continue;
            }
            if (time.isLocal) locals++;
            ms = time.ms;
          }
          const weightText = of.weight === undefined ? "" : record[of.weight]!.trim();
          const weight = Number(weightText);
          if (weightText !== "" && !Number.isFinite(weight)) {
            const message = "is not a number";
            problems.push({
              rule: "invalid",
              line,
              field: "weight",
              value: shown(weightText),
              message,
            });
            continue;
          }
          if (weightText !== "" && minWeight !== undefined && weight < minWeight) {
            const message = `is below the least weight asked for, ${minWeight}`;
            problems.push({
              rule: "low-weight",
              line,
              field: "weight",
              value: weightText,
              message,
            });
            continue;
          }
          const draft = readDraft(
            {
              type,
              userId,
              timestamp: isoOf(ms) ?? timeText,
              items: [{ itemId }],
              ...(weightText !== "" && { attributes: { weight } }),
            },
            line,
            problems,
          );
          if (draft === undefined) continue;
          values.push(draft);
          valueLines.push(line);
        }
        if (of.time === undefined && values.length > 0) {
          const message = "rows carry no time; the order of the file was kept, from 2000-01-01 on";
          notes.push({ rule: "no-time", count: values.length, line: valueLines[0]!, message });
        }
        if (locals > 0 && options.zone === undefined) {
          const message = "times name no zone and were read as UTC; state one with --zone";
          notes.push({ rule: "assumed-utc", count: locals, line: lines[0]!, message });
        }
        yield { values, lines: valueLines, problems, notes };
      }
    },
  };
}

/** Names by place when the first line is already a row; undefined when it is a header. */
function positionalNames(
  text: TextFile,
  map: Readonly<Record<string, string>> | undefined,
): readonly Name[] | undefined {
  if (map !== undefined && Object.keys(map).length > 0) return undefined;
  const scanner = new RecordScanner(delimiterOf(text.head));
  const { records } = scanner.push({ text: `${text.head}\n`, firstLine: 1, lineCount: 0 });
  const first = records[0];
  if (first === undefined || first.length < 2 || first.length > 4) return undefined;
  const { of } = mapColumns(first, fields);
  if (of.user !== undefined || of.item !== undefined) return undefined;
  return (["user", "item", "time", "weight"] as const).slice(0, first.length);
}
