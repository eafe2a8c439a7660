/**
 * Runs the agents of a folder that `rmix-kit export` wrote, on onnxruntime-web or onnxruntime-node; needs nothing else.
 *
 *     import * as ort from "onnxruntime-node";
 *     import { readFile } from "node:fs/promises";
 *     import { openTeam } from "./rmix.mjs";
 *
 *     const team = await openTeam(ort, (name) => readFile(`agents/${name}`));
 *     await team.check();                                      // repeats the folder's golden steps
 *     team.reset();                                            // an episode begins
 *     const { agent_0 } = await team.act(observations, masks); // by agent id; a third argument turns the dial
 *     agent_0.action[0];
 *
 * Arrays are flat and row-major, `[batch, ...]`; types stand in rmix.d.ts.
 */

const FORMAT = "rmix-kit-policy";
const FORMAT_VERSIONS = [1, 2]; // 2: one file acts for all agents
const LAST_ACTION = "last_action";
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/; // no "%2f" or "?" either: names become parts of addresses
const LARGEST = 2 ** 24;
export const TOLERANCE = 1e-4;
export const TIE = 1e-5;
const ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
};
const NPY_TYPES = { b1: "bool", i1: "int8", u1: "uint8", i2: "int16", i4: "int32", i8: "int64", f4: "float32" };

/** A folder that is damaged, foreign or newer than this file. */
export class BundleError extends Error {}

/** A call that does not fit the agents: a wrong name, type or length. */
export class InputError extends Error {}

/** The policy's guards refused an observation, a mask or a level; no memory has moved. */
export class RefusedError extends Error {}

/**
 * Open the agents of a folder, after a look at the size and SHA-256 of every file that is used.
 *
 * `read` gives the bytes of one file by its name in the folder: `manifest.json`, and what that lists.
 */
export async function openTeam(ort, read, options = {}) {
  const { batch = 1, onInvalid = "throw", sessionOptions = {} } = options;
  if (!Number.isInteger(batch) || batch < 1) throw new InputError(`batch is ${batch}; expected a whole number from 1 on`);
  if (onInvalid !== "throw" && onInvalid !== "return")
    throw new InputError(`onInvalid is ${onInvalid}; expected "throw" or "return"`);
  const manifest = readManifest(await read("manifest.json"));
  const sessions = new Map();
  for (const { files } of manifest.agents) {
    if (!sessions.has(files.onnx)) {
      const data = await readMember(manifest, read, files.onnx);
      sessions.set(files.onnx, await told(files.onnx, () => ort.InferenceSession.create(data, sessionOptions)));
    }
  }
  const agents = manifest.agents.map(({ spec, files }) => new Agent(spec, sessions.get(files.onnx), manifest, batch));
  return new Team(ort, read, manifest, agents, { batch, throws: onInvalid === "throw" });
}

class Agent {
  constructor(spec, session, manifest, batch) {
    this.spec = spec;
    this.session = session;
    this.agentInput = manifest.agent_input ?? null;
    this.carry = spec.carry.map((tensor) => ({ ...tensor, size: sizeOf(tensor.shape) }));
    this.memory = this.carry.map((tensor) => new ARRAYS[tensor.dtype](batch * tensor.size));
    this.obsSize = sizeOf(spec.obs.shape);
    const taken = ["obs", "avail_actions", ...(spec.is_risk_aware ? ["risk_level"] : [])];
    const named = [...taken, ...this.carry.map((tensor) => tensor.name), ...(this.agentInput ? [this.agentInput] : [])];
    if (session.inputNames.toSorted().join() !== named.toSorted().join())
      throw new BundleError(`${spec.agent_id}'s file takes ${session.inputNames}; the manifest says ${named}`);
  }

