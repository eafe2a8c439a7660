// `node driver.mjs ORT FOLDER check|play BATCH throw|return`; a page imports `run` of it. See tests/clients/scenario.py.

export async function run(ort, openTeam, read, mode, batch, onInvalid, text) {
  try {
    const team = await openTeam(ort, read, { batch, onInvalid });
    if (mode === "check") return Object.entries(await team.check()).map(([name, { steps }]) => `${name} ${steps}`).join("\n");
    return await play(team, batch, text);
  } catch (error) {
    return `${error.constructor.name}: ${error.message}`;
  }
}

async function play(team, batch, text) {
  const words = text.trim().split(/\s+/);
  let place = 0;
  const take = (count) => words.slice(place, (place += count)).map(Number);
  const lines = [];
  while (place < words.length) {
    const [obs, masks, levels, rows, done] = [{}, {}, {}, {}, {}];
    for (const name of team.agents) {
      const spec = team.specs[name];
      const size = spec.obs.shape.reduce((product, count) => product * count, 1);
      const Type = { float32: Float32Array, int8: Int8Array }[spec.obs.dtype];
      obs[name] = Type.from(take(batch * size));
      masks[name] = Uint8Array.from(take(batch * spec.n_actions));
      const level = Float32Array.from(take(batch));
      levels[name] = spec.is_risk_aware ? level : 0;
      done[name] = Int32Array.from(take(batch));
    }
    const ended = Uint8Array.from(take(batch));
    let answers;
    try {
      answers = await team.act(obs, masks, levels);
    } catch (error) {
      lines.push(`${error.constructor.name}`);
      continue;
    }
    for (const name of team.agents) {
      const { action, valid, actionValues, riskLevelUsed } = answers[name];
      lines.push([...action, ...valid, ...actionValues, ...(riskLevelUsed ?? [])].join(" "));
      if (team.specs[name].carry.some((tensor) => tensor.name === "last_action")) team.executed({ [name]: done[name] });
    }
    team.reset(ended);
  }
  return lines.join("\n");
}

if (globalThis.process?.argv[1]?.endsWith("driver.mjs")) {
  const { readFileSync } = await import("node:fs");
  const { readFile } = await import("node:fs/promises");
  const { createRequire } = await import("node:module");
  const { openTeam } = await import("../../clients/javascript/rmix.mjs");
  const [library, folder, mode, batch, onInvalid] = process.argv.slice(2);
  const found = createRequire(`${library}/`)(library);
  const text = mode === "play" ? readFileSync(0, "utf-8") : "";
  const read = (name) => readFile(`${folder}/${name}`);
  console.log(await run(found, openTeam, read, mode, Number(batch), onInvalid, text));
}
