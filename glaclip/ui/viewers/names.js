// Names printed on regions: where each connected region of a class has most room around a point.

const REGION_GRID = 200;  // cells along the longer side
const REGION_SHARE = 0.008;  // of the picture; smaller regions carry no name

// Regions of labels [width * height]: {label, x, y, run}, in shares of the picture; `run` is the room across.
function regionsOf(labels, width, height) {
  const step = Math.max(1, Math.max(width, height) / REGION_GRID), columns = Math.floor(width / step), rows = Math.floor(height / step);
  const grid = Uint16Array.from({length: columns * rows}, (_, i) => {
    const x = Math.floor((i % columns + 0.5) * step), y = Math.floor((Math.floor(i / columns) + 0.5) * step);
    return labels[y * width + x];
  });
  const room = roomIn(grid, columns, rows), seen = new Uint8Array(grid.length), found = [];
  for (let start = 0; start < grid.length; start++) {
    if (seen[start]) continue;
    const label = grid[start], stack = [start];
    let count = 0, best = start;
    seen[start] = 1;
    while (stack.length) {
      const at = stack.pop(), x = at % columns;
      count++;
      if (room[at] > room[best]) best = at;
      for (const next of [x > 0 ? at - 1 : -1, x < columns - 1 ? at + 1 : -1, at - columns, at + columns]) {
        if (next < 0 || next >= grid.length || seen[next] || grid[next] !== label) continue;
        seen[next] = 1;
        stack.push(next);
      }
    }
    if (count < REGION_SHARE * grid.length) continue;
    const row = Math.floor(best / columns) * columns;
    let left = best, right = best;
    while (left > row && grid[left - 1] === label) left--;
    while (right < row + columns - 1 && grid[right + 1] === label) right++;
    // In the middle of its row where it is wide, as a person would write it.
    const middle = Math.min(Math.max((left + right) / 2, best - room[best]), best + room[best]);
    found.push({label, x: (middle - row + 0.5) / columns, y: (best / columns - best % columns / columns + 0.5) / rows,
      run: 2 * Math.min(middle - left, right - middle) / columns, tall: 2 * room[best] / rows});
  }
  return found;
}

// Steps to the nearest other label or border, by two sweeps.
function roomIn(grid, columns, rows) {
  const room = new Float32Array(grid.length);
  const sweep = (from, to, by) => {
    for (let i = from; i !== to; i += by) {
      const x = i % columns, y = Math.floor(i / columns);
      if (x === 0 || y === 0 || x === columns - 1 || y === rows - 1) { room[i] = 0.5; continue; }
      let least = by > 0 ? Infinity : room[i];
      for (const [near, far] of [[i - by, 1], [i - by * columns, 1], [i - by * columns - by, 1.41], [i - by * columns + by, 1.41]]) {
        least = Math.min(least, grid[near] === grid[i] ? room[near] + far : 0.5);
      }
      room[i] = least;
    }
  };
  sweep(0, grid.length, 1);
  sweep(grid.length - 1, -1, -1);
  return room;
}

// Writes the names that fit, white with a dark rim, which is read on any color.
function drawNames(context, [wide, high], regions, nameOf, size) {
  context.save();
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textAlign = 'center'; context.textBaseline = 'middle'; context.lineJoin = 'round';
  const written = [];
  for (const {label, x, y, run, tall} of regions) {
    const name = nameOf(label);
    if (context.measureText(name).width > run * wide || tall * high < size) continue;
    context.lineWidth = size / 4; context.strokeStyle = 'rgb(12 14 20 / 0.88)';
    context.strokeText(name, x * wide, y * high);
    context.fillStyle = '#fff';
    context.fillText(name, x * wide, y * high);
    written.push(name);
  }
  context.restore();
  return written;
}
