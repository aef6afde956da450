// A figure as a drawing, and a picture behind it.
function skeleton(figure, handles) {
  const [height, width] = figure.size;
  const under = photographs.get(figure.under);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid meet" });
  const fills = under && String(under.size) === String(figure.size);
  if (!fills) svg.append(draw("rect", { width, height, class: "im-ground" }));
  if (under) {
    const preserveAspectRatio = fills ? "none" : "xMidYMid meet";
    svg.append(draw("image", { href: under.image, width, height, preserveAspectRatio }));
  }
  svg.append(bonesOf(figure, handles));
  return svg;
}

function bonesOf(figure, handles) {
  // Limbs and joints; these can be moved where there are handles.
  const unit = Math.max(...figure.size) / 100;
  const bones = draw("g", { class: "im-bones" });
  const at = (number) => figure.keypoints[number].map((value) => value + 0.5);
  LIMBS.forEach(([a, b], number) => {
    if (!figure.keypoints[a] || !figure.keypoints[b]) return;
    const [[x1, y1], [x2, y2]] = [at(a), at(b)];
    const look = { stroke: COLOURS[number], "stroke-width": 1.6 * unit, "stroke-opacity": 0.7, "stroke-linecap": "round" };
    bones.append(draw("line", { x1, y1, x2, y2, ...look }));
  });
  NAMES.forEach((name, number) => {
    if (!figure.keypoints[number]) return;
    const [cx, cy] = at(number);
    const dot = draw("circle", { cx, cy, r: 1.3 * unit, fill: COLOURS[number], class: "im-dot" });
    if (!handles) return bones.append(dot);
    const [x, y] = figure.keypoints[number].map(Math.round);
    const handle = draw("g", {
      class: "im-joint", tabindex: 0, role: "button", "data-joint": number, "aria-roledescription": "joint",
      "aria-label": `${name}, at ${x} from the left and ${y} from the top`,
    }); // prettier-ignore
    handle.append(draw("circle", { cx, cy, r: 3.2 * unit, class: "im-reach" }), dot);
    handle.append(draw("title", {}, name));
    bones.append(handle);
  });
  return bones;
}
