import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { normaliseText } from "../normalise.ts";
import { compoundParts } from "./compounds.ts";
import { stem, stemmedLanguageOf, stemmedLanguages, type StemmedLanguage } from "./stem.ts";

const stemOf = (word: string, language: StemmedLanguage): string =>
  stem(normaliseText(word), language);

/** Words of shops: the forms in one line are one word to a reader of the language. */
const forms: Readonly<Record<StemmedLanguage, readonly string[]>> = {
  de: [
    "Schuh Schuhe Schuhen",
    "Buch Bücher Büchern Buches Buecher",
    "schwarz schwarze schwarzer schwarzes schwarzen schwarzem",
    "Kind Kinder Kindern",
    "Tasche Taschen",
    "Müsli Muesli",
    "Stuhl Stühle Stühlen Stuehle",
    "Kleid Kleider Kleides",
    "klein kleine kleiner kleinen kleinste",
    "groß große großer größer größte gross",
    "blau blaue blaues",
    "neu neue neues",
    "Topf Töpfe Toepfe",
    "Glas Gläser",
    "Bluse Blusen",
    "Öl Oel",
  ],
  fr: [
    "chaussure chaussures",
    "noir noire noirs noires",
    "blanc blanche blancs blanches",
    "français française françaises",
    "journal journaux",
    "manteau manteaux",
    "imprimé imprimée imprimées imprimer",
    "gros grosse grosses",
    "gris grise grises",
    "frais fraîche",
    "bijou bijoux",
    "neuf neuve neufs",
    "cuisinière cuisinières cuisinier",
    "longue longues long",
  ],
  es: [
    "zapato zapatos",
    "pantalón pantalones",
    "luz luces",
    "rojo roja rojos rojas",
    "azul azules",
    "reloj relojes",
    "inglés inglesa ingleses",
    "lápiz lápices",
    "mujer mujeres",
  ],
  it: [
    "scarpa scarpe",
    "bianco bianca bianchi bianche",
    "lungo lunga lunghi lunghe",
    "orologio orologi",
    "camicia camicie",
    "occhiale occhiali",
    "verde verdi",
  ],
  pt: [
    "sapato sapatos",
    "calção calções",
    "pão pães",
    "azul azuis",
    "anel anéis",
    "lençol lençóis",
    "homem homens",
    "mulher mulheres",
    "inglês inglesa",
    "infantil infantis",
  ],
  nl: [
    "schoen schoenen",
    "tas tassen",
    "brood broden",
    "huis huizen",
    "rood rode",
    "fiets fietsen",
    "brief brieven",
    "kussen kussens",
    "koptelefoon koptelefoons",
    "geel gele",
  ],
  sv: [
    "jacka jackor jackan jackorna",
    "byxa byxor byxorna",
    "klänning klänningar klänningen",
    "stol stolar stolen stolarna",
    "tröja tröjor tröjan",
    "svart svarta",
    "hus huset",
  ],
  da: [
    "jakke jakker jakken jakkerne",
    "buks bukser",
    "kjole kjoler kjolen",
    "rød røde rødt roed",
    "stol stole stolen",
  ],
  no: [
    "jakke jakker jakken jakkene",
    "stol stoler stolen stolene",
    "veske vesker veska",
    "sekk sekker sekken",
    "rød røde rødt",
  ],
};

/** Words that are alike and mean other products. */
const different: Readonly<Partial<Record<StemmedLanguage, readonly string[]>>> = {
  de: ["Hose Hase", "Tisch Tasche", "Kleid Klee", "Bett Brett", "Kanne Kante"],
  fr: ["cheval cheveux", "poisson poison", "robe robot", "tapis tasse"],
  es: ["caso cama", "peso pesca", "camisa camiseta"],
  it: ["cappello capello", "scarpa sciarpa", "palla pelle"],
  pt: ["calça calção", "avó aveia", "mala malha"],
  nl: ["bed bad", "boek broek", "stoel stof"],
  sv: ["byxa buss", "kopp kappa"],
};

