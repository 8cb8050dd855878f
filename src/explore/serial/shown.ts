import type { Fact } from './facts.ts';
import type { Difference } from './finding.ts';
import type { MaskedFact } from './masks.ts';

const valueCharactersMax = 60;
const listedMax = 4;

/** A fact as people see it. */
export function shownFact(what: Difference['what']): (one: MaskedFact) => Difference {
  return ({ fact }) => ({ place: fact.place, what, text: factText(fact) });
}

function factText({ cells, gone, sort }: Fact): string {
  const parts = cells.flatMap(({ column, value }) => {
    if (value === null) return [];
    const flat = value.replace(/\s+/g, ' ');
    const cut = flat.length > valueCharactersMax;
    const shown = cut ? `${flat.slice(0, valueCharactersMax - 1)}…` : flat;
    const plain = sort === 'answer' && /^(status|threw|returned|body|end)$/.test(column);
    return [plain ? shown : `${column}=${shown}`];
  });
  const text = parts.join(' ');
  return gone ? `without ${text}` : text;
}

/** The first few of them as one clause. */
export function differencesText(differences: readonly Difference[]): string {
  const told = differences.filter(({ text, what }) => !(what === 'missing' && text === 'nothing'));
  const parts = told.slice(0, listedMax).map(({ place, what, text }) => {
    const verb = what === 'extra' ? '' : 'missing ';
    return `${verb}${place}: ${text}`;
  });
  const more = told.length - listedMax;
  return [...parts, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
