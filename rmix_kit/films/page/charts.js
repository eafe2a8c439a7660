// Curves over an episode, with a cursor at the moment; a click or a drag on one goes to its step.
const CHART = { height: 84, left: 46, right: 6, top: 6, bottom: 16 };

function ticks(low, high) {
  const round = (value) => Number(value.toPrecision(3));
  return low < 0 && high > 0 ? [round(low), 0, round(high)] : [round(low), round(high)];
}

// The axis of bars from zero. Where a few (a tenth of them, at least one) stand out so far that the others would be
// slivers, it ends beyond the others, and bars that go on are marked as cut.
const FAR = 2;
const BEYOND = 0.35;

function rangeOf(values) {
  const finite = values.filter(Number.isFinite);
  const whole = { low: Math.min(0, ...finite), high: Math.max(0, ...finite) };
  const few = Math.max(1, Math.floor(finite.length / 10));
  const rest = [...finite].sort((a, b) => Math.abs(a) - Math.abs(b)).slice(0, -few);
  const [low, high] = [Math.min(0, ...rest), Math.max(0, ...rest)];
  const span = high - low;
  if (span > 0 && whole.low < low - FAR * span) whole.low = low - BEYOND * span;
  if (span > 0 && whole.high > high + FAR * span) whole.high = high + BEYOND * span;
  if (whole.high === whole.low) whole.high = whole.low + 1;
  return whole;
}

function scrubOn(surface, stepAt, seek) {
  const go = (event) => {
    if (event.buttons === 1 || event.type === "pointerdown") seek(stepAt(event));
  };
  surface.addEventListener("pointerdown", go);
  surface.addEventListener("pointermove", go);
}

// kind "bars": values[t] belongs to the step from t to t + 1; kind "line": values[t] stands at t.
function curve(holder, { kind, values, steps, label, seek }) {
  const width = Math.max(200, holder.clientWidth);
  const { height, left, right, top, bottom } = CHART;
  const finite = values.filter(Number.isFinite);
  const { low, high } = kind === "bars" ? rangeOf(finite)
    : { low: Math.min(0, ...finite), high: Math.max(0, ...finite) || (Math.min(0, ...finite) < 0 ? 0 : 1) };
  const held = (value) => Math.max(low, Math.min(high, value));
  const cut = values.flatMap((value, t) => (value === held(value) || !Number.isFinite(value) ? [] : [t]));
  const x = (t) => left + ((width - left - right) * t) / Math.max(1, steps);
  const y = (value) => top + ((height - top - bottom) * (high - value)) / (high - low);
  const marks = ticks(low, high).map((value) => [
    svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), stroke: "var(--line)" }),
    svg("text", { class: "quiet", x: left - 5, y: y(value) + 4, "text-anchor": "end" }, shown(value))]);
  const drawing = kind === "line"
    ? svg("polyline", { points: values.map((value, t) => `${x(t)},${y(value)}`).join(" "), fill: "none",
      stroke: "var(--own)", "stroke-width": 2 })
    : svg("path", { fill: "var(--own)", d: values.map((value, t) => `M${x(t + 0.1)} ${y(0)}V${y(held(value))}H${x(t + 0.9)}V${y(0)}z`).join("") });
  const cuts = cut.map((t) => svg("text", { class: "cut-value", x: x(t + 0.5), y: values[t] < low ? y(low) - 3 : y(high) + 9,
    "text-anchor": x(t) > width / 2 ? "end" : "start" }, `${values[t] < low ? "▼" : "▲"} ${shown(values[t])}`));
  const cursor = svg("line", { y1: 0, y2: height - bottom, stroke: "var(--cursor)", "stroke-width": 1.5 });
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label }, marks, drawing, cuts,
    svg("text", { class: "quiet", x: left, y: height - 3 }, "0"),
    svg("text", { class: "quiet", x: width - right, y: height - 3, "text-anchor": "end" }, `step ${steps}`), cursor);
  scrubOn(root, (event) => {
    const box = root.getBoundingClientRect();
    return Math.round((((event.clientX - box.left) * width) / box.width - left) / ((width - left - right) / Math.max(1, steps)));
  }, seek);
  holder.replaceChildren(root);
  return (t) => {
    cursor.setAttribute("x1", x(t));
    cursor.setAttribute("x2", x(t));
  };
}

// One strip per agent: the height is the risk level, 0 (below everything) to 1 (the mean); the dead stand on grey.
const STRIP = 26;

function levelStrips(holder, { episode, agents, select, seek }) {
  const steps = episode.length;
  const strips = agents.map((agent, index) => {
    const points = [];
    let gone = steps;
    for (let t = 0; t < steps; t += 1) {
      const level = episode.is_out.at(t, index) ? 0 : episode.levels.at(t, index);
      if (episode.is_out.at(t, index)) gone = Math.min(gone, t);
      points.push(`V${STRIP * (1 - level)}H${t + 1}`);
    }
    const cursor = svg("line", { y1: -1, y2: STRIP + 1, stroke: "var(--cursor)", "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" });
    const root = svg("svg", { viewBox: `0 0 ${steps} ${STRIP}`, height: STRIP, preserveAspectRatio: "none", role: "img",
      "aria-label": `risk level of ${agent}` },
    svg("rect", { width: steps, height: STRIP, fill: "var(--panel)" }),
    svg("path", { d: `M0 ${STRIP}${points.join("")}V${STRIP}z`, fill: "var(--own)", opacity: 0.75 }),
    gone < steps ? svg("rect", { class: "gone", x: gone, width: steps - gone, height: STRIP, fill: "var(--line)", opacity: 0.5 }) : null,
    cursor);
    scrubOn(root, (event) => {
      const box = root.getBoundingClientRect();
      return Math.floor(((event.clientX - box.left) / box.width) * steps);
    }, seek);
    const now = html("b", { id: `level-now-${index}` });
    const button = html("button", { title: "show this agent" }, agent);
    button.addEventListener("click", () => select(index));
    return { row: html("div", { class: "level" }, button, root, now), cursor, now };
  });
  holder.replaceChildren(...strips.map((strip) => strip.row));
  return (t, chosen) => strips.forEach(({ row, cursor, now }, index) => {
    cursor.setAttribute("x1", t);
    cursor.setAttribute("x2", t);
    row.classList.toggle("chosen", index === chosen);
    if (t >= steps) {
      now.textContent = "end";
      delete now.dataset.value;
    } else {
      show(now, episode.is_out.at(t, index) ? 0 : episode.levels.at(t, index), 2);
      if (episode.is_out.at(t, index)) now.textContent = "✕ 0";
    }
  });
}
