// Multi-Agent Cliff Navigation: the map, the agents, where they have been and where they want to go.
const CELL = 48;
const EDGE = 14; // around the map: an arrow against its border is longer than the cell
const ARROWS = [[0, -1], [0, 1], [-1, 0], [1, 0]]; // up, down, left, right

function macnScene(film) {
  const { rows, slip } = film.stage;
  const [height, width] = [rows.length, rows[0].length];
  const count = film.agents.length;
  const centre = (cell) => [((cell % width) + 0.5) * CELL, (Math.floor(cell / width) + 0.5) * CELL];
  const mark = (row, column) => (rows[row] === undefined ? undefined : rows[row][column]);
  const isEdge = (row, column) => "CGS#".indexOf(mark(row, column)) < 0
    && ARROWS.some(([x, y]) => mark(row + y, column + x) === "C");

  function tile(row, column) {
    const [x, y] = [column * CELL, row * CELL];
    const letter = mark(row, column);
    const square = (colour) => svg("rect", { x, y, width: CELL, height: CELL, fill: colour, stroke: "var(--line)" });
    const text = (word, colour, size = 22) => svg("text", { x: x + CELL / 2, y: y + CELL / 2 + size / 3,
      "text-anchor": "middle", style: `font-size:${size}px;fill:${colour}` }, word);
    if (letter === "C") {
      return [square("var(--cliff)"), svg("path", { d: `M${x + 8} ${y + 40}l12 -26l8 14l6 -10l8 22z`,
        fill: "none", stroke: "var(--cliff-ink)", "stroke-width": 2 })];
    }
    if (letter === "#") return [square("var(--wall)")];
    if (letter === "G") return [square("var(--goal)"), text("★", "var(--good)", 26)];
    if (letter === "S" || (letter >= "0" && letter <= "9")) return [square("var(--start)"), text("S", "var(--quiet)")];
    if (isEdge(row, column)) {
      return [square("var(--edge-cell)"), svg("text", { x: x + CELL - 9, y: y + 16, "text-anchor": "middle",
        style: "font-size:15px;font-weight:700;fill:var(--risk)" }, "!")];
    }
    return [square("var(--ground)")];
  }

  const tiles = rows.map((line, row) => Array.from(line, (_, column) => tile(row, column)));
  const moving = svg("g");
  const root = svg("svg", { viewBox: `${-EDGE} ${-EDGE} ${width * CELL + 2 * EDGE} ${height * CELL + 2 * EDGE}`, role: "img" }, tiles, moving);

  // Agents share cells and ways: each keeps its own lane.
  const lane = (agent) => ((agent - (count - 1) / 2) * 12) / Math.max(1, (count - 1) / 2);

  function trail(episode, t, agent) {
    const points = [];
    for (let s = 0; s <= t; s += 1) {
      const [x, y] = centre(episode.scenes[s].cells[agent]);
      points.push(`${x + lane(agent)},${y + lane(agent)}`);
    }
    return svg("polyline", { points: points.join(" "), fill: "none", stroke: agent % 2 ? "var(--other)" : "var(--own)",
      "stroke-width": 4, "stroke-dasharray": agent % 2 ? "7 5" : "none", "stroke-linejoin": "round", opacity: 0.55 });
  }

  // A pair in one cell overlaps a little; more than two stand in a square of small discs.
  function stand(cells, agent) {
    const [x, y] = centre(cells[agent]);
    const sharing = film.agents.map((_, other) => other).filter((other) => cells[other] === cells[agent]);
    if (sharing.length === 1) return [x, y, 14];
    if (sharing.length === 2) return [x + lane(agent), y + lane(agent) * 0.4, 11];
    const columns = Math.ceil(Math.sqrt(sharing.length));
    const place = sharing.indexOf(agent);
    const at = (index, many) => (index - (many - 1) / 2) * (CELL / columns);
    return [x + at(place % columns, columns), y + at(Math.floor(place / columns), Math.ceil(sharing.length / columns)),
      CELL / columns / 2 - 1];
  }

  function wish(episode, t, agent, x, y, size) {
    if (t >= episode.length || episode.is_out.at(t, agent)) return null;
    const [dx, dy] = ARROWS[episode.actions.at(t, agent)];
    const [tipX, tipY] = [x + dx * 25 * size, y + dy * 25 * size];
    const [long, wide] = [8 * size, 6 * size];
    return svg("path", { d: `M${tipX} ${tipY}l${-dx * long - dy * wide} ${-dy * long - dx * wide}l${dy * 2 * wide} ${dx * 2 * wide}z`,
      fill: "var(--ink)" });
  }

  function disc(episode, t, agent, select) {
    const scene = episode.scenes[t];
    const [x, y, r] = stand(scene.cells, agent);
    const colour = agent % 2 ? "var(--other)" : "var(--own)";
    const size = Math.min(1, r / 11); // of a mark, beside that of a pair
    const group = svg("g", { class: "unit" }, svg("title", {}, film.agents[agent]));
    if (scene.fell[agent]) {
      group.append(svg("circle", { cx: x, cy: y, r: size < 1 ? r : 14, fill: "var(--ground)", stroke: colour, "stroke-width": 3 * size }),
        svg("path", { d: `M${x - 9 * size} ${y - 9 * size}l${18 * size} ${18 * size}m0 ${-18 * size}l${-18 * size} ${18 * size}`,
          stroke: "var(--risk)", "stroke-width": 5 * size }));
    } else {
      const arrow = wish(episode, t, agent, x, y, size);
      if (arrow !== null) group.append(arrow);
      group.append(svg("circle", { cx: x, cy: y, r, fill: colour, stroke: "var(--ground)", "stroke-width": 2 * size }),
        svg("text", { x, y: y + r * 0.42, "text-anchor": "middle", style: `font-size:${r * 1.2}px;font-weight:700;fill:var(--ground)` },
          String(agent)));
    }
    group.addEventListener("click", () => select(agent));
    return group;
  }

  return {
    element: root,
    legend: [
      legendEntry(svg("rect", { width: 16, height: 16, fill: "var(--ground)", stroke: "var(--line)" }), "safe"),
      legendEntry([svg("rect", { width: 16, height: 16, fill: "var(--edge-cell)" }),
        svg("text", { x: 8, y: 13, "text-anchor": "middle", style: "fill:var(--risk);font-weight:700;font-size:13px" }, "!")],
      slip > 0 ? "risky: beside the cliff, a slip may throw down" : "beside the cliff"),
      legendEntry([svg("rect", { width: 16, height: 16, fill: "var(--cliff)" }),
        svg("path", { d: "M2 14l5 -10l3 6l2 -4l3 8z", fill: "none", stroke: "var(--cliff-ink)" })], "cliff"),
      legendEntry([svg("rect", { width: 16, height: 16, fill: "var(--goal)" }),
        svg("text", { x: 8, y: 13, "text-anchor": "middle", style: "fill:var(--good)" }, "★")], "goal"),
      legendEntry(svg("path", { d: "M14 8l-9 -6v12z", fill: "var(--ink)" }), "chosen move"),
      legendEntry(svg("path", { d: "M2 2l12 12m0 -12l-12 12", stroke: "var(--risk)", "stroke-width": 4 }), "fell"),
    ],
    hasRanges: false,
    speed: 4,
    begin() {},
    draw(episode, t, view) {
      const agents = film.agents.map((_, agent) => agent);
      moving.replaceChildren(...agents.map((agent) => trail(episode, t, agent)),
        ...agents.map((agent) => disc(episode, t, agent, view.select)));
    },
  };
}
