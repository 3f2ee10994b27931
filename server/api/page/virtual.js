// A table of any length of which only the visible rows are in the document.
//
// Rows have one height. An element stays with its item (by `keyOf`) while that is visible, so focus and selection stay,
// too, when rows are inserted above. If `linked`, each row has a link (`.open`), one of which can be focused by Tab, and
// arrow keys, j, k, Page Up, Page Down, Home and End move between them.

import {h, setAttribute} from './dom.js';

const OVERSCAN = 6;
const SPARE_MAX = 30;
const PIXELS_MAX = 16_000_000;  // Browsers end at about twice as much.

export class VirtualTable {
  count = 0;
  range = [0, 0];
  #elements = new Map();  // Key -> row.
  #spare = [];
  #active = null;  // The key of the row that Tab leads to.
  #frame = 0;

  // columns: [{name, title}]. itemAt(position): null while it is not known. render(row, item): fills the cells. onRange:
  // called when other rows become visible.
  constructor({label, columns, rowHeight, itemAt, keyOf, render, linked = false, onRange = () => {}}) {
    Object.assign(this, {columns, rowHeight, itemAt, keyOf, render, linked, onRange});
    this.space = h('div', {class: 'space', role: 'presentation'});
    this.body = h('div', {class: 'rows', role: 'rowgroup', tabindex: linked ? null : 0, 'aria-label': label}, this.space);
    this.element = h('div', {class: 'table', role: 'table', 'aria-label': label},
        h('div', {role: 'rowgroup', class: 'head'},
          h('div', {role: 'row', 'aria-rowindex': 1}, columns.map(({name, title}) =>
              h('span', {role: 'columnheader', class: name}, title)))),
        this.body);
    this.body.addEventListener('scroll', () => this.update());
    if (linked) this.body.addEventListener('keydown', (event) => this.#onKey(event));
    this.observer = new ResizeObserver(() => this.update());
    this.observer.observe(this.body);
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  setCount(count) {
    this.count = Math.min(count, Math.floor(PIXELS_MAX / this.rowHeight));
    setAttribute(this.element, 'aria-rowcount', String(count + 1));
    const height = `${this.count * this.rowHeight}px`;
    if (this.space.style.height !== height) this.space.style.height = height;
    this.update();
  }

  // Rows were inserted above: what is seen stays where it is, unless that is the top.
  shift(rows) {
    if (this.body.scrollTop > this.rowHeight / 2) this.body.scrollTop += rows * this.rowHeight;
  }

  scrollToTop() {
    this.body.scrollTop = 0;
    this.#active = null;
  }

  // Draws with the next frame.
  update() {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const {scrollTop, clientHeight} = this.body;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - OVERSCAN);
    const last = Math.min(this.count, Math.ceil((scrollTop + clientHeight) / this.rowHeight) + OVERSCAN);
    const wanted = new Map();
    for (let position = first; position < last; ++position) wanted.set(this.#keyAt(position), position);
    // The focused row stays, however far it is scrolled away: else the focus would be lost.
    const focused = this.#keyOfElement(document.activeElement);
    for (const [key, row] of this.#elements) {
      if (wanted.has(key) || key === focused) continue;
      this.#elements.delete(key);
      row.remove();
      if (this.#spare.length < SPARE_MAX) this.#spare.push(row);
    }
    if (this.#active === null || (!wanted.has(this.#active) && this.#active !== focused)) {
      this.#active = first < last ? this.#keyAt(Math.min(last - 1, Math.ceil(scrollTop / this.rowHeight))) : null;
    }
    // In the order of the table, for those who hear it. Rows that stay keep their order, so the focused one is not moved.
    let next = this.space.firstElementChild;
    for (const [key, position] of wanted) {
      const row = this.#place(key, position);
      while (next !== null && next !== row && !wanted.has(next.key)) next = next.nextElementSibling;
      if (next === row) next = next.nextElementSibling;
      else this.space.insertBefore(row, next);
    }
    if (first !== this.range[0] || last !== this.range[1]) {
      this.range = [first, last];
      this.onRange(first, last);
    }
  }

  #place(key, position) {
    let row = this.#elements.get(key);
    if (row === undefined) {
      row = this.#spare.pop() ?? this.#create();
      row.key = key;
      this.#elements.set(key, row);
    }
    if (row.position !== position) {
      row.position = position;
      row.style.transform = `translateY(${position * this.rowHeight}px)`;
      setAttribute(row, 'aria-rowindex', String(position + 2));
    }
    const item = this.itemAt(position);
    row.classList.toggle('unknown', item === null);
    this.render(row, item);
    if (this.linked) setAttribute(row.querySelector('.open'), 'tabindex', key === this.#active ? '0' : '-1');
    return row;
  }

  #create() {
    const row = h('div', {role: 'row', class: 'row'}, this.columns.map(({name, create}) =>
        h('span', {role: 'cell', class: name}, create?.())));
    row.cells = Object.fromEntries(this.columns.map(({name}, i) => [name, row.children[i]]));
    row.style.height = `${this.rowHeight}px`;
    return row;
  }

  #keyAt(position) {
    const item = this.itemAt(position);
    return item === null ? position : this.keyOf(item);
  }

  #keyOfElement(element) {
    return element !== null && this.space.contains(element) ? element.closest('.row')?.key : undefined;
  }

  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.body.clientHeight / this.rowHeight) - 1);
    const steps = {ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: page, PageUp: -page,
                   Home: -Infinity, End: Infinity};
    if (!Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    const now = this.#elements.get(this.#active)?.position ?? 0;
    this.focus(Math.max(0, Math.min(this.count - 1, now + steps[event.key])));
  }

  focus(position) {
    if (this.count === 0) return;
    const top = position * this.rowHeight;
    const {scrollTop, clientHeight} = this.body;
    if (top < scrollTop) this.body.scrollTop = top;
    else if (top + this.rowHeight > scrollTop + clientHeight) this.body.scrollTop = top + this.rowHeight - clientHeight;
    this.#active = this.#keyAt(position);
    this.#draw();
    this.#elements.get(this.#active)?.querySelector('.open').focus({preventScroll: true});
  }
}
