// `node check.mjs FOLDER [STEPS]` repeats the golden steps of an exported folder and, with STEPS, times steps of the
// whole team. onnxruntime-node is that of the folder from which it is called: `npm install --ignore-scripts onnxruntime-node`.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openTeam } from "./rmix.mjs";

const ARRAYS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, int32: Int32Array };

const [folder, steps] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node check.mjs FOLDER [STEPS]");
  process.exit(2);
}
try {
  const ort = createRequire(`${process.cwd()}/`)("onnxruntime-node");
  const sessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const team = await openTeam(ort, (name) => readFile(`${folder}/${name}`), { onInvalid: "return", sessionOptions });
  for (const [agent, checked] of Object.entries(await team.check()))
    console.log(`${agent}: ${checked.steps} golden steps, at most ${checked.largest.toExponential(1)} off`);
  if (steps) console.log(`median step: ${(await medianStep(team, Number(steps))).toFixed(9)} s`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

async function medianStep(team, count) {
  const specs = Object.entries(team.specs);
  const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);
  const obs = Object.fromEntries(specs.map(([name, { obs }]) => [name, new ARRAYS[obs.dtype](sizeOf(obs.shape))]));
  const masks = Object.fromEntries(specs.map(([name, { n_actions }]) => [name, new Uint8Array(n_actions).fill(1)]));
  const seconds = [];
  for (let step = 0; step < count; step++) {
    const begin = performance.now();
    await team.act(obs, masks);
    seconds.push((performance.now() - begin) / 1000);
  }
  return seconds.sort((a, b) => a - b)[Math.floor(count / 2)];
}
