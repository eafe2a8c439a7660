// The exported agents, run by onnxruntime-web: plain WebAssembly, on one thread, from this folder alone.
import * as ort from "./ort/ort.wasm.bundle.min.mjs";
import { openTeam } from "./rmix.mjs";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

async function read(name) {
  const answer = await fetch(new URL(`./agents/${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`agents/${name} is not there (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The team for so many episodes at once. */
export function loadTeam(batch) {
  return openTeam(ort, read, { batch });
}
