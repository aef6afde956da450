// What came of a drawing, or how far it is: props.value is {state, says, …}, see imagpose/demo/drawing.py.
// Gradio runs it after dom.js, as the body of one function of (element, trigger, props, server, upload, watch).
const status = make("p", { class: "im-status", role: "status" });
const bar = make("progress", { class: "im-progress", "aria-label": "Steps taken" });
const pictures = make("div", { class: "im-pictures" });
const end = make("div", { class: "im-end" });
element.replaceChildren(make("section", { "aria-label": "Results" }, make("h2", {}, "Results"), status, bar, pictures, end));

function picture(told, number) {
  // The picture large, its pose and, where it is known, the truth small beside it.
  const figure = (image, caption, kind) =>
    make("figure", { class: kind }, ...(image ? [make("img", { src: image, alt: `${caption} ${number}` })] : []),
      make("figcaption", {}, caption)); // prettier-ignore
  const main = figure(told.image, told.name ? "drawn" : "being drawn", "im-drawn");
  const beside = make("div", { class: "im-beside" }, figure(told.pose, "pose", "im-small"));
  if (told.truth) beside.append(figure(told.truth, "truth", "im-small"));
  const card = make("article", { class: "im-card", "aria-label": `Picture ${number}` }, main, beside);
  if (told.name) {
    card.append(make("a", { class: "im-button", download: told.name, href: told.image, "aria-label": `Save picture ${number}` }, "Save"));
  }
  return card;
}

function archive(address) {
  // A blob, as browsers refuse to save data addresses of some megabytes.
  const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
  const save = make("a", { href: URL.createObjectURL(new Blob([bytes], { type: "application/zip" })), download: "imagpose.zip" });
  save.click();
  setTimeout(() => URL.revokeObjectURL(save.href), 10000);
}

async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(element.querySelector(".im-command")); // where there is no clipboard
    button.textContent = "Selected";
  }
}

function show(told) {
  const { state, says = "", taken = 0, steps = 1 } = told || { state: "idle", says: "Nothing is drawn yet." };
  status.textContent = state === "drawing" ? `Step ${taken} of ${steps}` : says;
  status.classList.toggle("im-refused", state === "refused");
  bar.hidden = state !== "drawing" && state !== "waiting";
  if (state === "waiting") bar.removeAttribute("value");
  else [bar.max, bar.value] = [steps, taken];
  if (told?.pictures) pictures.replaceChildren(...told.pictures.map((one, i) => picture(one, i + 1)));
  else if (state !== "waiting") pictures.replaceChildren();
  end.replaceChildren();
  if (state !== "done") return;
  const copy = make("button", { type: "button", class: "im-button", onclick: () => copied(told.command, copy) }, "Copy");
  const all = make("button", { type: "button", class: "im-button", onclick: () => archive(told.archive) }, "Save all (zip)");
  end.append(
    all,
    make("p", { class: "im-status" }, "The zip holds the pictures, photographs and pose files. Unpacked in the folder in which the page was started, this draws them again there:"),
    make("div", { class: "im-copy" }, make("pre", { class: "im-command", tabindex: 0, "aria-label": "Command" }, told.command), copy),
  );
}

show(props.value);
watch("value", () => {
  show(props.value);
  if (props.value?.state === "drawing") document.dispatchEvent(new CustomEvent("imagpose:acted"));
});
document.addEventListener("imagpose:acted", () => props.value?.state === "refused" && show(null));
