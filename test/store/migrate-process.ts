/** A process that migrates and tells what came of it. Its task comes as JSON on stdin. */
import { text } from 'node:stream/consumers';
import { migrate, type Schema } from '../../src/store/migrate.ts';

const task: { url: string; schemas: Schema[] } = JSON.parse(await text(process.stdin));
await migrate(task.url, task.schemas);
process.stdout.write('migrated\n');
