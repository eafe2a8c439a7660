// One card per agent shown: what it may do, what it thinks of it, and at which level.
const MARKS = { safe: "✓", risky: "▲", closed: "✕", open: "●" };
const MEANINGS = { safe: "safe", risky: "risky", closed: "not available", open: "available" };

function actionRow(film, episode, t, agent, action, range) {
  const kind = standing(film, episode, t, agent, action);
  const value = episode.action_values.at(t, agent, action);
  const place = (number) => (100 * (number - range.low)) / (range.high - range.low);
  const [from, to] = [place(0), place(value)].sort((a, b) => a - b);
  const isTaken = episode.actions.at(t, agent) === action;
  const isCut = kind !== "closed" && (value < range.low || value > range.high);
  const bar = html("div", { class: `fill${isCut ? " cut" : ""}` });
  bar.style.left = `${Math.max(0, from)}%`;
  bar.style.width = `${Math.max(0, Math.min(100, to) - Math.max(0, from))}%`;
  const zero = html("div", { class: "zero" });
  zero.style.left = `${place(0)}%`;
  const number = html("span", { class: "value" });
  if (kind === "closed") number.textContent = "-";
  else show(number, value);
  const name = film.stage.kind === "battle" ? battleActionName(film, agent, action) : film.actions[action];
  const title = `${name}: ${MEANINGS[kind]}${isTaken ? ", chosen" : ""}${isCut ? "; its bar goes on beyond the scale" : ""}`;
  return html("div", { class: `row ${kind}${isTaken ? " taken" : ""}`, title, "data-action": action, "data-standing": kind },
    html("span", { class: "mark", "aria-label": MEANINGS[kind] }, MARKS[kind]),
    html("span", { class: "name" }, isTaken ? `${name} ◀` : name), html("div", { class: "track" }, zero, bar), number);
}

function actionRows(film, episode, t, agent) {
  const actions = film.actions.map((_, action) => action);
  const open = actions.filter((action) => episode.avail_actions.at(t, agent, action));
  const values = open.map((action) => episode.action_values.at(t, agent, action));
  const range = rangeOf(values);
  return html("div", { class: "actions" }, actions.map((action) => actionRow(film, episode, t, agent, action, range)));
}

function levelWords(film, level) {
  if (!film.is_risk_aware) return null;
  const share = shown(100 * level, 0);
  const words = level >= 1 ? "the mean of all returns" : `the mean of the worst ${share} % of returns`;
  return html("p", {}, "risk level ", html("b", { class: "level-now" }, shown(level, 2)), `: maximises ${words}`);
}

function agentCard(film, episode, t, agent) {
  const type = film.stage.kind === "battle" ? `, ${typeWords(film.stage.units[agent])}` : "";
  const card = html("div", { class: "card", "data-agent": agent }, html("h3", {}, `${film.agents[agent]}${type}`));
  if (t >= episode.length) {
    card.append(html("p", {}, "The episode is over."));
    return card;
  }
  if (episode.is_out.at(t, agent)) {
    card.append(html("p", { class: "dead-agent" }, "✕ out of the game: risk level 0, no choice left"));
    return card;
  }
  const level = episode.levels.at(t, agent);
  const value = episode.action_values.at(t, agent, episode.actions.at(t, agent));
  const words = levelWords(film, level);
  if (words !== null) card.append(words);
  if (episode.quantiles !== null) {
    card.append(distribution(episode.quantiles.row(t, agent), film.edges, film.is_risk_aware ? level : null, value));
  }
  const unit = unitOf(film);
  if (unit !== null) card.append(html("p", { class: "note unit-note" }, `action values, in ${unit}`));
  card.append(actionRows(film, episode, t, agent));
  return card;
}

function marksLegend(film) {
  const kinds = film.risky_margin === null ? ["open", "closed"] : ["safe", "risky", "closed"];
  const share = shown(100 * film.tail_level, 0);
  const words = {
    safe: "safe: its worst returns are close to the best there are",
    risky: `risky: the mean of its worst ${share} % is at least ${shown(film.risky_margin ?? 0)} below the safest action's`,
    closed: "not available",
    open: "available",
  };
  return kinds.map((kind) => html("span", { class: kind }, html("span", { class: "mark" }, MARKS[kind]), words[kind]));
}

function valuesNote(film) {
  const kinds = {
    cvar: "Values are the CVaR of each action's return distribution at the risk level, as this agent estimates its own share of the team's value.",
    var: "Values are the quantile of each action's return distribution at the risk level, as this agent estimates its own share of the team's value.",
    wang: "Values are Wang's measure of each action's return distribution at the risk level, as this agent estimates its own share of the team's value.",
    q: "Values are expected returns, as this agent estimates its own share of the team's value.",
    probability: "Values are the policy's probabilities before the mask.",
  };
  const units = film.value_kind === "probability" ? "" : film.value_scale === null
    ? " They are in the network's units, rewards times a scale that the files do not tell: compare them with each other alone."
    : film.value_scale === 1 ? " They are in reward units."
      : ` They are in reward units: the network's, divided by its reward scale of ${shown(film.value_scale)}.`;
  if (film.has_distributions) {
    const tail = film.value_kind === "cvar" ? "; its outlined part is the tail whose mean is the CVaR" : "";
    return `${kinds[film.value_kind]}${units} The histogram is the chosen action's return distribution${tail}.`;
  }
  const why = film.kind === "export" ? "An exported file carries no return distribution, so none is shown: film the run to see it."
    : "This algorithm has no return distribution.";
  return `${kinds[film.value_kind]}${units} ${why}`;
}