describe("stems", () => {
  for (const language of stemmedLanguages) {
    test(`of ${language}: the forms of a word meet`, () => {
      for (const line of forms[language]) {
        const stems = new Set(line.split(" ").map((word) => stemOf(word, language)));
        assert.equal(stems.size, 1, `${line} → ${[...stems].join(" ")}`);
      }
    });
    test(`of ${language}: other words keep apart`, () => {
      for (const pair of different[language] ?? []) {
        const [one, other] = pair.split(" ").map((word) => stemOf(word, language));
        assert.notEqual(one, other, pair);
      }
    });
  }

  test("keep at least two letters, and are nothing longer than the word", () => {
    const anyWord = fc.string({
      unit: fc.constantFrom(..."abcdefghijklmnoprstuvwxyz"),
      minLength: 2,
      maxLength: 15,
    });
    fc.assert(
      fc.property(anyWord, fc.constantFrom(...stemmedLanguages), (word, language) => {
        const found = stem(word, language);
        assert.ok(found.length >= 2 && found.length <= word.length, `${word} → ${found}`);
      }),
    );
  });

  test("leave numbers, model names and other scripts as they are", () => {
    for (const word of ["42", "s23", "iphone15", "鞋", "кроссовки", "tv"]) {
      for (const language of stemmedLanguages) assert.equal(stem(word, language), word);
    }
  });

  test("are asked for by BCP 47 tags", () => {
    assert.equal(stemmedLanguageOf("de-AT"), "de");
    assert.equal(stemmedLanguageOf("nb-NO"), "no");
    assert.equal(stemmedLanguageOf("nn"), "no");
    assert.equal(stemmedLanguageOf("DE"), "de");
    for (const other of ["en", "zh-CN", "deu", "", undefined]) {
      assert.equal(stemmedLanguageOf(other), undefined);
    }
  });
});

describe("compounds", () => {
  const known = (list: string, language: StemmedLanguage) => {
    const counts = new Map<string, number>();
    for (const word of list.split(" ")) {
      const own = stemOf(word, language);
      counts.set(own, (counts.get(own) ?? 0) + 2);
    }
    return (own: string): number => counts.get(own) ?? 0;
  };
  const parts = (word: string, list: string, language: StemmedLanguage = "de") =>
    compoundParts(normaliseText(word), language, known(list, language))?.map((part) =>
      normaliseText(word).slice(part.from, part.to),
    );

  test("are parted into words of the catalogue, with what joins them", () => {
    assert.deepEqual(parts("Fußballschuhe", "Fußball Schuh"), ["fussball", "schuhe"]);
    assert.deepEqual(parts("Taschenlampe", "Tasche Lampen"), ["taschen", "lampe"]);
    assert.deepEqual(parts("Arbeitsschuh", "Arbeit Schuhe"), ["arbeits", "schuh"]);
    assert.deepEqual(parts("Kinderfahrradhelm", "Kind Fahrrad Helm"), [
      "kinder",
      "fahrrad",
      "helm",
    ]);
    assert.deepEqual(parts("Armbanduhr", "Armband Uhren"), ["armband", "uhr"]);
  });

  test("have as few parts as can be, and of those the most usual", () => {
    assert.deepEqual(parts("Fußballschuhe", "Fuß Ball Fußball Schuh"), ["fussball", "schuhe"]);
    assert.deepEqual(
      parts("Staubecken", "Stau Becken Staub Ecken Becken Becken"), // both are words
      ["stau", "becken"],
    );
  });

  test("stay whole where a part is no word of the catalogue, or says nothing", () => {
    assert.equal(parts("Fußballschuhe", "Schuh"), undefined);
    assert.equal(parts("Teppich", "Tepp ich"), undefined);
    assert.equal(parts("Mitarbeiter", "mit Arbeiter"), undefined);
    assert.equal(parts("Schuhe", "Schuhe"), undefined);
  });

  test("are of languages that write them in one piece", () => {
    assert.deepEqual(parts("wandelschoenen", "wandel schoen", "nl"), ["wandel", "schoenen"]);
    assert.deepEqual(parts("löparskor", "löpar skor", "sv"), ["lopar", "skor"]);
    assert.equal(parts("basketballs", "basket balls", "fr"), undefined);
  });
});
