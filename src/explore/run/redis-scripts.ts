/**
 * The scripts that a line of MONITOR makes known to its server: Redis cannot list them.
 * `1700000000.123456 [0 127.0.0.1:5000] "SCRIPT" "LOAD" "return 1"`
 */
export function scriptsOf(line: string): readonly string[] {
  const [command = '', second = '', third = ''] = wordsOf(line);
  if (/^eval(_ro)?$/i.test(command)) return [second];
  return /^script$/i.test(command) && /^load$/i.test(second) ? [third] : [];
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

function wordsOf(line: string): string[] {
  const quoted = line.slice(line.indexOf(']') + 1).matchAll(/"((?:[^"\\]|\\.)*)"/gs);
  return [...quoted].map(([, text = '']) =>
    text.replace(/\\(x[0-9a-f]{2}|.)/gis, (_all, escaped: string) =>
      escaped.length > 1
        ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
        : (escapes[escaped] ?? escaped),
    ),
  );
}
