import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RequestError } from "@magpie/domain";
import { exportOnnx, modelByKind, readCard, type ExportedModel } from "@magpie/models";
import { Option, type Command } from "commander";
import { modelPlaces } from "../model-folder.ts";
import type { GlobalOptions, Shell } from "../shell.ts";
import { examples } from "./verb.ts";

interface Given {
  readonly output?: string;
  readonly format: "onnx";
  readonly int8: boolean;
}

const portText = ({ name, type, shape, meaning }: ExportedModel["inputs"][number]): string =>
  `  ${name}  ${type}[${shape.join(", ")}]  ${meaning}`;

/** `magpie export model`: a trained model as a file that other programs run. */
export function addExportModel(group: Command, shellOf: (options: GlobalOptions) => Shell): void {
  group
    .command("model")
    .description("a trained model as ONNX, for onnxruntime in any language")
    .argument("<model>", "a kind in the active snapshot, or a folder that a model was saved to")
    .addOption(new Option("--format <format>").choices(["onnx"]).default("onnx"))
    .option("--int8", "matrices and tables in 8 bits: a quarter of the size", false)
    .option("--output <folder>", "a new folder (default: exported-MODEL)")
    .addHelpText(
      "after",
      examples(
        "magpie export model sasrec\nmagpie export model ease --output ease-onnx\nmagpie export model sasrec --int8",
      ),
    )
    .action(async (wanted: string, given: Given, command: Command) => {
      const shell = shellOf(command.optsWithGlobals());
      const [place] = await modelPlaces(shell.dataFolder, wanted);
      const { folder, label, vocabulary } = place!;
      const { kind, origin } = await readCard(folder);
      const output = given.output ?? `exported-${kind}`;
      if (existsSync(output)) {
        throw new RequestError(
          "OUTPUT_EXISTS",
          `${output} is there already, and a model is exported whole or not at all.`,
          "Name a new folder with --output, or delete this one.",
          { kind: "conflict" },
        );
      }
      const draft = `${output}.part`;
      await rm(draft, { recursive: true, force: true });
      await mkdir(draft, { recursive: true });
      const model = await modelByKind(kind).load(folder);
      let exported: ExportedModel;
      try {
        exported = await exportOnnx(model, draft, { int8: given.int8, ...(origin && { origin }) });
        // Row 0 is padding; items by row after it.
        const items = [null, ...vocabulary.ids()];
        if (vocabulary.size > 0) {
          await writeFile(join(draft, "items.json"), `${JSON.stringify(items)}\n`);
        }
        await rename(draft, output);
      } finally {
        await model.dispose();
        await rm(draft, { recursive: true, force: true });
      }
      const { inputs, outputs, bytes, precision } = exported;
      shell.result(
        { folder: output, ...exported },
        [
          `${label} written to ${output}: model.onnx (${bytes.toLocaleString("en-US")} bytes, ${precision}), interface.json${vocabulary.size > 0 ? ", items.json (item ids by row)" : ""}`,
          "",
          "In:",
          ...inputs.map(portText),
          "Out:",
          ...outputs.map(portText),
        ].join("\n"),
      );
    });
}
