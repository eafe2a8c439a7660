// Plays the cases of a file through the page's rules and writes what came of every step: node rules.mjs RULES CASES OUT
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [rules, cases, out] = process.argv.slice(2);
const { Copies } = await import(pathToFileURL(rules));

const played = JSON.parse(readFileSync(cases, "utf8")).map(({ game, seed, actions }) => {
  const count = actions[0].length;
  const copies = new Copies(game, count);
  const episodes = new Array(count).fill(0);
  const seen = () => Array.from({ length: game.n_agents }, (_, agent) => Array.from(copies.observations(agent)));
  for (let copy = 0; copy < count; copy += 1) copies.begin(copy, BigInt(seed), copy, 0);
  return actions.map((chosen) => {
    const before = seen();
    const steps = chosen.map((one, copy) => copies.step(copy, one));
    const after = seen();
    steps.forEach(({ terminated, truncated }, copy) => {
      if (terminated || truncated) copies.begin(copy, BigInt(seed), copy, (episodes[copy] += 1));
    });
    return { before, after, steps };
  });
});
writeFileSync(out, JSON.stringify(played));
