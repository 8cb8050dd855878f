/** Building blocks for pages. All text is escaped unless it is `Html`. Pure. */

import { style } from './style.ts';

/** Text that is already HTML. */
export interface Html {
  readonly html: string;
}

export type Content = string | Html | readonly (string | Html)[];

/** Escapes text for use in content and attributes. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** An element; attribute values and plain text are escaped. Tag and attribute names are constants. */
export function element(
  tag: string,
  content: Content,
  attributes: Readonly<Record<string, string | undefined>> = {},
): Html {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(value ?? '')}"`);
  return { html: `<${tag}${pairs.join('')}>${inner(content)}</${tag}>` };
}

/** The concatenated content, with plain text escaped. */
export function inner(content: Content): string {
  if (typeof content === 'string') return escaped(content);
  if ('html' in content) return content.html;
  return content.map(part => (typeof part === 'string' ? escaped(part) : part.html)).join('');
}

/** A complete document with the shared style. */
export function page(title: string, body: Content): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
${inner(body)}
</body>
</html>
`;
}
