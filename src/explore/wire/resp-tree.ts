/** A RESP reply with its types, so that it can be written again as it came but for a few values. */
export type RespNode =
  | { readonly type: string; readonly line: string }
  | { readonly type: '$' | '=' | '!'; readonly text: string | null }
  | { readonly type: '*' | '~' | '>' | '%' | '|'; readonly items: readonly RespNode[] | null };

const bulks = '$=!';
const aggregates = '*~>%|';

/** Reads one whole reply, which has been framed before. Strings are taken byte for byte. */
export function respTree(bytes: Buffer): RespNode {
  return new Reader(bytes).node();
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  node(): RespNode {
    const type = String.fromCharCode(this.#bytes[this.#at] ?? 0);
    const end = this.#bytes.indexOf('\r\n', this.#at);
    const line = this.#bytes.toString('latin1', this.#at + 1, end);
    this.#at = end + 2;
    if (type === '$' || type === '=' || type === '!')
      return { type, text: this.#text(Number(line)) };
    if (type === '*' || type === '~' || type === '>') return this.#many(type, Number(line));
    if (type === '%' || type === '|') return this.#many(type, 2 * Number(line));
    return { type, line };
  }

  #text(length: number): string | null {
    if (length < 0) return null;
    const text = this.#bytes.toString('latin1', this.#at, this.#at + length);
    this.#at += length + 2;
    return text;
  }

  #many(type: '*' | '~' | '>' | '%' | '|', count: number): RespNode {
    if (count < 0) return { type, items: null };
    return { type, items: Array.from({ length: count }, () => this.node()) };
  }
}

/** The bytes of a reply. */
export function respBytes(node: RespNode): Buffer {
  return Buffer.from(written(node), 'latin1');
}

function written(node: RespNode): string {
  if ('line' in node) return `${node.type}${node.line}\r\n`;
  if ('text' in node) {
    if (node.text === null) return `${node.type}-1\r\n`;
    return `${node.type}${node.text.length}\r\n${node.text}\r\n`;
  }
  if (node.items === null) return `${node.type}-1\r\n`;
  const pairs = node.type === '%' || node.type === '|';
  const count = pairs ? node.items.length / 2 : node.items.length;
  return `${node.type}${count}\r\n${node.items.map(written).join('')}`;
}

/** What a simple or a bulk string says; undefined for anything else. */
export function textOf(node: RespNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  if ('text' in node) return node.text ?? undefined;
  return 'line' in node && node.type === '+' ? node.line : undefined;
}

/** The same string with another text. */
export function withText(node: RespNode, text: string): RespNode {
  return 'text' in node && bulks.includes(node.type) ? { ...node, text } : { type: '$', text };
}

export function itemsOf(node: RespNode | undefined): readonly RespNode[] {
  if (node === undefined || !('items' in node) || !aggregates.includes(node.type)) return [];
  return node.items ?? [];
}
