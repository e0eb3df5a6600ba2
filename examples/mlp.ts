/**
 * A network of 3 inputs, 2 hidden neurons and 1 output, trained by back-propagation: does the sum of the
 * first two features lie between 0.7 and 1.3? (No single line tells; the third feature is noise.)
 *
 *     node examples/mlp.ts
 */
import { seededRandom } from "@magpie/numerics";
import {
  Adam,
  adamDefaults,
  binaryCrossEntropy,
  compileTraining,
  DenseParameters,
  Graph,
  openSession,
} from "@magpie/tensor";

const samples = 100;
const g = new Graph();
const features = g.input("features", [samples, 3]);
const labels = g.input("labels", [samples, 1]);
const hidden = features.linear(g.parameter("w1", [3, 2]), g.parameter("b1", [2])).sigmoid();
const logits = hidden.linear(g.parameter("w2", [2, 1]), g.parameter("b2", [1])); // [samples, 1]
const loss = binaryCrossEntropy(logits, labels, g.constant([1 / samples], [1, 1]));
const graph = compileTraining(g, loss, { logits });

const random = seededRandom(1, "mlp");
const draw = () => {
  const x = Float32Array.from({ length: samples * 3 }, () => random.next());
  const y = Float32Array.from({ length: samples }, (_, i) =>
    Math.abs(x[i * 3]! + x[i * 3 + 1]! - 1) < 0.3 ? 1 : 0,
  );
  return { features: x, labels: y };
};
const parameters = new DenseParameters(graph);
for (let i = 0; i < graph.parameterCount; i++) parameters.weights[i] = random.normal();
const optimizer = new Adam(parameters, { ...adamDefaults, learningRate: 0.05 });

const data = { features: new Float32Array(samples * 3), labels: new Float32Array(samples) };
const results = { loss: new Float32Array(1), logits: new Float32Array(samples) };
const session = await openSession(graph);
const step = session.bind({ ...data, ...parameters.inputs }, { ...results, ...parameters.outputs });
const show = async ({ features, labels }: ReturnType<typeof draw>) => {
  data.features.set(features);
  data.labels.set(labels);
  await step.run();
};
const accuracy = () =>
  results.logits.filter((logit, i) => logit > 0 === (data.labels[i] === 1)).length / samples;

const training = draw();
for (let epoch = 1; epoch <= 2_000; epoch++) {
  await show(training);
  if (epoch % 400 === 1) console.log(`epoch ${epoch}: loss ${results.loss[0]!.toFixed(4)}`);
  optimizer.step();
}
await show(draw()); // samples that it has not seen
console.log(`accuracy on new samples: ${accuracy()}`);
await session.dispose();
