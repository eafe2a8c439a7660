// The map drawn anew by pointer or keys; only where the agents do not know their map by heart.
import { byId, html } from "./dom.mjs";
import { drawn } from "./layout.mjs";

const BRUSHES = [["", "nothing"], ["C", "cliff"], ["#", "wall"], [".", "safe ground"]];
const HINT = "Click or drag on the map; or put the focus on it with Tab, and draw with the arrow keys and enter.";
const FIXED = "These agents were trained with their row and column in what they see, so they know this one map alone: the editor is "
  + "off. Agents trained without include_position go by what is around them, and take any map.";
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Drawing {
  /** `changed(rows)` takes a map that may be played. */
  constructor(game, changed) {
    this.game = game;
    this.changed = changed;
    this.brush = "";
    this.isOff = game.include_position;
    byId("editor-note").textContent = this.isOff ? FIXED : HINT;
    byId("brushes").replaceChildren(...(this.isOff ? [] : BRUSHES).map(([mark, text]) => this.choice(mark, text)));
  }

  choice(mark, text) {
    const radio = html("input", { type: "radio", name: "brush", value: mark });
    radio.checked = mark === this.brush;
    radio.addEventListener("change", () => {
      this.brush = mark;
      byId("scene").classList.toggle("drawing", mark !== "");
      this.reach();
    });
    return html("label", {}, radio, text);
  }

  /** Let the keyboard reach the map while a brush is taken. */
  reach(scene = this.scene) {
    this.scene = scene;
    const root = byId("scene").firstElementChild;
    if (this.brush === "") {
      scene.place(null);
      root.removeAttribute("tabindex");
      return;
    }
    root.setAttribute("tabindex", "0");
    root.addEventListener("focus", () => scene.place(scene.cursor ?? 0));
    root.addEventListener("keydown", (event) => {
      if (event.key in KEYS) scene.move(...KEYS[event.key]);
      else if (event.key === "Enter") this.paint(scene.cursor);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Draw on one cell; an agent must still have a way. */
  paint(cell) {
    if (this.brush === "" || cell === null) return;
    const rows = drawn(this.game.rows, cell, this.brush);
    byId("editor-note").textContent = rows === null ? "Not there: starts and goals stay, and a safe way must be left." : HINT;
    if (rows !== null && rows.join() !== this.game.rows.join()) this.changed(rows);
  }
}
