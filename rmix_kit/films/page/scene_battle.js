// A battle of the built-in SMAC simulator: ground, units, their health, shots and healing of the step before.
const LEAST_RADIUS = 0.5;

function typeWords(kind) {
  return kind.type.replaceAll("_", " ");
}

// Targets come last among a battle's actions; where others attack enemy n, a healer heals agent n.
function battleActionName(film, agent, action) {
  const { units, n_agents: nAgents } = film.stage;
  const target = action - (film.actions.length - (units.length - nAgents));
  if (target < 0) return film.actions[action];
  if (!units[agent].heals) return `${film.actions[action]} (${typeWords(units[nAgents + target])})`;
  return target < nAgents ? `heal_${target} (${typeWords(units[target])})` : film.actions[action];
}
const VIEW_MARGIN = 2.2;

function battleScene(film) {
  const { size, ground, sight, shoot, units, n_agents: nAgents } = film.stage;
  const fine = ground.length / size;
  const radius = (unit) => Math.max(units[unit].radius * 1.1, LEAST_RADIUS);
  const isOwn = (unit) => unit < nAgents;
  const colour = (unit) => (isOwn(unit) ? "var(--own)" : "var(--other)");
  const name = (unit) => (isOwn(unit) ? film.agents[unit] : `enemy ${unit - nAgents}`);

  const foes = [...new Set(units.slice(nAgents).map(typeWords))];

  // Runs of blocked parts, row by row, as one path.
  const walls = ground.map((line, row) => Array.from(line.matchAll(/#+/g),
    (run) => `M${run.index / fine} ${row / fine}h${run[0].length / fine}v${1 / fine}h${-run[0].length / fine}z`).join("")).join("");
  const moving = svg("g");
  const root = svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "img" },
    svg("rect", { width: size, height: size, fill: "var(--ground)" }),
    svg("path", { d: walls, fill: "var(--wall)", stroke: "var(--wall)", "stroke-width": 0.02 }), moving);

  function bar(x, y, width, share, fillColour) {
    return [svg("rect", { x, y, width, height: 0.16, fill: "var(--line)" }),
      svg("rect", { x, y, width: Math.max(0, width * share), height: 0.16, fill: fillColour })];
  }

  function body(unit, x, y) {
    const r = radius(unit);
    const own = { fill: colour(unit), stroke: "var(--ground)", "stroke-width": 0.06 };
    if (isOwn(unit)) return svg("circle", { cx: x, cy: y, r, ...own });
    return svg("path", { d: `M${x} ${y - r * 1.3}L${x + r * 1.3} ${y}L${x} ${y + r * 1.3}L${x - r * 1.3} ${y}z`, ...own });
  }

  function glyph(scene, unit, view) {
    const [x, y] = [scene.x[unit], size - scene.y[unit]];
    const r = radius(unit);
    const kind = units[unit];
    if (scene.health[unit] <= 0) {
      return svg("path", { class: "dead", d: `M${x - 0.3} ${y - 0.3}l.6 .6m0 -.6l-.6 .6`, stroke: colour(unit),
        "stroke-width": 0.14, opacity: 0.55 });
    }
    const word = String(isOwn(unit) ? unit : unit - nAgents);
    const shield = kind.shield > 0 ? `, shield ${scene.shield[unit]} of ${kind.shield}` : "";
    const group = svg("g", { class: "unit" },
      svg("title", {}, `${name(unit)}: ${typeWords(kind)}, health ${scene.health[unit]} of ${kind.health}${shield}`),
      isOwn(unit) && unit === view.agent ? svg("circle", { cx: x, cy: y, r: r + 0.22, fill: "none",
        stroke: "var(--ink)", "stroke-width": 0.12 }) : null,
      body(unit, x, y),
      kind.heals ? svg("path", { d: `M${x - r} ${y - r}l.36 0m-.18 -.18l0 .36`, stroke: "var(--good)", "stroke-width": 0.13 }) : null,
      svg("text", { x, y: y + (isOwn(unit) ? 0.25 : 0.21), "text-anchor": "middle",
        style: `font-size:${isOwn(unit) ? 0.72 : 0.6}px;font-weight:700;fill:var(--ground)` }, word),
      bar(x - r, y - r - 0.42, 2 * r, scene.health[unit] / kind.health, "var(--good)"),
      kind.shield > 0 ? bar(x - r, y - r - 0.64, 2 * r, scene.shield[unit] / kind.shield, "var(--ink)") : null);
    if (isOwn(unit)) group.addEventListener("click", () => view.select(unit));
    return group;
  }

  function line(scene, [from, to], kind) {
    const ends = { x1: scene.x[from], y1: size - scene.y[from], x2: scene.x[to], y2: size - scene.y[to] };
    if (kind === "heal") {
      return svg("line", { ...ends, class: "heal", stroke: "var(--good)", "stroke-width": 0.16, "stroke-dasharray": "0.1 0.3",
        "stroke-linecap": "round" });
    }
    return svg("line", { ...ends, class: "shot", stroke: colour(from), "stroke-width": 0.09, opacity: 0.85,
      "stroke-dasharray": isOwn(from) ? "none" : "0.35 0.25" });
  }

  function circles(scene, view) {
    if (!view.ranges || view.agent >= nAgents || scene.health[view.agent] <= 0) return [];
    const at = { cx: scene.x[view.agent], cy: size - scene.y[view.agent], fill: "none", stroke: "var(--quiet)", "stroke-width": 0.08 };
    return [svg("circle", { ...at, class: "range", r: sight, "stroke-dasharray": "0.2 0.3" }),
      svg("circle", { ...at, class: "range", r: shoot })];
  }

  return {
    element: root,
    legend: [
      legendEntry(svg("circle", { cx: 8, cy: 8, r: 7, fill: "var(--own)" }), "agents, by number"),
      legendEntry(svg("path", { d: "M8 0l8 8l-8 8l-8 -8z", fill: "var(--other)" }), `enemies, by number (${foes.join(", ")})`),
      legendEntry(svg("path", { d: "M0 8h16", stroke: "var(--own)", "stroke-width": 2 }), "shot"),
      legendEntry(svg("path", { d: "M0 8h16", stroke: "var(--other)", "stroke-width": 2, "stroke-dasharray": "5 3" }), "enemy's shot"),
      units.some((unit) => unit.heals) ? legendEntry(svg("path", { d: "M1 8h15", stroke: "var(--good)", "stroke-width": 3,
        "stroke-dasharray": "1 4", "stroke-linecap": "round" }), "healing") : null,
      legendEntry(svg("path", { d: "M0 8h16", stroke: "var(--good)", "stroke-width": 3 }), "health"),
      units.some((unit) => unit.shield > 0) ? legendEntry(svg("path", { d: "M0 8h16", stroke: "var(--ink)", "stroke-width": 3 }), "shield") : null,
      legendEntry(svg("path", { d: "M3 3l10 10m0 -10l-10 10", stroke: "var(--quiet)", "stroke-width": 3 }), "dead"),
    ],
    hasRanges: true,
    speed: 8,
    // The view holds everything that happens in the episode, so that it does not move with the units.
    begin(episode) {
      const xs = episode.scenes.flatMap((scene) => scene.x);
      const ys = episode.scenes.flatMap((scene) => scene.y.map((y) => size - y));
      const [left, right] = [Math.max(0, Math.min(...xs) - VIEW_MARGIN), Math.min(size, Math.max(...xs) + VIEW_MARGIN)];
      const [top, bottom] = [Math.max(0, Math.min(...ys) - VIEW_MARGIN), Math.min(size, Math.max(...ys) + VIEW_MARGIN)];
      root.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
    },
    draw(episode, t, view) {
      const scene = episode.scenes[t];
      const everyone = units.map((_, unit) => unit);
      const [fallen, alive] = [0, 1].map((lives) => everyone.filter((unit) => Number(scene.health[unit] > 0) === lives));
      alive.sort((a, b) => units[b].radius - units[a].radius); // the small ones on top
      moving.replaceChildren(...circles(scene, view), ...fallen.map((unit) => glyph(scene, unit, view)),
        ...scene.heals.map((pair) => line(scene, pair, "heal")),
        ...scene.shots.map((pair) => line(scene, pair, "shot")),
        ...alive.map((unit) => glyph(scene, unit, view)));
    },
  };
}
