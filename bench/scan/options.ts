import { resolve } from 'node:path';
import { type OptionValues, option } from '../lab/command-line.ts';
import { nameList, wholeNumber } from '../lab/option-values.ts';

const words = (flags: string, text: string) =>
  option<string | undefined>({ flags, text, fallback: undefined });

const file = (flags: string, text: string) =>
  option<string | undefined>({ flags, text, read: one => resolve(one), fallback: undefined });

/** What both commands need to start the service and to drive it. */
export const recordTable = {
  setup: file('--setup <file>', 'SQL that makes the tables and rows to begin with'),
  prepare: words('--prepare <command>', 'fills the database, such as "npm run migrate"'),
  database: words('--database <url>', 'begin with a copy of this database; it is only read'),
  redis: words('--redis <url>', 'begin with a copy of this Redis; it is only read'),
  server: words('--server <url>', 'Postgres to make databases on (default: one is started)'),
  provider: option<readonly string[]>({
    flags: '--provider <list>',
    text: 'variables that hold URLs of other services: replays get the answers of the recording',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  port: option<number>({
    flags: '--port <n>',
    text: 'port of the address to use (default: any that is free)',
    read: wholeNumber(1, 65_535),
    fallback: 0,
    silent: true,
  }),
  requests: file(
    '--requests <file>',
    'send these instead of waiting: .har, .http, OpenAPI in JSON',
  ),
  test: words('--test <command>', 'run this instead of waiting; it finds the service in BASE_URL'),
};

export type RecordValues = OptionValues<typeof recordTable>;
