// A thousand quiet episodes at a level, in a worker; a table of what was counted beside what is exact.
import { byId, html } from "./dom.mjs";

const MINUS = "\u2212";
const COLUMNS = [
  ["return_mean", (number) => number.toFixed(2).replace("-", MINUS)],
  ["fall_rate", (number) => `${(100 * number).toFixed(1)} %`],
  ["episode_length_mean", (number) => number.toFixed(2)],
];

const OPTIMUM = "exact: what the best of all teams gets, which knows every agent's cell and the clock.";
const AS_CAREFUL = "exact: what a team gets that at every step chooses what is best at this risk level, and knows every agent's cell and the clock.";

export class Counting {
  /** `now()` gives the game, the levels and their name; `shown(shares)` takes the visits of the newest counts. */
  constructor(facts, now, shown) {
    this.facts = facts;
    this.now = now;
    this.shown = shown;
    this.rows = new Map();
    this.number = 0;
    this.worker = null;
    byId("count").addEventListener("click", () => this.start());
    byId("visits").addEventListener("change", () => this.shade());
    byId("count").textContent = `Play ${facts.quiet.seeds.length.toLocaleString("en")} episodes`;
    this.show();
  }

  /** Forget what was counted in another world. */
  clear() {
    this.stop();
    this.rows.clear();
    this.show();
    this.shade();
  }

  stop() {
    this.number += 1; // whatever comes under the old number is dropped
    this.worker?.postMessage({ number: this.number, game: this.now().game, agents: [], levels: {}, seeds: [] });
    byId("progress").hidden = true;
    byId("counted").textContent = "";
  }

  start() {
    this.stop();
    const { game, levels, name } = this.now();
    if (this.worker === null) {
      this.worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
      this.worker.addEventListener("message", ({ data }) => this.take(data));
      this.worker.addEventListener("error", () => { byId("counted").textContent = "The worker could not be started."; });
    }
    this.running = name;
    byId("progress").max = this.facts.quiet.seeds.length;
    byId("progress").value = 0;
    byId("progress").hidden = false;
    byId("counted").textContent = "the agents are being loaded once more";
    this.worker.postMessage({ number: this.number, game, levels, agents: this.facts.agents.map(({ id }) => id), seeds: this.facts.quiet.seeds });
  }

  take({ number, counts, means, failed }) {
    if (number !== this.number) return;
    if (failed !== undefined) {
      byId("counted").textContent = failed;
      return;
    }
    const { text, level } = this.running;
    this.rows.delete(text); // the newest is the last one
    this.rows.set(text, { text, level, counts, means });
    byId("progress").value = counts.episodes;
    const where = /^\d/.test(text) ? ` at risk level ${text}` : `, ${text}`;
    byId("counted").textContent = `${counts.episodes.toLocaleString("en")} episodes${where}`;
    byId("progress").hidden = counts.episodes === this.facts.quiet.seeds.length;
    this.show();
    this.shade();
  }

  shade() {
    const newest = [...this.rows.values()].at(-1);
    const isWanted = newest !== undefined && byId("visits").checked;
    this.shown(isWanted ? newest.counts.visited.map((count) => count / newest.counts.episodes) : null);
  }

  exactAt(level) {
    return this.now().isTheirs ? this.facts.exact.find((row) => row.risk_level === level) : undefined;
  }

  /** Draw the table: the level on the dial, and every one that was counted. */
  show() {
    const { name, isTheirs } = this.now();
    const rows = [...this.rows.values()];
    if (!this.rows.has(name.text)) rows.push({ ...name, means: null });
    rows.sort((one, other) => (one.level ?? 2) - (other.level ?? 2));
    byId("rows").replaceChildren(...rows.map((row) => this.row(row, row.text === name.text)));
    byId("exact-note").textContent = this.note(isTheirs, name.level, this.exactAt(name.level) !== undefined);
  }

  row({ text, level, means, counts }, isNow) {
    const exact = this.exactAt(level);
    const cells = COLUMNS.map(([quantity, form]) => {
      const measured = html("span", { class: "measured", "data-quantity": quantity }, means === null ? "…" : form(means[quantity]));
      if (means !== null) measured.dataset.value = means[quantity];
      return html("td", {}, measured, exact === undefined ? null : html("small", { "data-exact": exact[quantity] }, `exact ${form(exact[quantity])}`));
    });
    const attributes = { "data-level": text, "data-episodes": counts?.episodes ?? 0, ...(isNow ? { class: "now" } : {}) };
    return html("tr", attributes, html("th", { scope: "row" }, text), cells);
  }

  note(isTheirs, level, hasExact) {
    if (!isTheirs) return "Map or slip are not those of the page, for which alone exact values were computed.";
    if (hasExact) return level === 1 ? OPTIMUM : AS_CAREFUL;
    const levels = this.facts.exact.map((row) => row.risk_level);
    return levels.length > 0 ? `Exact values were computed for ${levels.map(String).join(", ")}.` : this.facts.exact_remarks.join(" ");
  }
}
