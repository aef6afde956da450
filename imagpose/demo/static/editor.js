// The pose editor: photographs of the person, poses to draw, and the one of them whose joints are being moved.
// Gradio runs this text as a function of (element, trigger, props, server, upload, watch). props.value is what the
// server gets: {photographs: [{id, pose}], poses: [{size, keypoints, truth}]}, a pose as a pose file holds it.
const { joints: NAMES, limbs: LIMBS, colours: COLOURS, mirror: MIRROR } = props.skeleton;
const SVG = "http://www.w3.org/2000/svg";
const MOST_UNDONE = 200;

// State ---------------------------------------------------------------------------------------------------------------
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

function change(edit, what = null) {
  if (!what || what !== moving) undone = [...undone, now()].slice(-MOST_UNDONE);
  moving = what;
  edit();
  selected = Math.max(0, Math.min(selected, figures.length - 1));
  show();
}

function undo() {
  if (!undone.length) return;
  ({ figures, selected } = undone.pop());
  moving = null;
  show();
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

function ofPhotograph(id, person = 0) {
  const { name, size, people } = photographs.get(id);
  return { kind: "pose", name, truth: id, under: id, size, keypoints: structuredClone(people[person].keypoints) };
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

// What is seen --------------------------------------------------------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function draw(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function skeleton(figure, handles) {
  // The frame with what lies under it; joints can be moved where there are handles.
  const [height, width] = figure.size;
  const unit = Math.max(height, width) / 100;
  const under = photographs.get(figure.under);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid meet" });
  const fills = under && String(under.size) === String(figure.size);
  if (!fills) svg.append(draw("rect", { width, height, class: "im-ground" }));
  if (under) {
    const preserveAspectRatio = fills ? "none" : "xMidYMid meet";
    svg.append(draw("image", { href: under.image, width, height, preserveAspectRatio }));
  }
  const at = (number) => figure.keypoints[number].map((value) => value + 0.5);
  LIMBS.forEach(([a, b], number) => {
    if (!figure.keypoints[a] || !figure.keypoints[b]) return;
    const [[x1, y1], [x2, y2]] = [at(a), at(b)];
    const look = { stroke: COLOURS[number], "stroke-width": 1.6 * unit, "stroke-opacity": 0.7, "stroke-linecap": "round" };
    svg.append(draw("line", { x1, y1, x2, y2, ...look }));
  });
  NAMES.forEach((name, number) => {
    if (!figure.keypoints[number]) return;
    const [cx, cy] = at(number);
    const dot = draw("circle", { cx, cy, r: 1.3 * unit, fill: COLOURS[number], class: "im-dot" });
    if (!handles) return svg.append(dot);
    const [x, y] = figure.keypoints[number].map(Math.round);
    const handle = draw("g", {
      class: "im-joint", tabindex: 0, role: "button", "data-joint": number, "aria-roledescription": "joint",
      "aria-label": `${name}, at ${x} from the left and ${y} from the top`,
    }); // prettier-ignore
    handle.append(draw("circle", { cx, cy, r: 3.2 * unit, class: "im-reach" }), dot);
    handle.append(draw("title", {}, name));
    svg.append(handle);
  });
  return svg;
}

const groups = { photograph: make("ul", { class: "im-strip" }), pose: make("ul", { class: "im-strip" }) };
const stage = make("div", { class: "im-stage" });
const tools = make("div", { class: "im-tools", role: "toolbar", "aria-label": "Change the figure" });
const shown = make("fieldset", { class: "im-shown" });
const status = make("p", { class: "im-status", role: "status" });
const add = make("select", { class: "im-select", "aria-label": "Add a pose", onchange: added });
const heading = make("h3", { class: "im-title" });
element.replaceChildren(
  make("section", { class: "im-group", "aria-label": "Photographs" }, make("h2", {}, "Photographs"), groups.photograph),
  make(
    "section", { class: "im-group", "aria-label": "Poses to draw" },
    make("div", { class: "im-head" }, make("h2", {}, "Poses to draw"), add), groups.pose,
  ), // prettier-ignore
  make("section", { class: "im-work", "aria-label": "The figure" }, heading, stage, tools, status,
    make("details", {}, make("summary", {}, "Joints that are seen"), shown)), // prettier-ignore
);

function say(sentence) {
  status.textContent = sentence;
}

function title(index) {
  const { kind, name } = figures[index];
  const number = figures.slice(0, index + 1).filter((one) => one.kind === kind).length;
  return `${kind === "photograph" ? "Photograph" : "Pose"} ${number}: ${name}`;
}

function button(text, act, options = {}) {
  return make("button", { type: "button", class: "im-button", onclick: act, ...options }, text);
}

function showStrips() {
  for (const [kind, strip] of Object.entries(groups)) {
    const items = figures.map((figure, index) => {
      if (figure.kind !== kind) return null;
      const label = make("span", { class: "im-name" }, figure.name);
      const choose = () => {
        [selected, joint, moving] = [index, null, null];
        show();
        strip.querySelector("[aria-pressed=true]")?.focus();
      };
      const look = { class: "im-thumb", "aria-pressed": String(index === selected), "aria-label": title(index) };
      return make("li", {}, button("", choose, { ...look, title: figure.name }));
    });
    strip.replaceChildren(...items.filter(Boolean));
    figures.filter((figure) => figure.kind === kind).forEach((figure, place) => {
      strip.children[place].firstChild.append(skeleton(figure, false), make("span", { class: "im-name" }, figure.name));
    });
    if (!strip.children.length) {
      const hint = kind === "photograph" ? "None yet: choose a file above, or try a mannequin." : "None: add one here.";
      strip.append(make("li", { class: "im-hint" }, hint));
    }
  }
}

function showChoices() {
  const group = (label, options) => (options.length ? [make("optgroup", { label }, ...options)] : []);
  const taken = [...new Set(figures.map((one) => one.photo ?? one.truth ?? one.under))].filter((id) => photographs.has(id));
  add.replaceChildren(
    make("option", { value: "" }, "Add a pose…"),
    ...group("Presets", props.presets.map(({ name }, i) => make("option", { value: `preset ${i}` }, name))),
    ...group("From a photograph", taken.filter((id) => photographs.get(id).people.length).map((id) =>
      make("option", { value: `photograph ${id}` }, photographs.get(id).name))),
  ); // prettier-ignore
}

function added() {
  const [kind, which] = add.value.split(" ");
  if (!kind) return;
  change(() => {
    figures.push(kind === "preset" ? structuredClone(pose(props.presets[Number(which)])) : ofPhotograph(which));
    [selected, joint] = [figures.length - 1, null];
  });
  say("Added.");
}

function showTools() {
  const figure = figures[selected];
  const is = figure.kind === "photograph";
  const people = is ? photographs.get(figure.photo).people : [];
  const seen = joint !== null && figure.keypoints[joint];
  const parts = [
    button("Mirror", () => change(() => mirrored(figure)), { disabled: is }),
    button("Undo", undo, { disabled: !undone.length, class: "im-button im-undo" }),
    button(seen ? `Hide ${NAMES[joint]}` : "Hide joint", () => hideJoint(), { disabled: !seen }),
    button(is ? "Draw this pose" : "Duplicate", copy),
    button("Remove", remove, { class: "im-button im-remove" }),
  ];
  if (people.length > 1) {
    const options = people.map((_, i) => make("option", { value: i, selected: i === figure.person }, `Person ${i + 1}`));
    const choose = (event) => change(() => {
      figure.person = Number(event.target.value);
      figure.keypoints = structuredClone(people[figure.person].keypoints);
    }); // prettier-ignore
    parts.push(make("select", { class: "im-select", "aria-label": "Who is drawn", onchange: choose }, ...options));
  }
  if (!is && photographs.size) {
    const options = [...photographs].map(([id, { name }]) =>
      make("option", { value: id, selected: id === figure.under }, `over ${name}`)); // prettier-ignore
    const choose = (event) => change(() => (figure.under = event.target.value || null));
    const none = make("option", { value: "", selected: !figure.under }, "over nothing");
    parts.push(make("select", { class: "im-select", "aria-label": "Shown behind", onchange: choose }, none, ...options));
  }
  tools.replaceChildren(...parts);
}

function showJoints() {
  const figure = figures[selected];
  const boxes = NAMES.map((name, number) => {
    const toggle = () => change(() => (figure.keypoints[number] ? hide : reveal)(figure, number));
    const box = make("input", { type: "checkbox", checked: Boolean(figure.keypoints[number]), onchange: toggle });
    return make("label", {}, box, ` ${name}`);
  });
  shown.replaceChildren(make("legend", { class: "im-unseen" }, "Joints that are seen"), ...boxes);
}

function show() {
  const focused = stage.contains(document.activeElement) ? joint : null;
  const boxed = [...shown.querySelectorAll("input")].indexOf(document.activeElement);
  const tool = [...tools.children].indexOf(document.activeElement);
  showStrips();
  showChoices();
  const some = figures.length > 0;
  element.querySelector(".im-work").hidden = !some;
  if (some) {
    heading.textContent = title(selected);
    const svg = skeleton(figures[selected], true);
    svg.setAttribute("aria-label", title(selected));
    svg.setAttribute("role", "group");
    stage.replaceChildren(svg);
    showTools();
    showJoints();
    // What had the focus was made anew.
    if (focused !== null) stage.querySelector(`[data-joint="${focused}"]`)?.focus();
    if (boxed >= 0) shown.querySelectorAll("input")[boxed].focus();
    if (tool >= 0) tools.children[Math.min(tool, tools.children.length - 1)].focus();
  }
  const wire = ({ size, keypoints }) => ({ size, keypoints });
  props.value = structuredClone({
    photographs: figures.filter((one) => one.kind === "photograph").map((one) => ({ id: one.photo, pose: wire(one) })),
    poses: figures.filter((one) => one.kind === "pose").map((one) => ({ ...wire(one), truth: one.truth })),
  });
}

// What is done --------------------------------------------------------------------------------------------------------

function hideJoint() {
  const name = NAMES[joint];
  change(() => hide(figures[selected], joint));
  joint = null;
  showTools();
  say(`${name} is hidden; “Joints that are seen” brings it back.`);
}

function copy() {
  const figure = figures[selected];
  const truth = figure.kind === "photograph" ? unmoved(figure) : figure.truth;
  change(() => {
    const { name, under, size, keypoints } = structuredClone(figure);
    figures.push({ kind: "pose", name, truth, under, size, keypoints });
    selected = figures.length - 1;
  });
  say("It is among the poses to draw.");
}

function unmoved(figure) {
  const found = photographs.get(figure.photo).people[figure.person];
  return found && JSON.stringify(found.keypoints) === JSON.stringify(figure.keypoints) ? figure.photo : null;
}

function remove() {
  const name = title(selected);
  change(() => figures.splice(selected, 1));
  say(`${name} is removed; Undo brings it back.`);
}

function touched(number) {
  joint = number;
  showTools();
}

function spot(event) {
  const svg = stage.querySelector("svg");
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [x - 0.5, y - 0.5];
}

const numbered = (event) => {
  const found = event.target.closest?.("[data-joint]");
  return found ? Number(found.dataset.joint) : null;
};

stage.addEventListener("focusin", (event) => numbered(event) !== null && touched(numbered(event)));

stage.addEventListener("pointerdown", (event) => {
  const number = numbered(event);
  if (number === null || event.button) return;
  event.preventDefault();
  stage.querySelector(`[data-joint="${number}"]`).focus();
  const drag = `drag ${number} ${event.timeStamp}`;
  const [startX, startY] = spot(event);
  const [fromX, fromY] = figures[selected].keypoints[number];
  const move = (to) => {
    const [x, y] = spot(to);
    change(() => place(figures[selected], number, fromX + x - startX, fromY + y - startY), drag);
  };
  const end = () => {
    window.removeEventListener("pointermove", move);
    moving = null;
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end, { once: true });
  window.addEventListener("pointercancel", end, { once: true });
});

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

element.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    return undo();
  }
  const number = numbered(event);
  if (number === null) return;
  const figure = figures[selected];
  if (ARROWS[event.key]) {
    event.preventDefault();
    const unit = (Math.max(...figure.size) / 100) * (event.shiftKey ? 5 : 1);
    const [x, y] = figure.keypoints[number];
    const [right, down] = ARROWS[event.key];
    change(() => place(figure, number, x + right * unit, y + down * unit), `keys ${selected} ${number}`);
    say(`${NAMES[number]}: ${figure.keypoints[number].map(Math.round).join(", ")}`);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    hideJoint();
  }
});

show();
