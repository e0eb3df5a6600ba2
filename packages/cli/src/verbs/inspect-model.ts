import { readCard, type ModelCard } from "@magpie/models";
import type { Command } from "commander";
import { modelPlaces } from "../model-folder.ts";
import { formatSeconds } from "../progress-line.ts";
import type { GlobalOptions, Shell } from "../shell.ts";
import { examples } from "./verb.ts";

const count = (value: number): string => value.toLocaleString("en-US");

/** A card for people: where the model comes from, how good it is, what it took, its recipe. */
function cardText(label: string, card: ModelCard): string {
  const { kind, name = kind, format, itemCount, origin, parameters, cost, curve, config } = card;
  const lines: (readonly [string, string])[] = [
    ["model", `${name} (${kind}, format ${format}), ${count(itemCount)} items`],
  ];
  if (origin !== undefined) {
    const { trainedMs, seed, workers, data, measured } = origin;
    const together = workers === undefined ? "" : `, ${workers} processes`;
    lines.push(
      ["trained", `${new Date(trainedMs).toISOString()}, seed ${seed}${together}`],
      [
        "data",
        `${count(data.interactions)} interactions of ${count(data.users)} users, sha256 ${data.sha256}`,
      ],
    );
    if (measured !== undefined) {
      const metrics = Object.entries(measured.metrics).map(
        ([metric, value]) => `${metric} ${value.toFixed(4)}`,
      );
      const whose = measured.isOfTwin ? ", of the same recipe without the held-out part" : "";
      lines.push([
        "measured",
        `${metrics.join(", ")} (${measured.protocol}, ${count(measured.cases)} cases${whose})`,
      ]);
    }
  }
  if (origin?.int8 !== undefined) {
    const { bytes, loss } = origin.int8;
    const { float32, int8 } = loss.ndcgAt10;
    lines.push([
      "8 bits",
      `${count(bytes.int8)} bytes for ${count(bytes.float32)}, NDCG@10 ${int8.toFixed(4)} for ${float32.toFixed(4)} on ${count(loss.cases)} validation cases`,
    ]);
  }
  if (parameters !== undefined) {
    lines.push(["parameters", `${count(parameters.bytes)} bytes, sha256 ${parameters.sha256}`]);
  }
  lines.push([
    "cost",
    `${formatSeconds(cost.wallSeconds)} wall, ${formatSeconds(cost.cpuSeconds)} of processor, ${(cost.peakRssBytes / 2 ** 20).toFixed(0)} MiB at most`,
  ]);
  const last = curve?.at(-1);
  if (last !== undefined) {
    lines.push(["curve", `${last.epoch} epochs, ${last.step} steps, loss ${last.loss.toFixed(4)}`]);
  }
  lines.push(["recipe", JSON.stringify(config)]);
  const width = Math.max(...lines.map(([field]) => field.length));
  return [label, ...lines.map(([field, text]) => `  ${field.padEnd(width)}  ${text}`)].join("\n");
}

/** `magpie inspect model`: the cards of saved models. */
export function addInspectModel(group: Command, shellOf: (options: GlobalOptions) => Shell): void {
  group
    .command("model")
    .description("where models come from: data, recipe, seed, metrics, cost, date")
    .argument(
      "[model]",
      "a kind in the active snapshot, or a folder (default: all of the snapshot)",
    )
    .addHelpText(
      "after",
      examples(
        "magpie inspect model\nmagpie inspect model sasrec --json\nmagpie inspect model ./exported",
      ),
    )
    .action(async (wanted: string | undefined, _: unknown, command: Command) => {
      const shell = shellOf(command.optsWithGlobals());
      const places = await modelPlaces(shell.dataFolder, wanted);
      const cards = await Promise.all(
        places.map(async ({ label, folder }) => ({
          label,
          folder,
          card: await readCard(folder),
        })),
      );
      shell.result(
        { models: cards },
        cards.map(({ label, card }) => cardText(label, card)).join("\n\n") ||
          "The snapshot holds no model: there was too little behaviour to learn from.",
      );
    });
}
