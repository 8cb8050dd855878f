/** Generates the column of `docs/cases.md` that links each named case to its tests. Pure. */

/** A test file. */
export interface TestFile {
  readonly path: string;
  readonly text: string;
}

/** Shown for a case whose name is in no test title. */
export const untested = 'no test yet';

const title =
  /(?:\b(?:describe(?:With)?|test|it)\b[^'"`]{0,200}?|\]\)\(\s*|\)\(\s*)(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** Fills the last column of each row that starts with a case name in backticks. */
export function withTests(page: string, files: readonly TestFile[]): string {
  const titles = files.map(({ path, text }) => ({ path, titles: titlesIn(text) }));
  return page
    .split('\n')
    .map(line => {
      const name = caseOf(line);
      if (name === undefined) return line;
      const named = new RegExp(`(^|[^\\w-])${name}($|[^\\w-])`);
      const paths = titles
        .filter(file => file.titles.some(one => named.test(one)))
        .map(({ path }) => `[${path}](../${path})`);
      const cells = line.split(' | ');
      return [...cells.slice(0, -1), `${paths.join(', ') || untested} |`].join(' | ');
    })
    .join('\n');
}

/** The names of the cases, in the order of the page. */
export function casesOf(page: string): readonly string[] {
  return page.split('\n').flatMap(line => caseOf(line) ?? []);
}

function caseOf(line: string): string | undefined {
  return /^\| `([a-z0-9-]+)` \|/.exec(line)?.[1];
}

/** The first text after each `describe`, `test` or `it`; a title is what a reporter prints. */
function titlesIn(text: string): readonly string[] {
  return [...text.matchAll(title)].map(match => match[2] ?? '');
}
