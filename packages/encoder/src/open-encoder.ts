import { EmbeddedEncoder } from "./embedded/embedded-encoder.ts";
import { EndpointEncoder, type EndpointConfig } from "./endpoint/endpoint-encoder.ts";
import { OnnxEncoder, type OnnxModelConfig } from "./onnx/onnx-encoder.ts";
import type { TextEncoder } from "./text-encoder.ts";

/** Which encoder a shop uses, as plain data that threads and files can carry. */
export type EncoderChoice =
  /** The one that comes with Magpie. */
  | { readonly kind: "embedded" }
  /** A sentence encoder in a folder, as ONNX. */
  | ({ readonly kind: "onnx" } & Pick<OnnxModelConfig, "folder"> & Partial<OnnxModelConfig>)
  /** A service that speaks OpenAI's embeddings call. */
  | ({ readonly kind: "endpoint" } & Pick<EndpointConfig, "baseUrl" | "model" | "width"> &
      Partial<EndpointConfig>);

/** @throws {EncoderError} when its files or its settings are not what they should be */
export async function openEncoder(choice: EncoderChoice): Promise<TextEncoder> {
  switch (choice.kind) {
    case "embedded":
      return EmbeddedEncoder.open();
    case "onnx": {
      const { kind: _, ...options } = choice;
      return OnnxEncoder.open(options);
    }
    case "endpoint": {
      const { kind: _, ...options } = choice;
      return new EndpointEncoder(options);
    }
    default:
      return choice satisfies never;
  }
}
