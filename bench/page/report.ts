/**
 * The model of a report: sections of text, tables and lists. Every instrument describes its report with
 * it; `html.ts`, `markdown.ts` and `csv.ts` render it. Text is plain: the renderers escape it.
 */
import type { Chart } from './chart.ts';
import type { Ecdf } from './ecdf.ts';
import type { Form } from './form.ts';
import type { Strips } from './strips.ts';
import type { Tradeoff } from './tradeoff.ts';

export interface Report {
  readonly title: string;
  /** The result in one sentence. */
  readonly answer?: string;
  /** What follows from it, in a few lines more: with the answer all that a first screen has to say. */
  readonly lines?: readonly string[];
  /** In one line below the answer. */
  readonly facts?: readonly Fact[];
  /** What a reader must know before any figure. */
  readonly warnings?: readonly string[];
  readonly sections: readonly Section[];
  readonly footer?: string;
}

/** A name and its value. */
export type Fact = readonly [name: string, value: string];

export interface Section {
  readonly title: string;
  /** The link in the navigation, and the id; the title if absent. Null: no link. */
  readonly link?: string | null;
  readonly blocks: readonly Block[];
}

/** A plain string is a paragraph. */
export type Block =
  | string
  | Table
  | Fold
  /** A paragraph in small print. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[] }
  /** A line of code after its label. */
  | { readonly kind: 'code'; readonly label: string; readonly text: string }
  /** Text whose line breaks and spaces count. */
  | { readonly kind: 'preformatted'; readonly text: string }
  /** Only in HTML: Markdown and CSV have the figures in the table. */
  | { readonly kind: 'chart'; readonly chart: Chart }
  /** Only in HTML, as above. */
  | { readonly kind: 'tradeoff'; readonly tradeoff: Tradeoff }
  | { readonly kind: 'ecdf'; readonly ecdf: Ecdf }
  /** Only in HTML; at most one on a page. Elsewhere stands what to do instead. */
  | { readonly kind: 'form'; readonly form: Form }
  | { readonly kind: 'strips'; readonly strips: Strips };

export interface Table {
  readonly kind: 'table';
  /** For readers who cannot see it. */
  readonly caption: string;
  /** `matrix`: narrow columns of marks; `wide`: two columns of sentences. */
  readonly look?: 'matrix' | 'wide';
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface Column {
  readonly title: string;
  /**
   * `number`: aligned to the right. `verdict` and `mark`: start with a symbol, whose tone colours them.
   * Absent: words.
   */
  readonly kind?: 'number' | 'verdict' | 'mark';
}

export interface Row {
  readonly cells: readonly (Cell | string)[];
  /** A violated claim: the whole row is coloured. */
  readonly broken?: boolean;
  /** What stands behind the row. HTML opens it in place; Markdown has it at the end. */
  readonly more?: Fold | undefined;
}

export interface Cell {
  readonly text: string;
  /** More words on the text, in small print. */
  readonly small?: string;
  readonly strong?: boolean;
  /** The id of a fold on the same page. */
  readonly target?: string;
  /** Explains a mark. */
  readonly hint?: string;
  /** From 0 to 1: the length of a bar behind the text. */
  readonly share?: number;
}

/** Blocks that are closed at first. */
export interface Fold {
  readonly kind: 'fold';
  readonly summary: string;
  readonly id?: string;
  readonly blocks: readonly Block[];
}

/** Columns of words. */
export const words = (...titles: readonly string[]): Column[] => titles.map(title => ({ title }));

/** Columns of numbers. */
export const numbers = (...titles: readonly string[]): Column[] =>
  titles.map(title => ({ title, kind: 'number' }));

/** A column of verdicts, each with its symbol first. */
export const verdicts = (title: string): Column => ({ title, kind: 'verdict' });

/** The id of a title. */
export const idOf = (title: string): string => title.toLowerCase().replace(/[^a-z]+/g, '-');

/** What a verdict means to the reader, by its symbol; empty for text without one. */
export type Tone = 'good' | 'bad' | 'open' | 'none' | '';

const tones: Readonly<Record<string, Tone>> = {
  '✓': 'good',
  '✗': 'bad',
  '?': 'open',
  '~': 'open',
  '○': 'open',
  '–': 'none',
};

/** The tone of a text, by its first character. */
export const toneOf = (text: string): Tone => tones[text.charAt(0)] ?? '';

/** The text of a cell. */
export const textOf = (cell: Cell | string): string =>
  typeof cell === 'string' ? cell : cell.text;
