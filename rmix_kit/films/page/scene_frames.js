// An environment that draws itself: its own pictures, and below them, on demand, what the agents observe.
function framesScene(film) {
  const picture = html("img", { class: "frame", alt: "what the environment draws" });
  const observed = tableScene(film);
  return {
    ...observed,
    element: html("div", {}, picture, html("details", {}, html("summary", {}, "what the agents observe"), observed.element)),
    draw(episode, t) {
      picture.setAttribute("src", `data:image/png;base64,${episode.scenes[t].frame}`);
      observed.draw(episode, t);
    },
  };
}

const SCENES = { macn: macnScene, battle: battleScene, table: tableScene, frames: framesScene };
