// MACN's rules for many copies of a game at once: macn/dynamics.py and macn/counter_hash.py once more, number for number
// (tests/live/test_rules.py holds the two together).

export const MOVES = [[-1, 0], [1, 0], [0, -1], [0, 1]]; // UP, DOWN, LEFT, RIGHT
export const N_ACTIONS = MOVES.length;
export const WINDOW = 9;
const CODES = { C: 1, G: 2, "#": 3 }; // everything else is safe: 0
const OUTSIDE = 4;
const OTHER_AGENT = 8;
const REWARD = { cliff: -100, step: -1, waiting: -0.5, allAtGoal: 0 };

const GAMMA = 0x9e3779b97f4a7c15n;
const MULTIPLIER_1 = 0xbf58476d1ce4e5b9n;
const MULTIPLIER_2 = 0x94d049bb133111ebn;
const ALL_BITS = (1n << 64n) - 1n;
const UNIFORM_BITS = (1n << 40n) - 1n;
const RESOLUTION = 2 ** 40; // of the slip probability

/** SplitMix64's finaliser of a BigInt, in 64 bits. */
export function mix(value) {
  value &= ALL_BITS;
  value = ((value ^ (value >> 30n)) * MULTIPLIER_1) & ALL_BITS;
  value = ((value ^ (value >> 27n)) * MULTIPLIER_2) & ALL_BITS;
  return value ^ (value >> 31n);
}

/** The key of one copy's episode: `macn.counter_hash.stream_key`. */
export function streamKey(seed, environment, episode) {
  let key = mix(BigInt(seed) + GAMMA);
  key = mix(key + (BigInt(environment) + 1n) * GAMMA);
  return mix(key + (BigInt(episode) + 1n) * GAMMA);
}

/** Below this draws of 40 bits slip; a half is rounded to the even number, as Python does. */
export function slipLimit(slip) {
  const wanted = slip * RESOLUTION; // exact: a power of two
  const below = Math.floor(wanted);
  const part = wanted - below;
  return BigInt(part > 0.5 || (part === 0.5 && below % 2 === 1) ? below + 1 : below);
}

/** What the rules look up: of a game `{rows, n_agents, slip, max_steps, show_agents, include_position}`. */
export function tablesOf(game) {
  const height = game.rows.length;
  const width = game.rows[0].length;
  const marks = game.rows.join("");
  const inside = (row, column) => row >= 0 && row < height && column >= 0 && column < width;
  const destination = new Int32Array(marks.length * N_ACTIONS);
  const neighbour = new Int32Array(marks.length * WINDOW);
  const codes = new Int8Array(marks.length * WINDOW);
  for (let cell = 0; cell < marks.length; cell += 1) {
    const [row, column] = [Math.floor(cell / width), cell % width];
    MOVES.forEach(([down, right], action) => {
      const [nextRow, nextColumn] = [row + down, column + right];
      const isFree = inside(nextRow, nextColumn) && game.rows[nextRow][nextColumn] !== "#";
      destination[cell * N_ACTIONS + action] = isFree && marks[cell] !== "G" ? nextRow * width + nextColumn : cell;
    });
    for (let place = 0; place < WINDOW; place += 1) {
      const [seenRow, seenColumn] = [row + Math.floor(place / 3) - 1, column + (place % 3) - 1];
      const seen = inside(seenRow, seenColumn) ? seenRow * width + seenColumn : -1;
      neighbour[cell * WINDOW + place] = seen;
      codes[cell * WINDOW + place] = seen < 0 ? OUTSIDE : (CODES[marks[seen]] ?? 0);
    }
  }
  const starts = Int32Array.from({ length: game.n_agents }, (_, agent) =>
    marks.includes("S") ? marks.indexOf("S") : marks.indexOf(String(agent)),
  );
  return { height, width, marks, destination, neighbour, codes, starts };
}

/** Copies of one game. Arrays are `[copy, agent, ...]`, one after the other in memory. */
export class Copies {
  constructor(game, count) {
    this.game = game;
    this.count = count;
    this.tables = tablesOf(game);
    this.cells = new Int32Array(count * game.n_agents);
    this.elapsed = new Int32Array(count);
    this.keys = new Array(count).fill(0n);
    this.observationSize = WINDOW + (game.include_position ? 2 : 0);
  }

  /** Begin an episode of a copy; the three numbers name its slips. */
  begin(copy, seed, environment = 0, episode = 0) {
    this.cells.set(this.tables.starts, copy * this.game.n_agents);
    this.elapsed[copy] = 0;
    this.keys[copy] = streamKey(seed, environment, episode);
  }

  /** What is done for the chosen actions of one copy: each is replaced by any of the four with probability `slip`. */
  slipped(copy, actions) {
    const executed = Array.from(actions);
    if (this.game.slip <= 0) return executed;
    const limit = slipLimit(this.game.slip);
    const perStep = mix(this.keys[copy] + (BigInt(this.elapsed[copy]) + 1n) * GAMMA);
    for (let agent = 0; agent < executed.length; agent += 1) {
      const draw = mix(perStep + (BigInt(agent) + 1n) * GAMMA);
      if (((draw >> 20n) & UNIFORM_BITS) < limit) executed[agent] = Number(draw & 3n);
    }
    return executed;
  }

  /** Let one copy take one step. */
  step(copy, actions) {
    const { n_agents: agents, max_steps: limit } = this.game;
    const { destination, marks } = this.tables;
    const executed = this.slipped(copy, actions);
    const fell = new Array(agents).fill(false);
    let atGoal = 0;
    for (let agent = 0; agent < agents; agent += 1) {
      const place = copy * agents + agent;
      this.cells[place] = destination[this.cells[place] * N_ACTIONS + executed[agent]];
      fell[agent] = marks[this.cells[place]] === "C";
      atGoal += marks[this.cells[place]] === "G" ? 1 : 0;
    }
    this.elapsed[copy] += 1;
    const anyFell = fell.includes(true);
    const success = !anyFell && atGoal === agents;
    const terminated = anyFell || success;
    const truncated = !terminated && this.elapsed[copy] >= limit;
    const reward = anyFell ? REWARD.cliff : success ? REWARD.allAtGoal : atGoal > 0 ? REWARD.waiting : REWARD.step;
    return { reward, terminated, truncated, success, fell, executed };
  }

  /** The cells of one copy's agents. */
  cellsOf(copy) {
    return Array.from(this.cells.subarray(copy * this.game.n_agents, (copy + 1) * this.game.n_agents));
  }

  /** What one agent of one copy sees is written into `out` from `offset` on. */
  observe(copy, agent, out, offset = 0) {
    const { game, tables } = this;
    const first = copy * game.n_agents;
    const cell = this.cells[first + agent];
    for (let place = 0; place < WINDOW; place += 1) {
      const seen = tables.neighbour[cell * WINDOW + place];
      let code = tables.codes[cell * WINDOW + place];
      if (game.show_agents && game.n_agents > 1) {
        for (let other = 0; other < game.n_agents; other += 1) {
          if (other !== agent && seen === this.cells[first + other]) {
            code += OTHER_AGENT;
            break;
          }
        }
      }
      out[offset + place] = code;
    }
    if (game.include_position) {
      out[offset + WINDOW] = Math.floor(cell / tables.width);
      out[offset + WINDOW + 1] = cell % tables.width;
    }
  }

  /** What one agent sees in all copies, `[copy, observation]`. */
  observations(agent, out = new Int8Array(this.count * this.observationSize)) {
    for (let copy = 0; copy < this.count; copy += 1) this.observe(copy, agent, out, copy * this.observationSize);
    return out;
  }
}