  feeds(ort, batch, obs, mask, level) {
    const { spec } = this;
    const feeds = {
      obs: tensorOf(ort, spec.obs.dtype, obs, [batch, ...spec.obs.shape]),
      avail_actions: tensorOf(ort, "bool", mask, [batch, spec.n_actions]),
    };
    if (spec.is_risk_aware) feeds.risk_level = tensorOf(ort, "float32", level, [batch]);
    if (this.agentInput)
      feeds[this.agentInput] = tensorOf(ort, "int64", new BigInt64Array(batch).fill(BigInt(spec.agent_index)), [batch]);
    this.carry.forEach((tensor, place) => {
      feeds[tensor.name] = tensorOf(ort, tensor.dtype, this.memory[place], [batch, ...tensor.shape]);
    });
    return feeds;
  }

  checked(batch, obs, mask, level) {
    const name = this.spec.agent_id;
    const obsType = ARRAYS[this.spec.obs.dtype];
    checkArray(`${name}'s observation`, obs, obsType, batch * this.obsSize);
    checkArray(`${name}'s mask`, mask, Uint8Array, batch * this.spec.n_actions);
    if (mask.some((allowed) => allowed > 1)) throw new InputError(`${name}'s mask has other numbers than 0 and 1`);
    if (!this.spec.is_risk_aware) {
      if (level !== 0) throw new InputError(`${name} (${this.spec.algorithm}) has no risk dial; leave riskLevel at 0`);
      return null;
    }
    if (typeof level === "number") return new Float32Array(batch).fill(level);
    checkArray(`${name}'s riskLevel`, level, Float32Array, batch);
    return level;
  }
}

/** The agents of one folder. A step is all or nothing: where a row is refused and `onInvalid` is "throw", no memory moves. */
class Team {
  #ort;
  #read;
  #agents;
  #batch;
  #throws;
  #isActing = false;
  #begun = []; // what reset() was given during the step under way

  constructor(ort, read, manifest, agents, { batch, throws }) {
    this.manifest = manifest;
    this.#ort = ort;
    this.#read = read;
    this.#agents = new Map(agents.map((agent) => [agent.spec.agent_id, agent]));
    this.#batch = batch;
    this.#throws = throws;
  }

  get batch() {
    return this.#batch;
  }

