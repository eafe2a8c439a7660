// The map that is watched and drawn on: the films' scene, with a layer for visits and one for the drawing cursor.
import { macnScene, CELL } from "./scene_macn.mjs";
import { svg } from "./dom.mjs";

const MOST_READABLE = 9; // columns in which percentages can be read on a phone
const UNDRAWN = "chosen move"; // a live agent chooses when it moves

/** A scene of one game; `paint(cell)` is called where a visitor draws. */
export class Scene {
  constructor(home, game, agents, paint) {
    this.home = home;
    this.agents = agents;
    this.paint = paint;
    this.cursor = null;
    this.show(game);
    this.listen();
  }

  /** Draw another map; returns its legend. */
  show(game) {
    this.game = game;
    this.width = game.rows[0].length;
    this.film = { stage: { rows: game.rows, slip: game.slip }, agents: this.agents };
    this.inner = macnScene(this.film);
    this.heat = svg("g", { "aria-hidden": "true" });
    this.frame = svg("g", { "aria-hidden": "true" });
    const root = this.inner.element;
    root.insertBefore(this.heat, root.lastChild);
    root.append(this.frame);
    root.setAttribute("aria-label", "the map");
    this.home.replaceChildren(root);
    this.home.classList.toggle("many", this.width > MOST_READABLE);
    this.home.dataset.rows = game.rows.join(" ");
    if (this.cursor !== null) this.place(this.cursor);
    return this.inner.legend.filter((entry) => entry.textContent !== UNDRAWN);
  }

  /** Draw the agents: `history` is what they did so far, `[{cells, fell}]`. */
  draw(history) {
    const length = history.length - 1;
    const episode = { scenes: history, length, actions: { at: () => 0 }, is_out: { at: () => true } };
    this.inner.draw(episode, length, { select: () => {} });
  }

  /** Shade the cells by the share of episodes in which an agent came by; null takes the shades away. */
  shade(shares) {
    const cells = shares === null ? [] : shares.flatMap((share, cell) => (share > 0 ? [[share, cell]] : []));
    this.heat.replaceChildren(...cells.flatMap(([share, cell]) => {
      const [x, y] = [(cell % this.width) * CELL, Math.floor(cell / this.width) * CELL];
      const percent = share < 0.005 ? "<1" : String(Math.round(share * 100));
      return [
        svg("rect", { x: x + 1, y: y + 1, width: CELL - 2, height: CELL - 2, fill: "var(--visit)", opacity: 0.1 + 0.4 * share }),
        svg("text", { x: x + 4, y: y + CELL - 5, class: "share" }, `${percent}%`),
      ];
    }));
  }

  /** Put the frame around the cell that a key would draw on; null takes it away. */
  place(cell) {
    this.cursor = cell;
    const frame = cell === null ? [] : [svg("rect", { x: (cell % this.width) * CELL, y: Math.floor(cell / this.width) * CELL,
      width: CELL, height: CELL, fill: "none", stroke: "var(--ink)", "stroke-width": 4 })];
    this.frame.replaceChildren(...frame);
  }

  /** Move the frame by rows and columns, within the map. */
  move(down, right) {
    const height = this.game.rows.length;
    const [row, column] = [Math.floor(this.cursor / this.width) + down, (this.cursor % this.width) + right];
    if (row >= 0 && row < height && column >= 0 && column < this.width) this.place(row * this.width + column);
  }

  /** Draw where the pointer goes while it is down; the map under it is drawn anew at every change. */
  listen() {
    let last = null;
    const draw = (event) => {
      const cell = this.cellAt(event);
      if (cell !== null && cell !== last) this.paint(cell);
      last = cell;
    };
    this.home.addEventListener("pointerdown", (event) => {
      if (!this.home.classList.contains("drawing")) return;
      this.home.setPointerCapture(event.pointerId);
      last = null;
      draw(event);
    });
    this.home.addEventListener("pointermove", (event) => {
      if (this.home.hasPointerCapture(event.pointerId)) draw(event);
    });
  }

  cellAt({ clientX, clientY }) {
    const point = new DOMPoint(clientX, clientY).matrixTransform(this.inner.element.getScreenCTM().inverse());
    const [row, column] = [Math.floor(point.y / CELL), Math.floor(point.x / CELL)];
    const isInside = row >= 0 && row < this.game.rows.length && column >= 0 && column < this.width;
    return isInside ? row * this.width + column : null;
  }
}
