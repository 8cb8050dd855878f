/**
 * Makes the tables of a page sortable and long ones filterable, in place; without it they are whole. What
 * stands behind a row goes with it, and cells without a value stay last.
 */
export const tableScript = `(() => {
  const nothing = /^[\\u2013]?$/;
  const rowsOf = body => {
    const groups = [];
    for (const row of body.rows) {
      if (row.classList.contains('more') && groups.length > 0) groups.at(-1).push(row);
      else groups.push([row]);
    }
    return groups;
  };
  const textIn = (group, column) => group[0].cells[column]?.textContent.trim() ?? '';
  const numberIn = text => Number.parseFloat(text.replace(/^[^\\d-]*/, '').replace(/ (?=\\d{3})/g, ''));
  const isNumber = text => nothing.test(text) || /^[<=~\\u2265 ]*-?\\d/.test(text);
  const sort = (table, head, column) => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = table.tBodies[0];
    const keyed = rowsOf(body).map(group => ({ group, text: textIn(group, column) }));
    const numeric = keyed.every(({ text }) => isNumber(text));
    const order = (a, b) =>
      numeric ? numberIn(a.text) - numberIn(b.text) : a.text.localeCompare(b.text, 'en', { numeric: true });
    const known = keyed.filter(({ text }) => !nothing.test(text)).sort(order);
    if (down) known.reverse();
    const unknown = keyed.filter(({ text }) => nothing.test(text));
    body.append(...[...known, ...unknown].flatMap(({ group }) => group));
  };
  const filter = (table, wanted) => {
    const words = wanted.toLowerCase().split(/\\s+/);
    for (const group of rowsOf(table.tBodies[0])) {
      const text = group.map(row => row.textContent).join(' ').toLowerCase();
      for (const row of group) row.hidden = !words.every(word => text.includes(word));
    }
  };
  for (const table of document.querySelectorAll('main .scroll > table')) {
    const count = rowsOf(table.tBodies[0]).length;
    if (count < 3) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      button.addEventListener('click', () => sort(table, head, column));
      head.append(button);
    });
    if (count < 8) continue;
    const input = document.createElement('input');
    input.type = 'search';
    input.className = 'filter';
    input.placeholder = 'filter rows';
    input.setAttribute('aria-label', 'Filter: ' + table.getAttribute('aria-label'));
    input.addEventListener('input', () => filter(table, input.value.trim()));
    table.parentElement.before(input);
  }
})();`;
