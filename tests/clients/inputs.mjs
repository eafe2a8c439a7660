// `node inputs.mjs ORT FOLDER`: as inputs.cpp, with the calls that a program in JavaScript can get wrong.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openTeam } from "../../clients/javascript/rmix.mjs";

const [library, folder] = process.argv.slice(2);
const ort = createRequire(`${library}/`)(library);
const open = (options) => openTeam(ort, (name) => readFile(`${folder}/${name}`), options);
const [team, twin] = [await open(), await open()];
const obs = { scout: new Float32Array(8).fill(0.25), tank: new Float32Array(10).fill(0.25) };
const masks = { scout: new Uint8Array(5).fill(1), tank: new Uint8Array(3).fill(1) };
const values = async (one) => Object.values(await one.act(obs, masks)).map(({ actionValues }) => [...actionValues]).join();
await values(team);
await values(twin);
const calls = [
  () => team.act({ ...obs, tank: new Float32Array(9) }, masks),
  () => team.act({ ...obs, tank: new Float64Array(10) }, masks),
  () => team.act({ ...obs, tank: Array(10).fill(0) }, masks),
  () => team.act({ ...obs, medic: obs.tank }, masks),
  () => team.act(obs, { scout: masks.scout }),
  () => team.act(obs, { ...masks, tank: Uint8Array.of(1, 1, 255) }),
  () => team.act(obs, { ...masks, tank: new Uint8Array(5).fill(1) }),
  () => team.act(obs, masks, 0.5),
  () => team.act(obs, masks, { scout: 0.5 }),
  () => team.act(obs, masks, { scout: new Float32Array(2), tank: 0 }),
  () => team.act(obs, masks, null),
  () => team.act(obs, null),
  () => team.act(null, masks),
  () => team.executed({ scout: 0, tank: 3 }),
  () => team.executed({ scout: 0.5 }),
  () => team.executed({ scout: 5 }),
  () => team.executed({ scout: Int32Array.of(5) }),
  () => team.reset(new Uint8Array(2)),
  () => open({ batch: 0 }),
  () => open({ onInvalid: "raise" }),
];
for (const call of calls) {
  try {
    await call();
    console.log("nothing");
  } catch (error) {
    console.log(`${error.constructor.name}: ${error.message}`);
  }
}
console.log((await values(team)) === (await values(twin)) ? "same" : "moved");
