// Plays episodes where they hold nobody up. In: {game, agents, levels, seeds}; out: {counts} after every chunk, {failed}.
import { Counts, Play, playRound } from "./episodes.mjs";
import { loadTeam } from "./team.mjs";

const CHUNK = 50; // episodes at once
const team = loadTeam(CHUNK);
let newest = 0;

async function count({ game, agents, levels, seeds }, number) {
  const play = new Play(game, await team, agents, CHUNK);
  const counts = new Counts(play.copies.tables.marks.length);
  for (let first = 0; first < seeds.length && number === newest; first += CHUNK) {
    counts.add(await playRound(play, seeds.slice(first, first + CHUNK), levels));
    postMessage({ number, counts: { ...counts }, means: counts.means });
    await new Promise((resolve) => { setTimeout(resolve); }); // lets a newer question in
  }
}

let before = Promise.resolve();
onmessage = ({ data }) => {
  newest = data.number;
  before = before.then(() => count(data, data.number)).catch((error) => postMessage({ number: data.number, failed: String(error) }));
};
