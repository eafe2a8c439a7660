// Puts the page together and draws it anew whenever the player moves.
const SPEEDS = [1, 2, 4, 8, 16, 32];
const FEW_AGENTS = 3; // all their cards fit on the page
const ADDRESS_DELAY = 300; // milliseconds; browsers refuse an address that changes many times a second

function writeHead(film) {
  const level = film.risk_level === null ? "" : `, risk level ${film.risk_level} for all`;
  const { checkpoint_step: step, seed } = film.metrics;
  byId("title").textContent = `${film.algorithm} on ${film.env}`;
  byId("facts").textContent = `${film.kind === "run" ? "run" : "exported agents"} ${film.source}, checkpoint of step `
    + `${step}; greedy episodes of seed ${seed}${level}; rmix-kit ${film.version}`;
  byId("remark").textContent = film.remark;
  byId("remark").hidden = film.remark === "";
  byId("values-note").textContent = valuesNote(film);
  byId("levels-title").hidden = !film.is_risk_aware;
  byId("levels-note").textContent = film.is_risk_aware
    ? "1 is risk-neutral, near 0 looks at the worst returns alone; agents that are out stand at 0." : "This algorithm has no risk level.";
  byId("metrics-note").hidden = !film.is_risk_aware;
  byId("marks").replaceChildren(...marksLegend(film));
}

function writeMetrics(film) {
  const count = film.episodes.length;
  byId("metrics-title").textContent = `Metrics of ${count === 1 ? "this episode" : `these ${count} episodes`}, as rmix-kit evaluate counts them`;
  const known = Object.entries(film.metrics).filter(([, value]) => value !== null);
  byId("metrics").replaceChildren(...known.map(([name, value]) => {
    const cell = html("dd", { id: `metric-${name}` });
    show(cell, value);
    return html("div", {}, html("dt", {}, name), cell);
  }));
}

function outcomeOf(episode) {
  const end = episode.success === null ? "" : episode.success ? "✓ solved" : "✕ not solved";
  const outcome = [end, episode.fell ? "✕ fell" : ""].filter(Boolean).join(", ");
  return `${outcome}${outcome && "; "}return ${shown(episode.return)} in ${episode.length} steps (seed ${episode.seed})`;
}

function start() {
  const film = readFilm();
  const scene = SCENES[film.stage.kind](film);
  const { agents } = film;
  let cursors = [];
  let addressTimer = null;

  const seek = (step) => player.seek(step);
  const select = (agent) => player.select(agent);

  function drawCurves(episode) {
    const steps = episode.length;
    const rewards = Array.from({ length: steps }, (_, t) => episode.rewards.at(t));
    cursors = [curve(byId("reward-chart"), { kind: "bars", values: rewards, steps, label: "reward per step", seek }),
      curve(byId("return-chart"), { kind: "line", values: episode.cumulative, steps, label: "return so far", seek })];
    if (film.is_risk_aware) {
      const mark = levelStrips(byId("levels"), { episode, agents, select, seek });
      cursors.push((t) => mark(t, player.at.agent));
    }
  }

  function drawChips(episode, step, agent) {
    byId("chips").hidden = agents.length <= FEW_AGENTS;
    byId("chips").replaceChildren(...agents.map((name, index) => {
      const isOut = step < episode.length && episode.is_out.at(step, index);
      const chip = html("button", { class: `${index === agent ? "chosen" : ""} ${isOut ? "out" : ""}`, "aria-pressed": index === agent }, name);
      chip.addEventListener("click", () => {
        select(index);
        byId("chips").children[index].focus();
      });
      return chip;
    }));
  }

  function draw(isNewEpisode) {
    const { at } = player;
    const episode = film.episodes[at.episode];
    if (isNewEpisode) {
      scene.begin(episode);
      drawCurves(episode);
      byId("episodes").value = String(at.episode);
      byId("scrubber").max = String(episode.length);
      byId("outcome").textContent = outcomeOf(episode);
      show(byId("step-count"), episode.length, 0);
    }
    scene.draw(episode, at.step, { agent: at.agent, ranges: at.ranges, select });
    cursors.forEach((move) => move(at.step));
    byId("scrubber").value = String(at.step);
    byId("play").textContent = player.isPlaying ? "Pause" : "Play";
    show(byId("step-now"), at.step, 0);
    show(byId("return-now"), episode.cumulative[at.step]);
    show(byId("reward-now"), at.step === 0 ? 0 : episode.rewards.at(at.step - 1));
    drawChips(episode, at.step, at.agent);
    const chosen = agents.length <= FEW_AGENTS ? agents.map((_, agent) => agent) : [at.agent];
    byId("cards").replaceChildren(...chosen.map((agent) => agentCard(film, episode, at.step, agent)));
    byId("link").setAttribute("href", addressOf(at));
    clearTimeout(addressTimer);
    if (!player.isPlaying) {
      addressTimer = setTimeout(() => window.history.replaceState(null, "", addressOf(at)), ADDRESS_DELAY);
    }
  }

  const player = makePlayer(film, draw);

  function connect() {
    byId("episodes").replaceChildren(...film.episodes.map((episode, index) => html("option", { value: index },
      `${index + 1} of ${film.episodes.length}: ${shown(episode.return)}${episode.success ? " ✓" : ""}${episode.fell ? " ✕ fell" : ""}`)));
    byId("speed").replaceChildren(...SPEEDS.map((value) => html("option", { value }, `${value} steps/s`)));
    byId("speed").value = String(scene.speed);
    player.setSpeed(scene.speed);
    byId("episodes").addEventListener("change", (event) => player.open(Number(event.target.value)));
    byId("speed").addEventListener("change", (event) => player.setSpeed(Number(event.target.value)));
    byId("scrubber").addEventListener("input", (event) => player.seek(Number(event.target.value)));
    byId("first").addEventListener("click", () => player.seek(0));
    byId("back").addEventListener("click", () => player.by(-1));
    byId("forth").addEventListener("click", () => player.by(1));
    byId("last").addEventListener("click", () => player.seek(Infinity));
    byId("play").addEventListener("click", () => player.toggle());
    byId("ranges-label").hidden = !scene.hasRanges;
    byId("ranges").addEventListener("change", (event) => {
      player.at.ranges = event.target.checked;
      draw(false);
    });
    window.addEventListener("hashchange", () => followAddress(player));
    window.addEventListener("resize", () => draw(true));
    listenToKeys(player);
  }

  writeHead(film);
  writeMetrics(film);
  byId("scene").replaceChildren(scene.element);
  byId("legend").replaceChildren(...scene.legend.filter((entry) => entry !== null));
  connect();
  followAddress(player);
  document.documentElement.dataset.ready = "true";
}

start();
