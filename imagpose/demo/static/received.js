// What the server says of photographs: sentences are shown, photographs are handed to the editor.
// Gradio runs this text as a function of (element, trigger, props, server, upload, watch).
const list = document.createElement("ul");
list.className = "im-notes";
list.setAttribute("role", "alert");
element.replaceChildren(list);
document.addEventListener("imagpose:acted", () => list.replaceChildren()); // what it said is no longer so

watch("value", () => {
  const told = props.value;
  if (!told) return;
  if (told.photographs.length) document.dispatchEvent(new CustomEvent("imagpose:photographs", { detail: told }));
  document.dispatchEvent(new CustomEvent("imagpose:told", { detail: told.found })); // last: new figures are an act of the page
  list.replaceChildren(
    ...told.says.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence; // names of files are text, whatever they hold
      return item;
    }),
  );
});
