import { isAbsolute, join } from "node:path";
import type { SettingsStore } from "@magpie/data";
import { checkSettings, type FieldSettings, type ShopSettings } from "@magpie/domain";
import type { EncoderChoice } from "@magpie/encoder";

/** The shop's settings with what is asked of them at every turn. */
export class LiveSettings {
  readonly #store: SettingsStore;
  #value: ShopSettings = {};

  constructor(store: SettingsStore) {
    this.#store = store;
  }

  async open(): Promise<void> {
    this.#value = await this.#store.get();
  }

  get value(): ShopSettings {
    return this.#value;
  }

  /** @throws {RequestError} `INVALID_SETTINGS` */
  async change(settings: unknown): Promise<ShopSettings> {
    const checked = checkSettings(settings);
    await this.#store.put(checked);
    this.#value = checked;
    return checked;
  }

  /** Fields that are not offered as facets. */
  hiddenFacets(): ReadonlySet<string> {
    const fields = Object.entries(this.#value.fields ?? {});
    return new Set(fields.flatMap(([name, { facet }]) => (facet === false ? [name] : [])));
  }
}

/** The encoder that settings name; folders are looked up from `directory`. */
export function encoderChoiceOf(
  { encoder = { kind: "embedded" } }: ShopSettings,
  directory: string,
): EncoderChoice | false {
  switch (encoder.kind) {
    case "off":
      return false;
    case "embedded":
      return encoder;
    case "onnx": {
      const { folder, prefixes } = encoder;
      return {
        kind: "onnx",
        folder: isAbsolute(folder) ? folder : join(directory, folder),
        ...(prefixes && { prefixes }),
      };
    }
    case "endpoint": {
      const { keyVariable, prefixes, version, ...rest } = encoder;
      return {
        ...rest,
        ...(keyVariable !== undefined && { keyVariable }),
        ...(prefixes && { prefixes }),
        ...(version !== undefined && { version }),
      };
    }
    default:
      return encoder satisfies never;
  }
}

/** True when a snapshot that was made by `former` settings would be another one by `present` ones. */
export function wouldTrainOtherwise(former: ShopSettings, present: ShopSettings): boolean {
  return trainedBy(former) !== trainedBy(present);
}

/** What training reads of settings, as text that is the same for the same settings. */
function trainedBy({
  language,
  fields = {},
  encoder = { kind: "embedded" },
}: ShopSettings): string {
  const read = Object.entries(fields).flatMap(([name, field]): [string, FieldSettings][] => {
    const { facet: _, ...rest } = field;
    return Object.keys(rest).length === 0 ? [] : [[name, inOrder(rest)]];
  });
  return JSON.stringify([language ?? null, inOrder(Object.fromEntries(read)), inOrder(encoder)]);
}

const inOrder = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
