import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandHistory, type HistoryLine, historyProblem } from '../../src/telemetry/history.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'));
});
afterAll(() => rm(folder, { recursive: true }));

const line: HistoryLine = {
  scenario: 'gift-card',
  variant: 'plain',
  strategy: 'row-lock',
  key: '1',
  commandId: '00000000-0000-8000-8000-000000000001',
  caller: 'a\nb',
  askedUs: 1,
  decidedUs: [2, 3],
  endedUs: 4,
  outcome: 'accepted',
  detail: '7',
  attempts: 1,
};

describe('a history', () => {
  it('has one line per command, in a file of its own process, and goes on in it', async () => {
    const place = join(folder, 'lines');
    for (const caller of ['a\nb', 'c']) {
      const history = new CommandHistory(place);
      history.note({ ...line, caller });
      await history.close();
      expect(history.dropped).toBe(0);
    }
    const text = await readFile(join(place, `commands-${process.pid}.jsonl`), 'utf8');
    expect(
      text
        .trimEnd()
        .split('\n')
        .map(one => JSON.parse(one)),
    ).toEqual([line, { ...line, caller: 'c' }]);
  });

  it('is refused where it cannot be written, in one sentence', async () => {
    await writeFile(join(folder, 'file'), '');
    for (const place of ['/proc/nobody', join(folder, 'file', 'below'), join(folder, 'no', 'such')])
      expect(historyProblem(place)).toMatch(
        /^COMMAND_HISTORY cannot be used \(.+\); name a folder/,
      );
    expect(historyProblem(join(folder, 'fine'))).toBeUndefined();
    expect(historyProblem(undefined)).toBeUndefined();
  });
});
