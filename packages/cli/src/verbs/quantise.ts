import type { HeldOut } from "@magpie/data";
import { TrainingError } from "@magpie/domain";
import {
  comparePrecisions,
  Int8SequenceModel,
  isVectorScorer,
  modelByKind,
  readCard,
  type PrecisionRow,
} from "@magpie/models";
import { readSplit, withSplitOptions, type SplitOptions } from "../held-out.ts";
import { modelPlaces } from "../model-folder.ts";
import { table } from "../tables.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

interface Given extends SplitOptions {
  readonly cases: number;
}

function rowText(row: PrecisionRow): (string | number)[] {
  const { precision, bytes, encodeMs, scanMs, ndcgAt10, change, isOnFront } = row;
  const difference = change && change.difference;
  return [
    isOnFront ? "*" : "",
    precision.network,
    precision.items,
    bytes.toLocaleString("en-US"),
    encodeMs.toFixed(3),
    scanMs.toFixed(3),
    ndcgAt10.toFixed(4),
    difference === undefined
      ? ""
      : `${difference.mean.toFixed(5)} (${difference.low.toFixed(5)} to ${difference.high.toFixed(5)})`,
  ];
}

export const quantise: Verb = (program, shellOf) => {
  const command = program
    .command("quantise")
    .description("what a trained model costs and gives in 8 bits: bytes, times, NDCG")
    .argument("<kind>", "a model of the active snapshot")
    .option("--cases <n>", "ask about at most so many held-out cases", wholeNumber(2), 5_000);
  withSplitOptions(command)
    .addHelpText(
      "after",
      examples("magpie quantise sasrec\nmagpie quantise sasrec --protocol leave-one-out --json"),
    )
    .action(async (wanted: string, given: Given) => {
      const shell = shellOf(program.opts());
      const [place] = await modelPlaces(shell.dataFolder, wanted);
      const { kind, itemCount } = await readCard(place!.folder);
      if (place!.vocabulary.size === 0) {
        throw new TrainingError(
          "ITEMS_UNKNOWN",
          `Which items the rows of ${wanted} are stands in no snapshot, so it cannot be asked about the shop's.`,
          "Name a kind of the active snapshot; magpie inspect model lists them.",
        );
      }
      const { validation, protocol } = await readSplit(shell.dataFolder, given, place!.vocabulary);
      const model = await modelByKind(kind).load(place!.folder);
      try {
        if (model instanceof Int8SequenceModel) {
          throw new TrainingError(
            "QUANTISE_UNSUPPORTED",
            `${model.name} (${kind}) is kept in 8 bits already, so there is nothing to compare with.`,
            `magpie inspect model ${kind} says what that saved and cost; train without --int8 to compare.`,
          );
        }
        if (!isVectorScorer(model)) {
          throw new TrainingError(
            "QUANTISE_UNSUPPORTED",
            `The scores of ${model.name} (${kind}) are no products of vectors, so there is no table to keep in 8 bits.`,
            "Name a model of vectors, such as sasrec.",
          );
        }
        const rows = await comparePrecisions(model, knownTo(itemCount, validation), {
          work: shell.work(),
          maxCases: given.cases,
        });
        shell.result(
          { model: place!.label, protocol, rows },
          [
            `${place!.label} on validation of ${protocol}; * no other row is as small, as fast and as good:`,
            table(
              ["", "network", "items", "bytes", "encode ms", "scan ms", "NDCG@10", "change (95 %)"],
              rows.map(rowText),
              [3, 4, 5, 6],
            ),
            "",
            "A snapshot's model has seen these cases, which makes NDCG high and leaves the change what it is.",
            `Export it in 8 bits: magpie export model ${wanted} --int8. Serve it in 8 bits: magpie train --int8`,
          ].join("\n"),
        );
      } finally {
        await model.dispose();
      }
    });
};

/** The cases whose items the model knows. */
function knownTo(itemCount: number, { pasts, targets, targetOffsets }: HeldOut): HeldOut {
  const kept = pasts.flatMap((past, i) => {
    const own = targets.subarray(targetOffsets[i]!, targetOffsets[i + 1]!);
    const known = own.filter((item) => item <= itemCount);
    return known.length === 0 ? [] : [{ past, targets: known }];
  });
  const offsets = new Int32Array(kept.length + 1);
  kept.forEach((one, i) => (offsets[i + 1] = offsets[i]! + one.targets.length));
  return {
    pasts: kept.map(({ past }) => past),
    targets: Int32Array.from(kept.flatMap((one) => [...one.targets])),
    targetOffsets: offsets,
  };
}