  get agents() {
    return [...this.#agents.keys()];
  }

  get specs() {
    return Object.fromEntries([...this.#agents].map(([name, agent]) => [name, agent.spec]));
  }

  async act(observations, availActions, riskLevel = 0) {
    const given = Object.keys(observations).map((name) => {
      const agent = this.#agent(name);
      const level = typeof riskLevel === "number" ? riskLevel : riskLevel[name];
      if (level === undefined) throw new InputError(`riskLevel lacks ${name}`);
      const mask = availActions[name];
      if (mask === undefined) throw new InputError(`availActions lacks ${name}`);
      const levels = agent.checked(this.#batch, observations[name], mask, level);
      return { name, agent, feeds: agent.feeds(this.#ort, this.#batch, observations[name], mask, levels) };
    });
    this.#checkIdle("act");
    this.#isActing = true;
    this.#begun.length = 0;
    try {
      for (const step of given) step.outputs = await told(step.name, () => step.agent.session.run(step.feeds));
    } finally {
      this.#isActing = false;
    }
    const begun = this.#begun.splice(0);
    const refused = given.filter(({ outputs }) => outputs.valid.data.includes(0)).map(({ name }) => name);
    if (this.#throws && refused.length)
      throw new RefusedError(
        `${refused.join(", ")}: an observation, a mask or a risk level is refused (not finite, out of range, or nothing ` +
          "allowed); no memory has moved",
      );
    const answers = {};
    for (const { name, agent, outputs } of given) {
      agent.memory = agent.carry.map((tensor) => outputs[`next_${tensor.name}`].data.slice());
      answers[name] = {
        action: Int32Array.from(outputs.action.data, Number),
        actionValues: outputs.action_values.data.slice(),
        riskLevelUsed: agent.spec.is_risk_aware ? outputs.risk_level_used.data.slice() : null,
        valid: Uint8Array.from(outputs.valid.data),
      };
    }
    for (const rows of begun) this.#forget(rows);
    return answers;
  }

  reset(rows = null) {
    if (rows !== null) checkArray("rows", rows, Uint8Array, this.#batch);
    if (this.#isActing) this.#begun.push(rows?.slice() ?? null); // the step under way does not bring the old memory back
    this.#forget(rows);
  }

  #forget(rows) {
    for (const agent of this.#agents.values())
      agent.carry.forEach(({ size, dtype }, place) => {
        const zero = dtype === "int64" ? 0n : 0;
        for (let row = 0; row < this.#batch; row++)
          if (rows === null || rows[row]) agent.memory[place].fill(zero, row * size, (row + 1) * size);
      });
  }

  executed(actions) {
    this.#checkIdle("executed");
    const checked = Object.entries(actions).map(([name, action]) => {
      const agent = this.#agent(name);
      const place = agent.carry.findIndex((tensor) => tensor.name === LAST_ACTION);
      if (place < 0) throw new InputError(`${name} does not remember actions; executed() has no effect on it`);
      const done = typeof action === "number" ? Int32Array.of(action) : action;
      checkArray(`${name}'s executed actions`, done, Int32Array, this.#batch);
      const { n_actions: count } = agent.spec;
      if (done.some((number) => number < -1 || number >= count))
        throw new InputError(`${name}'s executed actions are ${done}; expected -1 to ${count - 1}`);
      return { memory: agent.memory[place], done, count, isBig: agent.carry[place].dtype === "int64" };
    });
    for (const { memory, done, count, isBig } of checked)
      done.forEach((action, row) => {
        if (action < 0) return;
        memory.fill(isBig ? 0n : 0, row * count, (row + 1) * count);
        memory[row * count + action] = isBig ? 1n : 1;
      });
  }

  /** Repeat the folder's golden steps; moves no memory. Returns by agent the steps taken and the largest difference. */
  async check() {
    const golden = await readMember(this.manifest, this.#read, "golden.npz");
    const arrays = await readNpz(golden).catch((error) => {
      throw error instanceof BundleError ? error : new BundleError(`golden.npz is damaged: ${error.message}`);
    });
    const results = {};
    for (const agent of this.#agents.values())
      results[agent.spec.agent_id] = await goldenSteps(this.#ort, agent, this.manifest, arrays);
    return results;
  }

  async release() {
    for (const session of new Set([...this.#agents.values()].map((agent) => agent.session))) await session.release();
  }

  #checkIdle(call) {
    if (this.#isActing) throw new InputError(`a step is under way; await act() before ${call}()`); // it would be undone
  }

  #agent(name) {
    const agent = this.#agents.get(name);
    if (!agent) throw new InputError(`there is no agent ${name}; this team has ${this.agents.join(", ")}`);
    return agent;
  }
}

async function goldenSteps(ort, agent, manifest, arrays) {
  const { spec } = agent;
  const array = (side, tensor) => {
    const found = arrays.get(`agent_${spec.agent_index}.${side}.${tensor}`);
    if (!found?.shape.length) throw new BundleError(`golden.npz lacks the steps of ${side} ${tensor} of ${spec.agent_id}`);
    return found;
  };
  const twin = new Agent(spec, agent.session, manifest, 1);
  const steps = array("input", "obs").shape[0];
  const row = ({ data, shape }, step) => data.subarray((step * data.length) / shape[0], ((step + 1) * data.length) / shape[0]);
  const outputs = agent.session.outputNames;
  let largest = 0;
  for (let step = 0; step < steps; step++) {
    const [obs, mask] = ["obs", "avail_actions"].map((name) => row(array("input", name), step));
    const level = spec.is_risk_aware ? row(array("input", "risk_level"), step) : null;
    const found = await told(spec.agent_id, () => agent.session.run(twin.feeds(ort, 1, obs, mask, level)));
    const expected = Object.fromEntries(outputs.map((name) => [name, row(array("output", name), step)]));
    twin.memory = twin.carry.map((tensor) => found[`next_${tensor.name}`].data.slice());
    const where = `${spec.agent_id}, step ${step}`;
    const isTied = Number(found.action.data[0]) !== Number(expected.action[0]);
    if (isTied) {
      checkTie(found, expected, mask, where);
      const place = twin.carry.findIndex((tensor) => tensor.name === LAST_ACTION);
      if (place >= 0) twin.memory[place] = expected[`next_${LAST_ACTION}`].slice();
    }
    for (const name of outputs) {
      if (name === "action" || (isTied && name === `next_${LAST_ACTION}`)) continue;
      const gap = largestGap(found[name].data, expected[name]);
      if (!(gap <= TOLERANCE)) throw new BundleError(`${where}: ${name} is off by ${gap}`); // NaN fails too
      largest = Math.max(largest, gap);
    }
  }
  return { steps, largest };
}

/** Allow another action where the two best allowed ones are worth the same up to `TIE`. */
function checkTie(found, expected, mask, where) {
  const best = Array.from(expected.action_values)
    .filter((_, action) => mask[action])
    .sort((a, b) => b - a);
  if (Number(found.action.data[0]) < 0 || best.length < 2 || best[0] - best[1] >= TIE)
    throw new BundleError(`${where}: action is ${found.action.data[0]}, expected ${expected.action[0]}`);
}

function largestGap(found, expected) {
  if (found.length !== expected.length) return NaN;
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const gap = Math.abs(Number(found[i]) - Number(expected[i]));
    if (!(gap <= largest)) largest = gap; // NaN is kept
  }
  return largest;
}

/** Return what a call into onnxruntime gives; says in one line what it refuses. */
async function told(what, call) {
  try {
    return await call();
  } catch (error) {
    throw new BundleError(`${what}: onnxruntime says: ${String(error?.message ?? error).split("\n")[0]}`);
  }
}

function readManifest(bytes) {
  let manifest;
  try {
    manifest = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BundleError(`manifest.json is not valid JSON (${error.message}); the folder is damaged`);
  }
  if (manifest?.format !== FORMAT) throw new BundleError(`manifest.json does not describe an exported policy (${FORMAT})`);
  if (!FORMAT_VERSIONS.includes(manifest.format_version))
    throw new BundleError(
      `manifest.json has format number ${manifest.format_version}; this client reads ${FORMAT_VERSIONS.join(" and ")}`,
    );
  if (!Array.isArray(manifest.agents) || !manifest.agents.length) throw new BundleError("manifest.json lists no agent");
  checkTable(manifest.files, "files");
  for (const entry of manifest.agents) checkEntry(entry);
  const names = manifest.agents.map(({ spec }) => spec.agent_id);
  if (new Set(names).size < names.length) misread(`two agents have one name among ${names.join(", ")}`);
  return manifest;
}

function misread(why) {
  throw new BundleError(`manifest.json cannot be understood: ${why}; the folder is damaged or foreign`);
}

function checkTable(value, what) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) misread(`${what} is no object`);
}

function checkCount(value, what) {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST) misread(`${what} is ${JSON.stringify(value)}`);
}

function checkEntry(entry) {
  checkTable(entry, "an agent");
  const { spec, files } = entry;
  checkTable(spec, "an agent's spec");
  const name = spec.agent_id;
  if (typeof name !== "string" || !name) misread(`agent_id is ${JSON.stringify(name)}`);
  checkTable(files, `${name}'s files`);
  if (typeof files.onnx !== "string") throw new BundleError(`${name} has no ONNX file; export with the format onnx`);
  checkCount(spec.agent_index, `${name}'s agent_index`);
  checkCount(spec.n_actions, `${name}'s n_actions`);
  if (typeof spec.is_risk_aware !== "boolean") misread(`${name}'s is_risk_aware is no boolean`);
  if (!Array.isArray(spec.carry)) misread(`${name}'s carry is no list`);
  for (const tensor of [spec.obs, ...spec.carry]) {
    checkTable(tensor, `a tensor of ${name}`);
    if (!Object.hasOwn(ARRAYS, tensor.dtype)) misread(`a tensor of ${name} has the type ${JSON.stringify(tensor.dtype)}`);
    if (!Array.isArray(tensor.shape)) misread(`a shape of ${name} is no list`);
    for (const length of tensor.shape) checkCount(length, `a length of ${name}`);
    checkCount(sizeOf(tensor.shape), `the size of a tensor of ${name}`);
  }
  for (const { name: memory } of spec.carry) if (typeof memory !== "string") misread(`a memory of ${name} has no name`);
}

/** Read a file that the manifest lists and compare its size and sum; its name may not lead out of the folder. */
async function readMember(manifest, read, name) {
  if (!PLAIN_NAME.test(name))
    throw new BundleError(`manifest.json names ${JSON.stringify(name)}, which is no plain file name; the folder is foreign`);
  const entry = Object.hasOwn(manifest.files, name) ? manifest.files[name] : null;
  if (!entry) throw new BundleError(`${name} is not listed in manifest.json; was it renamed or added?`);
  const data = Uint8Array.from(await read(name));
  if (data.length !== entry.size) throw new BundleError(`${name} has ${data.length} bytes, exported were ${entry.size}; it was changed`);
  if (!globalThis.crypto?.subtle)
    throw new BundleError("sums cannot be checked here: browsers have crypto.subtle on https and localhost alone");
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", data));
  const sum = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sum !== entry.sha256) throw new BundleError(`${name} is not the file that was exported; it was changed or swapped`);
  return data;
}

/** Return the arrays of an .npz file by name: `{data, shape}`, flat and row-major. */
async function readNpz(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new BundleError("golden.npz is not a zip file");
  const arrays = new Map();
  let place = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const method = view.getUint16(place + 10, true);
    const packed = view.getUint32(place + 20, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(place + offset, true));
    const local = view.getUint32(place + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(place + 46, place + 46 + nameLength));
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const body = bytes.subarray(begin, begin + packed);
    if (method !== 0 && method !== 8) throw new BundleError(`golden.npz is packed by method ${method}; expected 0 or 8`);
    arrays.set(name.replace(/\.npy$/, ""), readNpy(method ? await inflated(body) : body, name));
    place += 46 + nameLength + extra + comment;
  }
  return arrays;
}

async function inflated(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function readNpy(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6] > 1;
  const begin = (isLong ? 12 : 10) + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(isLong ? 12 : 10, begin));
  const type = /'descr': '[<|]([a-z]\d)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1].split(",").filter((part) => part.trim()).map(Number);
  if (!(type in NPY_TYPES) || !shape || !header.includes("'fortran_order': False"))
    throw new BundleError(`golden.npz holds ${name} in a form that is not known here: ${header.trim()}`);
  const data = new ARRAYS[NPY_TYPES[type]](bytes.slice(begin).buffer);
  if (data.length !== sizeOf(shape)) throw new BundleError(`golden.npz is cut off in ${name}`);
  return { data, shape };
}

function checkArray(what, array, type, length) {
  if (!(array instanceof type) || array.length !== length) {
    const given = ArrayBuffer.isView(array) ? `${array.constructor.name} of ${array.length}` : typeof array;
    throw new InputError(`${what} is ${given}; expected ${type.name} of ${length}`);
  }
}

function tensorOf(ort, dtype, data, shape) {
  return new ort.Tensor(dtype, data, shape);
}

function sizeOf(shape) {
  return shape.reduce((product, count) => product * count, 1);
}
