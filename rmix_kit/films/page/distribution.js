// The return distribution of the chosen action as a histogram; the part that the CVaR is the mean of is outlined.
const BINS = 24;
const LABEL_WIDTH = 80;
const PLOT = { width: 330, height: 104, left: 8, right: 8, top: 22, bottom: 18 };

// Probability per bin, split into the tail below the level and the rest.
function binned(quantiles, edges, level, low, high) {
  const bins = Array.from({ length: BINS }, () => ({ tail: 0, rest: 0 }));
  quantiles.forEach((value, index) => {
    const [begin, end] = [edges[index], edges[index + 1]];
    const tail = Math.max(0, Math.min(end, level) - begin);
    const bin = bins[Math.max(0, Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS)))];
    bin.tail += tail;
    bin.rest += end - begin - tail;
  });
  return bins;
}

function meanOf(quantiles, edges) {
  return quantiles.reduce((sum, value, index) => sum + value * (edges[index + 1] - edges[index]), 0);
}

// Without a level (null) there is no tail, and the mean is all there is to say.
function distribution(quantiles, edges, level, value) {
  const { width, height, left, right, top, bottom } = PLOT;
  const [first, final] = [quantiles[0], quantiles[quantiles.length - 1]];
  const margin = Math.max((final - first) * 0.06, Math.abs(final) * 1e-3, 1e-6);
  const [low, high] = [Math.min(first, value) - margin, Math.max(final, value) + margin];
  const bins = binned(quantiles, edges, level ?? 0, low, high);
  const tallest = Math.max(...bins.map((bin) => bin.tail + bin.rest));
  const floor = height - bottom;
  const x = (value) => left + ((width - left - right) * (value - low)) / (high - low);
  const tall = (share) => ((floor - top) * share) / tallest;
  const step = (width - left - right) / BINS;
  const mean = meanOf(quantiles, edges);
  const bars = bins.map((bin, index) => {
    const place = { x: left + index * step + 0.6, width: step - 1.2 };
    return [svg("rect", { ...place, class: "tail", y: floor - tall(bin.tail), height: tall(bin.tail), fill: "var(--risk)",
      stroke: bin.tail > 0 ? "var(--ink)" : "none" }),
      svg("rect", { ...place, class: "rest", y: floor - tall(bin.tail + bin.rest), height: tall(bin.rest), fill: "var(--own)", opacity: 0.55 })];
  });
  // The CVaR is never above the mean: its words stand to the left, the mean's to the right, where there is room.
  const label = (value, word, y, dash, ink) => {
    const isLeft = word === "CVaR" ? x(value) > LABEL_WIDTH : x(value) > width - LABEL_WIDTH;
    return [svg("line", { x1: x(value), x2: x(value), y1: y, y2: floor, stroke: ink, "stroke-width": 2, "stroke-dasharray": dash }),
      svg("text", { x: x(value) + (isLeft ? -4 : 4), y: y + 8, "text-anchor": isLeft ? "end" : "start", style: `fill:${ink}` },
        `${word} ${shown(value)}`)];
  };
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "return distribution of the chosen action" },
    bars, svg("line", { x1: left, x2: width - right, y1: floor, y2: floor, stroke: "var(--line)" }),
    level === null ? null : label(value, "CVaR", 0, "none", "var(--risk)"), label(mean, "mean", 11, "4 3", "var(--ink)"),
    svg("text", { class: "quiet", x: left, y: height - 5 }, shown(first)),
    svg("text", { class: "quiet", x: width - right, y: height - 5, "text-anchor": "end" }, shown(final)));
}
