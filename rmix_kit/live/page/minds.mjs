// What every agent made of the last step: its level, the worth of its actions, and what was done instead where it slipped.
import { byId, html, shown } from "./dom.mjs";

const ARROWS = { UP: "↑", DOWN: "↓", LEFT: "←", RIGHT: "→" };

/** Show the cards of a decision; `done` holds what was executed, by agent. */
export function showMinds(facts, decision, done) {
  byId("minds").replaceChildren(...facts.agents.map(({ id }, agent) => card(id, facts, decision?.[id], done?.[agent])));
}

function card(id, facts, answer, executed) {
  if (answer === undefined) return html("div", { class: "card" }, html("h3", {}, id), html("p", { class: "note" }, "has not acted yet"));
  const values = Array.from(answer.actionValues, (value) => value / (facts.value_scale ?? 1));
  const chosen = answer.action[0];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const level = answer.riskLevelUsed === null ? "" : ` at risk level ${shown(answer.riskLevelUsed[0], 2)}`;
  const slipped = executed === chosen ? "" : `, slipped ${facts.actions[executed]}`;
  const rows = values.map((value, action) => {
    const share = high === low ? 1 : 0.06 + (0.94 * (value - low)) / (high - low);
    const standing = action === chosen ? "safe taken" : "open";
    return html("div", { class: `row ${standing}` },
      html("span", { class: "mark", "aria-hidden": "true" }, ARROWS[facts.actions[action]] ?? "·"),
      html("span", { class: "name" }, facts.actions[action]),
      html("span", { class: "track" }, html("span", { class: "fill", style: `left:0;width:${(100 * share).toFixed(1)}%` })),
      html("span", { class: "value" }, shown(value, 3).replace("-", "\u2212")));
  });
  return html("div", { class: "card", "data-agent": id },
    html("h3", {}, `${id} chose ${facts.actions[chosen]}${slipped}`), html("p", { class: "note" }, `worth of its actions${level}, in ${facts.value_unit}`),
    html("div", { class: "actions" }, rows));
}
