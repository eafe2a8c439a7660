// Any other environment: what the agents observe, as a table, one row per agent.
function tableScene(film) {
  const kept = film.episodes[0].scenes[0].obs[0].length;
  const body = html("tbody");
  const heads = Array.from({ length: kept }, (_, i) => html("th", {}, String(i)));
  const table = html("table", {}, html("thead", {}, html("tr", {}, html("th", {}, "observed"), heads)), body);
  const all = film.stage.elements;
  const note = kept < all ? html("p", { class: "note" }, `the first ${kept} of ${all} elements of each observation`) : null;
  return {
    element: html("div", {}, html("div", { class: "scroll", tabindex: "0" }, table), note),
    legend: [],
    hasRanges: false,
    speed: 4,
    begin() {},
    draw(episode, t) {
      body.replaceChildren(...episode.scenes[t].obs.map((row, agent) => html("tr", {},
        html("td", {}, film.agents[agent]), row.map((value) => html("td", {}, shown(value))))));
    },
  };
}
