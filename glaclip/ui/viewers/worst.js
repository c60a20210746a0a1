// The longest cut that a window's edge makes on the left and not on the right.
const CUT_REACH = 0.012;  // of the longer side: labels wander by a few pixels along one cut
const CUT_GAP = 0.03;  // closed within a cut
const CUT_SHARE = 0.6;  // of the frame that a cut takes when it is looked at
const CUT_ZOOM = 3.5;

// labels: two maps of this size, row by row; edges: {rows, columns}. Gives where to look, {u, v, scale} with shares of the
// picture, or null where no edge cuts anything.
function worstSeam(labels, edges, width, height) {
  const long = Math.max(width, height), reach = Math.max(2, Math.round(CUT_REACH * long)), gap = CUT_GAP * long;
  const at = (map, across, line, i) => across ? map[line * width + i] : map[i * width + line];
  // Both sides of an edge at the place i of it, in a map: whether they differ.
  const differ = (map, across, line, i) => {
    const last = (across ? height : width) - 1;
    return at(map, across, Math.max(0, line - reach), i) !== at(map, across, Math.min(last, line + reach), i);
  };
  const [left, right] = labels;
  const longest = (cut) => {
    let best = null;
    for (const across of [true, false]) for (const edge of across ? edges.rows : edges.columns) {
      const line = Math.round(edge), end = across ? width : height;
      for (let i = 0, start = -1, stop = -1; i <= end; i++) {
        if (i < end && cut(across, line, i)) { if (start < 0) start = i; stop = i + 1; }
        if (start < 0 || (i < end && i - stop < gap)) continue;
        if (stop - start > (best?.length ?? 0)) best = {length: stop - start, x: across ? (start + stop) / 2 : line, y: across ? line : (start + stop) / 2};
        start = -1;
      }
    }
    return best;
  };
  const found = longest((...place) => differ(left, ...place) && !(right && differ(right, ...place))) ?? longest((...place) => differ(left, ...place));
  return found && {u: found.x / width, v: found.y / height, scale: Math.min(CUT_ZOOM, CUT_SHARE * long / found.length)};
}
