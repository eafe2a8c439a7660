// A game that is played live: the agents' files choose every step, in this browser.
import { Counting } from "./counting.mjs";
import { Dial, written } from "./dial.mjs";
import { byId, shown } from "./dom.mjs";
import { Drawing } from "./drawing.mjs";
import { Play } from "./episodes.mjs";
import { showMinds } from "./minds.mjs";
import { Scene } from "./scene.mjs";
import { loadTeam } from "./team.mjs";

const PAUSE = 1200; // milliseconds between an episode's end and the next one
const LARGEST_SEED = 2147483647;

class Live {
  constructor(facts, team) {
    this.facts = facts;
    this.game = { ...facts.game };
    this.team = team;
    this.ids = facts.agents.map(({ id }) => id);
    this.isPlaying = false;
    this.isBusy = false;
    this.timer = null;
    this.seed = 0;
    this.drawing = new Drawing(this.game, (rows) => this.enter({ rows }));
    this.scene = new Scene(byId("scene"), this.game, this.ids, (cell) => this.drawing.paint(cell));
    this.dial = new Dial(facts, () => this.counting.show(), () => this.begin(this.seed));
    this.counting = new Counting(facts, () => this.now(), (shares) => this.scene.shade(shares));
    this.wire();
    this.enter({});
  }

  now() {
    const { rows, slip } = this.facts.game;
    const isTheirs = this.game.slip === slip && this.game.rows.join() === rows.join();
    return { game: this.game, levels: this.dial.levels, name: this.dial.name, isTheirs };
  }

  /** Go on in a world with other rows or another slip. */
  enter(change) {
    this.game = { ...this.game, ...change };
    this.drawing.game = this.game;
    const hadFocus = document.activeElement === byId("scene").firstElementChild;
    byId("legend").replaceChildren(...this.scene.show(this.game));
    this.drawing.reach(this.scene);
    if (hadFocus) byId("scene").firstElementChild.focus();
    byId("slip").value = this.game.slip;
    byId("slip-now").textContent = written(this.game.slip);
    byId("undo").disabled = this.now().isTheirs;
    this.counting.clear();
    this.begin(this.seed);
  }

  begin(seed) {
    this.seed = seed;
    byId("seed").value = seed;
    this.play = new Play(this.game, this.team, this.ids, 1);
    this.play.begin([seed]);
    this.total = 0;
    this.end = null;
    this.history = [{ cells: this.play.copies.cellsOf(0), fell: this.ids.map(() => false) }];
    this.scene.draw(this.history);
    showMinds(this.facts, null, null);
    this.say();
  }

  /** One step of the episode; the next episode where it is over. */
  async step() {
    if (this.isBusy) return;
    if (this.end !== null) {
      this.begin(this.following());
      return;
    }
    this.isBusy = true;
    const { play } = this;
    try {
      const decision = await play.decide(this.dial.levels);
      if (play !== this.play) { // another episode began meanwhile: what this step left in the memory is not its own
        this.team.reset();
        return;
      }
      const step = play.copies.step(0, play.actionsOf(decision, 0));
      this.total += step.reward;
      this.history.push({ cells: play.copies.cellsOf(0), fell: step.fell });
      this.end = step.success ? "✓ all at the goal" : step.terminated ? "✗ fell" : step.truncated ? "✗ time is up" : null;
      this.scene.draw(this.history);
      showMinds(this.facts, decision, step.executed);
      this.say();
    } finally {
      this.isBusy = false;
    }
  }

  following() {
    return this.seed === LARGEST_SEED ? 0 : this.seed + 1;
  }

  say() {
    const text = `step ${this.history.length - 1} · return ${shown(this.total, 1).replace("-", "\u2212")}`;
    byId("scene-text").textContent = this.end === null ? text : `${text} · ${this.end}`;
    byId("scene-text").dataset.end = this.end ?? "";
  }

  run(isPlaying) {
    this.isPlaying = isPlaying;
    byId("play").textContent = isPlaying ? "Pause" : "Play";
    clearTimeout(this.timer);
    if (!isPlaying) return;
    const tick = async () => {
      await this.step();
      if (this.isPlaying) this.timer = setTimeout(tick, this.end === null ? 1000 / Number(byId("speed").value) : PAUSE);
    };
    this.timer = setTimeout(tick, 0);
  }

  wire() {
    const on = (id, name, act) => byId(id).addEventListener(name, act);
    on("play", "click", () => this.run(!this.isPlaying));
    on("step", "click", () => { this.run(false); this.step(); });
    on("again", "click", () => this.begin(this.seed));
    on("next", "click", () => this.begin(this.following()));
    on("seed", "change", () => {
      const wanted = Number(byId("seed").value);
      this.begin(Number.isInteger(wanted) && wanted >= 0 && wanted <= LARGEST_SEED ? wanted : this.seed);
    });
    on("slip", "input", () => this.enter({ slip: Number(byId("slip").value) }));
    on("undo", "click", () => this.enter({ rows: this.facts.game.rows, slip: this.facts.game.slip }));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const { target } = event;
    if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|BUTTON)$/.test(target.tagName)) return;
    const act = { " ": "play", ArrowRight: "step", Home: "again", n: "next" }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    byId(act).click();
  }
}

function introduce(facts) {
  const { n_agents: number, slip, max_steps: limit } = facts.game;
  const who = number === 1 ? "One agent" : `${["Two", "Three", "Four", "Five"][number - 2] ?? number} agents`;
  const name = facts.env.split("?")[0];
  const hasDial = facts.agents.some((agent) => agent.is_risk_aware);
  const chance = slip > 0 ? `; and with probability ${written(slip)} a step goes anywhere` : "";
  document.title = `${facts.algorithm} on ${name}, live`;
  byId("facts").textContent = `${who}, trained by ${facts.algorithm} on ${name}, live in your browser. All must reach the `
    + `star. Every step costs 1; a fall off the cliff costs 100 and ends the episode${chance}.${hasDial ? " Turn the dial and see which way they take." : ""}`;
  if (!hasDial) document.querySelector("h1").textContent = "Agents at work";
  byId("slip").max = Math.max(Number(byId("slip").max), slip);
  byId("slip-note").textContent = `With this probability a step is replaced by a random one; the page was made for ${written(slip)}.`;
  byId("about").textContent = `${facts.source}, ${facts.env}: at most ${limit} steps; the 1,000 episodes are those of rmix-kit run --seed `
    + `${facts.quiet.seed}. Made by rmix-kit ${facts.version}; the agents are ONNX files, run by onnxruntime-web (Microsoft, MIT licence). `
    + "Nothing is sent anywhere. Keys: space plays, → steps, Home restarts, n is the next episode.";
}

async function main() {
  const answer = await fetch(new URL("./page.json", import.meta.url));
  const facts = await answer.json();
  introduce(facts);
  const team = await loadTeam(1);
  document.querySelector("main").hidden = false;
  byId("status").hidden = true;
  const live = new Live(facts, team);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) live.run(true);
  document.documentElement.dataset.ready = "true";
}

main().catch((error) => { byId("status").textContent = `The agents could not be loaded: ${error.message}`; });
