// What a map must hold to be played: macn/layout.py's rule on ways, for maps that a visitor draws.

/** Whether every start has a way to a goal over cells that are neither cliff nor wall. */
export function isPlayable(rows) {
  const [height, width] = [rows.length, rows[0].length];
  const marks = rows.join("");
  const starts = [...marks].flatMap((mark, cell) => (/[S0-9]/.test(mark) ? [cell] : []));
  return starts.length > 0 && starts.every((start) => {
    const seen = new Set([start]);
    for (const cell of seen) { // a set hands out what is added on the way
      if (marks[cell] === "G") return true;
      const [row, column] = [Math.floor(cell / width), cell % width];
      for (const [down, right] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
        const [r, c] = [row + down, column + right];
        if (r >= 0 && r < height && c >= 0 && c < width && !"C#".includes(rows[r][c])) seen.add(r * width + c);
      }
    }
    return false;
  });
}

/** The rows with one cell drawn anew; null where that must not be: on a start or goal, or where no way would be left. */
export function drawn(rows, cell, mark) {
  const width = rows[0].length;
  const [row, column] = [Math.floor(cell / width), cell % width];
  if (/[SG0-9]/.test(rows[row][column])) return null;
  const changed = rows.map((line, r) => (r === row ? line.slice(0, column) + mark + line.slice(column + 1) : line));
  return isPlayable(changed) ? changed : null;
}
