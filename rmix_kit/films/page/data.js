// The film as arrays: what lies packed in the page becomes typed arrays with a shape.
function bytesOf(text) {
  const coded = atob(text);
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < coded.length; i += 1) bytes[i] = coded.charCodeAt(i);
  return bytes.buffer;
}

const KINDS = { float32: Float32Array, uint16: Uint16Array, uint8: Uint8Array };

// { dtype, shape, data, [low, step] } -> { shape, at(i, j, ...): number, row(i, j): array along the last axis }
function unpacked(packed) {
  if (packed === null) return null;
  const values = new KINDS[packed.dtype](bytesOf(packed.data));
  const { shape } = packed;
  const scaled = packed.step === undefined ? (v) => v : (v) => packed.low + packed.step * v;
  const begin = (index) => {
    let place = 0;
    for (let axis = 0; axis < shape.length; axis += 1) place = place * shape[axis] + (index[axis] ?? 0);
    return place;
  };
  return {
    shape,
    at: (...index) => scaled(values[begin(index)]),
    row: (...index) => {
      const first = begin(index);
      return Array.from(values.subarray(first, first + shape[shape.length - 1]), scaled);
    },
  };
}

// The same array with every number divided: values as the networks have them come into reward units.
function divided(array, scale) {
  if (array === null || scale === 1) return array;
  return { shape: array.shape, at: (...index) => array.at(...index) / scale, row: (...index) => array.row(...index).map((v) => v / scale) };
}

function readFilm() {
  const film = JSON.parse(byId("film").textContent);
  for (const episode of film.episodes) {
    for (const name of ["rewards", "avail_actions", "actions", "action_values", "levels", "is_out", "quantiles", "tails"]) {
      episode[name] = unpacked(episode[name]);
    }
    for (const name of ["action_values", "quantiles", "tails"]) episode[name] = divided(episode[name], film.value_scale ?? 1);
    episode.length = episode.rewards.shape[0];
    episode.cumulative = [0];
    for (let t = 0; t < episode.length; t += 1) {
      episode.cumulative.push(episode.cumulative[t] + episode.rewards.at(t));
    }
  }
  if (film.risky_margin !== null) film.risky_margin /= film.value_scale ?? 1;
  return film;
}

// What the numbers on the cards are in; null for probabilities.
function unitOf(film) {
  if (film.value_kind === "probability") return null;
  return film.value_scale === null ? "scaled rewards" : "reward units";
}

// How an action stands at a step: closed (masked), safe or risky where the worst returns are known, else open.
function standing(film, episode, t, agent, action) {
  if (!episode.avail_actions.at(t, agent, action)) return "closed";
  if (episode.tails === null) return "open";
  let best = -Infinity;
  for (let other = 0; other < film.actions.length; other += 1) {
    if (episode.avail_actions.at(t, agent, other)) best = Math.max(best, episode.tails.at(t, agent, other));
  }
  return episode.tails.at(t, agent, action) < best - film.risky_margin ? "risky" : "safe";
}
