// Elements without innerHTML: whatever a name or a file holds, it becomes text.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) element.append(child); // append makes text nodes of strings
  }
  return element;
}

function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

// A number as it is read, with all its digits in data-value.
function shown(number, digits = 3) {
  return Number.isFinite(number) ? String(Number(number.toFixed(digits))) : "-";
}

function show(element, number, digits = 3) {
  element.textContent = shown(number, digits);
  element.dataset.value = String(number);
}

function legendEntry(drawing, text) {
  return html("span", {}, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, drawing), text);
}
