/** A folder that the account of the servers may use. */
import { dirname } from 'node:path';
import { z } from 'zod';
import { serverAccount } from '../../src/services/account.ts';
import type { Account } from '../../src/services/index.ts';
import type { Lab } from './stage.ts';

const shown = z.tuple([z.object({ data_directory: z.string() })]);

/** Beside the data of Postgres; removed with the run. */
export async function serverFolder({
  sql,
  keeper,
}: Lab): Promise<{ readonly folder: string; readonly account: Account | undefined }> {
  const [{ data_directory: data }] = shown.parse(await sql('show data_directory'));
  const account = await serverAccount();
  return { folder: await keeper.folder(dirname(dirname(data)), account), account };
}
