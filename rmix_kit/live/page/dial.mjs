// The dial: one risk level for all agents, one for each, or none, which leaves it to them.
import { byId, html } from "./dom.mjs";

const LOWEST = 0.05;
const STEP = 0.05;

/** A level or a probability as it is written: 1.0, 0.25, 0.125. */
export function written(number) {
  return number.toFixed(3).replace(/0{1,2}$/, "");
}

export class Dial {
  /** `changed()` hears of every level on the way, `settled()` of the one at which the hand lets go. */
  constructor(facts, changed, settled) {
    this.facts = facts;
    this.changed = changed;
    this.settled = settled;
    this.aware = facts.agents.filter((agent) => agent.is_risk_aware);
    this.mode = this.aware.length > 0 ? "all" : "own";
    this.values = facts.agents.map(() => 1);
    this.modes();
    this.show();
  }

  /** The risk levels by agent id, as the client takes them. */
  get levels() {
    return Object.fromEntries(this.facts.agents.map(({ id, is_risk_aware: isAware }, agent) =>
      [id, this.mode === "own" || !isAware ? 0 : this.values[this.mode === "all" ? 0 : agent]]));
  }

  /** What stands beside the counts of these levels, and the level at which exact values are looked up (or null). */
  get name() {
    const used = this.facts.agents.map(({ id, default_risk_level: own }) => this.levels[id] || own);
    const isOne = used.every((level) => level !== null && level === used[0]);
    if (this.aware.length === 0) return { text: "no dial", level: 1 };
    if (used.every((level) => level === null)) return { text: "their own", level: null };
    if (isOne) return { text: written(used[0]), level: used[0] };
    return { text: used.map((level) => (level === null ? "own" : written(level))).join(" | "), level: null };
  }

  modes() {
    const own = this.aware.every((agent) => agent.default_risk_level !== null)
      ? "as trained" : "their own, step by step";
    const choices = [["all", "one for all"], ["each", "one each"], ["own", own]].filter(([mode]) =>
      this.aware.length > 0 && (mode !== "each" || this.aware.length > 1));
    byId("modes").replaceChildren(...choices.map(([mode, text]) => {
      const radio = html("input", { type: "radio", name: "mode", value: mode });
      radio.checked = mode === this.mode;
      radio.addEventListener("change", () => {
        if (mode === "each" && this.mode === "all") this.values.fill(this.values[0]);
        this.mode = mode;
        this.show();
        this.changed();
        this.settled();
      });
      return html("label", {}, radio, text);
    }));
  }

  show() {
    const wanted = { all: [""], each: this.aware.map((agent) => agent.id), own: [] }[this.mode];
    byId("dials").replaceChildren(...wanted.map((id, place) => {
      const agent = this.mode === "all" ? 0 : this.facts.agents.findIndex((one) => one.id === id);
      return this.slider(agent, this.mode === "all" ? "All agents" : id, `dial-${place}`);
    }));
    this.say();
  }

  slider(agent, label, id) {
    const output = html("output", { for: id });
    const input = html("input", { id, type: "range", min: LOWEST, max: 1, step: STEP });
    input.value = this.values[agent];
    const take = () => {
      this.values[agent] = Number(Number(input.value).toFixed(2));
      output.textContent = written(this.values[agent]);
      input.setAttribute("aria-valuetext", `risk level ${written(this.values[agent])}`);
    };
    take();
    input.addEventListener("input", () => {
      take();
      this.say();
      this.changed();
    });
    input.addEventListener("change", () => this.settled());
    const ends = html("span", { class: "ends", "aria-hidden": "true" }, html("span", {}, "careful"), html("span", {}, "risk-neutral"));
    return html("label", { class: "slider", for: id }, label, output, input, ends);
  }

  say() {
    const level = this.values[0];
    const percent = Math.round(level * 100);
    let text = "Each agent has the level beside its name.";
    if (this.aware.length === 0) text = `These agents (${this.facts.algorithm}) were trained without a dial.`;
    else if (this.mode === "own") text = "The agents take the level that they were trained with, or predict one at every step.";
    else if (this.mode === "all" && this.facts.value_kind !== "cvar") text = "1 is risk-neutral.";
    else if (this.mode === "all" && percent === 100) text = "Each agent maximises the mean of all its returns, good and bad.";
    else if (this.mode === "all") text = `Each agent maximises the mean of the worst ${percent} % of its returns (CVaR).`;
    byId("dial-note").textContent = text;
  }
}
