// The figures of the page and what can be done to them: nothing here is seen. show() of editor.js follows every change.
const { joints: NAMES, limbs: LIMBS, colours: COLOURS, mirror: MIRROR } = props.skeleton;
const MOST_UNDONE = 200;

// A figure is {kind: "photograph" | "pose", name, photo, person, truth, size, keypoints, under}: photo is the id of a
// photograph, truth that of the one whose pose it still is, under that of the one that is shown behind it.

const photographs = new Map(); // id → {name, image, size, people}; never sent back
let figures = [pose(props.presets[1])];
let selected = 0;
let joint = null; // the number of the joint that was last touched
let undone = []; // older states, the last one last
let moving = null; // what is being moved without a pause, so that it is undone at once

function pose(preset) {
  return { kind: "pose", name: preset.name, truth: null, under: null, size: preset.size, keypoints: preset.keypoints };
}

function now() {
  return structuredClone({ figures, selected });
}

function change(edit, what = null, after = show) {
  if (!what || what !== moving) undone = [...undone, now()].slice(-MOST_UNDONE);
  moving = what;
  edit();
  selected = Math.max(0, Math.min(selected, figures.length - 1));
  after();
  acted();
}

function acted() {
  // What was said before need not be so any more: each part of the page takes its sentences back.
  document.dispatchEvent(new CustomEvent("imagpose:acted"));
}

function undo() {
  if (!undone.length) return;
  ({ figures, selected } = undone.pop());
  moving = null;
  show();
  acted();
  say("Undone.");
}

function moved(figure) {
  if (figure.kind === "pose") figure.truth = null; // no longer the pose of that photograph
}

function place(figure, number, x, y) {
  const [height, width] = figure.size;
  const inside = (value, most) => Math.round(Math.max(0, Math.min(value, most - 0.01)) * 100) / 100;
  figure.keypoints[number] = [inside(x, width), inside(y, height)];
  moved(figure);
}

function hide(figure, number) {
  figure.keypoints[number] = null;
  moved(figure);
}

function reveal(figure, number) {
  // Beside a joint that it is connected with, where there is one.
  const [height, width] = figure.size;
  const next = LIMBS.filter((limb) => limb.includes(number)).map(([a, b]) => (a === number ? b : a));
  const near = next.map((one) => figure.keypoints[one]).find(Boolean);
  place(figure, number, ...(near ? [near[0] + 0.05 * width, near[1] + 0.05 * height] : [width / 2, height / 2]));
}

function mirrored(figure) {
  const width = figure.size[1];
  const from = figure.keypoints;
  figure.keypoints = MIRROR.map((other) => from[other] && [Math.max(0, width - 1 - from[other][0]), from[other][1]]);
  moved(figure);
}

function ofPhotograph(id) {
  const { name, size, people } = photographs.get(id);
  return { kind: "pose", name, truth: id, under: id, size, keypoints: structuredClone(people[0].keypoints) };
}

function fitted(keypoints, from, to) {
  // A standing figure in the middle of another frame.
  const scale = Math.min(to[0] / from[0], to[1] / from[1]);
  const [top, left] = [0, 1].map((axis) => (to[axis] - scale * from[axis]) / 2);
  return keypoints.map((point) => point && [left + scale * point[0], top + scale * point[1]]);
}

document.addEventListener("imagpose:photographs", (event) => {
  if (!element.isConnected) return;
  const { photographs: arrived, anew } = event.detail;
  change(() => {
    if (anew) figures = [];
    let last = figures.length;
    for (const { id, name, image, size, people, role } of arrived) {
      photographs.set(id, { name, image, size, people });
      if (role === "pose") {
        figures.push(ofPhotograph(id));
        last = figures.length - 1;
        continue;
      }
      const standing = props.presets[0];
      const keypoints = people.length ? people[0].keypoints : fitted(standing.keypoints, standing.size, size);
      last = figures.filter((one) => one.kind === "photograph").length;
      const figure = { kind: "photograph", name, photo: id, person: 0, under: id, size };
      figures.splice(last, 0, { ...figure, keypoints: structuredClone(keypoints) });
    }
    selected = anew ? 0 : last;
    joint = null;
  });
});

document.addEventListener("imagpose:forgotten", () => {
  // Another server's photographs are of no use: the poses stay.
  photographs.clear();
  figures = figures.filter((one) => one.kind === "pose").map((one) => ({ ...one, under: null, truth: null }));
  [selected, joint, undone, moving] = [0, null, [], null];
  show();
});
