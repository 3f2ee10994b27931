// Makes elements. Texts from jobs are hostile: they become text nodes and attribute values, never
// markup. There is no way to markup here, and tests/end_to_end/page_test.py checks that none is used.

// `properties`: `class`, `on<event>` for listeners, any attribute; null, undefined and false leave
// an attribute out. `children`: nodes, texts, arrays of them; null and false are left out.
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.flat(Infinity).filter(
      (child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Sets the text if it differs, so that a screen reader and the layout are not told for nothing.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// The status words of bide, each with a shape, because colour is not for everybody.
const SHAPES = {
  submitted: '○', processing: '◐', completed: '✓', failed: '✕', skipped: '⤼', partial_failure: '◬',
  acknowledged: '◔', started: '◐', retried: '↻', progress: '◐',
};

export const STATUSES =
    ['processing', 'failed', 'partial_failure', 'submitted', 'completed', 'skipped'];

export const wordOf = (status) => String(status ?? '').replaceAll('_', ' ');

export function statusMark(status) {
  const mark = h('span', {class: 'status'}, h('span', {class: 'shape', 'aria-hidden': 'true'}),
                 h('span', {class: 'word'}));
  setStatus(mark, status);
  return mark;
}

export function setStatus(mark, status) {
  const known = Object.hasOwn(SHAPES, status) ? status : 'unknown';
  setAttribute(mark, 'data-status', known);
  setText(mark.firstChild, SHAPES[status] ?? '?');
  setText(mark.lastChild, wordOf(status) || 'no event');
}

// A button that copies what `text()` returns, and says so.
export function copyButton(label, text, description) {
  const button = h('button', {type: 'button', class: 'copy', 'aria-label': description}, label);
  let again = 0;
  button.addEventListener('click', async () => {
    const done = await copy(text());
    clearTimeout(again);
    button.classList.toggle('copied', done);
    button.textContent = done ? 'Copied' : 'Press Ctrl+C';
    announce(done ? 'Copied' : 'Copying is not allowed here');
    again = setTimeout(() => {
      button.classList.remove('copied');
      button.textContent = label;
    }, 1500);
  });
  return button;
}

// Pages that came over plain HTTP from another machine have no clipboard; an old way remains.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', {class: 'off-screen', 'aria-hidden': 'true', tabindex: '-1'});
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return done;
  }
}

// Tells a screen reader.
export function announce(text) {
  const region = document.getElementById('announcer');
  if (region) setText(region, text);
}
