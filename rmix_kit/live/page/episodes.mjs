// Episodes played by a team: one as it is watched, or many at once and quietly.
import { Copies, N_ACTIONS } from "./macn.mjs";

/** Copies of a game and the team that acts in all of them at once; the team was opened for as many rows. */
export class Play {
  constructor(game, team, agents, count) {
    this.team = team;
    this.agents = agents;
    this.copies = new Copies(game, count);
    this.masks = Object.fromEntries(agents.map((id) => [id, new Uint8Array(count * N_ACTIONS).fill(1)]));
    this.seen = Object.fromEntries(agents.map((id) => [id, new Int8Array(count * this.copies.observationSize)]));
  }

  begin(seeds) {
    seeds.forEach((seed, copy) => this.copies.begin(copy, seed));
    this.team.reset();
  }

  /** What the agents choose now, by agent id; `levels` holds their risk levels by the same, 0 leaves it to them. */
  decide(levels) {
    this.agents.forEach((id, agent) => this.copies.observations(agent, this.seen[id]));
    return this.team.act(this.seen, this.masks, levels);
  }

  /** The actions of one copy. */
  actionsOf(decision, copy) {
    return this.agents.map((id) => Number(decision[id].action[copy]));
  }
}

/** Counts of many episodes; adding those of another chunk gives the counts of both. */
export class Counts {
  constructor(cells) {
    this.episodes = 0;
    this.returns = 0;
    this.falls = 0;
    this.successes = 0;
    this.steps = 0;
    this.visited = new Array(cells).fill(0); // episodes in which some agent was there
  }

  add(other) {
    for (const name of ["episodes", "returns", "falls", "successes", "steps"]) this[name] += other[name];
    other.visited.forEach((count, cell) => { this.visited[cell] += count; });
  }

  get means() {
    const share = (count) => count / this.episodes;
    return { return_mean: share(this.returns), fall_rate: share(this.falls), success_rate: share(this.successes),
      episode_length_mean: share(this.steps) };
  }
}

/**
 * Play one episode per seed to its end and count; as many as the play has copies.
 * `note(step, actions, isActive)` is told what was chosen in every copy, `[copy][agent]`.
 */
export async function playRound(play, seeds, levels, note = () => {}) {
  const { copies } = play;
  const counts = new Counts(copies.tables.marks.length);
  const seen = seeds.map(() => new Set());
  const active = seeds.map(() => true);
  const visit = (copy) => copies.cellsOf(copy).forEach((cell) => seen[copy].add(cell));
  play.begin(seeds);
  seeds.forEach((_, copy) => visit(copy));
  for (let step = 0; active.includes(true); step += 1) {
    const decision = await play.decide(levels);
    const actions = seeds.map((_, copy) => play.actionsOf(decision, copy));
    note(step, actions, active.slice());
    seeds.forEach((_, copy) => {
      if (!active[copy]) return;
      const { reward, terminated, truncated, success, fell } = copies.step(copy, actions[copy]);
      visit(copy);
      counts.returns += reward;
      counts.steps += 1;
      if (terminated || truncated) {
        active[copy] = false;
        counts.episodes += 1;
        counts.successes += success ? 1 : 0;
        counts.falls += fell.includes(true) ? 1 : 0;
      }
    });
  }
  seen.forEach((cells) => cells.forEach((cell) => { counts.visited[cell] += 1; }));
  return counts;
}
