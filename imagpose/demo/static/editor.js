// The pose editor: photographs of the person, poses to draw, and the one of them whose joints are being moved.
// Gradio runs dom.js, figures.js, skeleton.js and this file, one after the other, as the body of one function of
// (element, trigger, props, server, upload, watch). props.value is what the server gets:
// {photographs: [{id, pose}], poses: [{size, keypoints, truth}], known: [id]}, a pose as a pose file holds it.

const groups = { photograph: make("ul", { class: "im-strip" }), pose: make("ul", { class: "im-strip" }) };
const stage = make("div", { class: "im-stage" });
const tools = make("div", { class: "im-tools", role: "toolbar", "aria-label": "Change the figure" });
const shown = make("fieldset", { class: "im-shown" });
const status = make("p", { class: "im-status", role: "status" });
const add = make("select", { class: "im-select", "aria-label": "Add a pose", onchange: added });
const heading = make("h3", { class: "im-title" });
const details = make("details", {}, make("summary", {}, "Joints that are seen"), shown);
const work = make("section", { class: "im-work", "aria-label": "The figure" }, heading, stage, tools, status, details);
const choices = make("div", { class: "im-head" }, make("h2", {}, "Poses to draw"), add);
element.replaceChildren(
  make(
    "div", { class: "im-groups" },
    make("section", { class: "im-group", "aria-label": "Photographs" }, make("h2", {}, "Photographs"), groups.photograph),
    make("section", { class: "im-group", "aria-label": "Poses to draw" }, choices, groups.pose),
  ), // prettier-ignore
  work,
);

function say(sentence) {
  status.textContent = sentence;
}

document.addEventListener("imagpose:acted", () => say(""));

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
    button(is ? "Copy to poses" : "Duplicate", copy),
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

function showStage() {
  // Where nothing but joints changed the picture behind them stays: a new one would flicker.
  const figure = figures[selected];
  const focused = stage.contains(document.activeElement) ? joint : null;
  const shows = JSON.stringify([selected, figure.under, figure.size, title(selected)]);
  if (stage.dataset.shows === shows) {
    stage.querySelector(".im-bones").replaceWith(bonesOf(figure, true));
  } else {
    stage.replaceChildren(skeleton(figure, true));
    stage.dataset.shows = shows;
  }
  heading.textContent = title(selected);
  if (focused !== null) stage.querySelector(`[data-joint="${focused}"]`)?.focus();
}

function show() {
  const boxed = [...shown.querySelectorAll("input")].indexOf(document.activeElement);
  const tool = [...tools.children].indexOf(document.activeElement);
  showStrips();
  showChoices();
  work.hidden = !figures.length;
  if (figures.length) {
    showStage();
    showTools();
    showJoints();
    // What had the focus was made anew.
    if (boxed >= 0) shown.querySelectorAll("input")[boxed].focus();
    if (tool >= 0) tools.children[Math.min(tool, tools.children.length - 1)].focus();
  }
  send();
}

function send() {
  const wire = ({ size, keypoints }) => ({ size, keypoints });
  props.value = structuredClone({
    photographs: figures.filter((one) => one.kind === "photograph").map((one) => ({ id: one.photo, pose: wire(one) })),
    poses: figures.filter((one) => one.kind === "pose").map((one) => ({ ...wire(one), truth: one.truth })),
    known: [...photographs.keys()], // one that is known and not shown was removed; one that is not known is on its way
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
  acted(); // now, for a sentence that goes lets the figure move up
  const drag = `drag ${number} ${event.timeStamp}`;
  const [startX, startY] = spot(event);
  const [fromX, fromY] = figures[selected].keypoints[number];
  const move = (to) => {
    const [x, y] = spot(to);
    change(() => place(figures[selected], number, fromX + x - startX, fromY + y - startY), drag, showStage);
  };
  const end = () => {
    window.removeEventListener("pointermove", move);
    moving = null;
    show();
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
    const left = [...stage.querySelectorAll("[data-joint]")];
    (left.find((node) => Number(node.dataset.joint) > number) ?? left.at(-1))?.focus(); // the next one takes the focus
  }
});

show();
