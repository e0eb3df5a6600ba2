/**
 * Can you spot the lie? "A network of 3 inputs, 2 hidden neurons and 1 output, all sigmoids, trained on 100
 * random rows with random labels, reaches an accuracy of .96." It has 11 weights for 100 coin tosses, so it
 * cannot even learn them by heart, and of new rows it can know nothing. Here it is trained and shown both;
 * then the same network gets labels that follow a rule.
 *
 *     node examples/three-two-one.ts
 */
import { compareWithTwin } from "@magpie/evaluation";
import { meanInterval, seededRandom, type Random } from "@magpie/numerics";
import {
  Adam,
  adamDefaults,
  binaryCrossEntropy,
  compileInference,
  compileTraining,
  DenseParameters,
  Graph,
  openSession,
  type Tensor,
} from "@magpie/tensor";

const trainRows = 100;
const freshRows = 2_000;
const epochs = 1_000;
const seeds = 8;

/** Features [n, 3] ─▶ 2 hidden neurons ─▶ 1 output: a logit per row, [n, 1]. */
function network(g: Graph, rows: number): Tensor {
  const hidden = g
    .input("features", [rows, 3])
    .linear(g.parameter("w1", [3, 2]), g.parameter("b1", [2]))
    .sigmoid();
  return hidden.linear(g.parameter("w2", [2, 1]), g.parameter("b2", [1]));
}

const g = new Graph();
const trainLogits = network(g, trainRows);
const weight = g.constant([1 / trainRows], [1, 1]);
const loss = binaryCrossEntropy(trainLogits, g.input("labels", [trainRows, 1]), weight);
const training = compileTraining(g, loss, { logits: trainLogits });
const asking = new Graph();
const answering = compileInference(asking, { logits: network(asking, freshRows) });
const [trainSession, freshSession] = [await openSession(training), await openSession(answering)];

interface Rows {
  readonly features: Float32Array;
  readonly labels: Float32Array;
}

type Labelling = (row: Float32Array, random: Random) => boolean;

function draw(count: number, label: Labelling, random: Random): Rows {
  const features = Float32Array.from({ length: 3 * count }, () => random.next());
  const rows = Array.from({ length: count }, (_, i) => features.subarray(3 * i, 3 * i + 3));
  return { features, labels: Float32Array.from(rows, (row) => Number(label(row, random))) };
}

/** Share of rows that the logit's sign tells right. */
const accuracy = (logits: Float32Array, { labels }: Rows): number =>
  logits.filter((logit, i) => logit > 0 === (labels[i] === 1)).length / logits.length;

/** Trains from fresh weights; how many rows it then gets right, of those it saw and of new ones. */
async function train(seen: Rows, fresh: Rows, random: Random) {
  const parameters = new DenseParameters(training);
  for (let i = 0; i < training.parameterCount; i++) parameters.weights[i] = random.normal();
  const optimizer = new Adam(parameters, { ...adamDefaults, learningRate: 0.05 });
  const logits = new Float32Array(trainRows);
  const results = { loss: new Float32Array(1), logits, ...parameters.outputs };
  const step = trainSession.bind({ ...seen, ...parameters.inputs }, results);
  for (let epoch = 0; epoch < epochs; epoch++, optimizer.step()) await step.run();

  const answers = new Float32Array(freshRows);
  const { features } = fresh;
  await freshSession.bind({ features, ...parameters.inputs }, { logits: answers }).run();
  return { onSeen: accuracy(logits, seen), onFresh: accuracy(answers, fresh) };
}

const shown = (values: readonly number[]): string => {
  const { mean, low, high } = meanInterval(values);
  return `${mean.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}; most ${Math.max(...values).toFixed(3)})`;
};

async function experiment(title: string, label: Labelling): Promise<void> {
  const [onSeen, onFresh, ofTwins]: [number[], number[], number[]] = [[], [], []];
  for (let seed = 1; seed <= seeds; seed++) {
    const random = seededRandom(seed, `three-two-one/${title}`);
    const seen = draw(trainRows, label, random);
    const fresh = draw(freshRows, label, random);
    const model = await train(seen, fresh, random);
    // The twin sees the same rows with the same labels, each on another row.
    const permuted = { features: seen.features, labels: seen.labels.slice() };
    random.shuffle(permuted.labels);
    const twin = await train(permuted, fresh, random);
    onSeen.push(model.onSeen);
    onFresh.push(model.onFresh);
    ofTwins.push(twin.onFresh);
  }
  console.log(`\n${title}: ${seeds} seeds, ${epochs} epochs on ${trainRows} rows`);
  console.log(`  accuracy on the rows it saw   ${shown(onSeen)}`);
  console.log(`  accuracy on new rows          ${shown(onFresh)}`);
  console.log(`  its twin on permuted labels   ${shown(ofTwins)}`);
  const { warning } = compareWithTwin("The network", "accuracy on new rows", onFresh, ofTwins);
  console.log(warning === undefined ? "  It learnt something." : `  Warning: ${warning}`);
}

await experiment("random labels", (_, random) => random.next() < 0.5);
await experiment("labels by a rule: x + y above 1", ([x, y]) => x! + y! > 1);
await trainSession.dispose();
await freshSession.dispose();
