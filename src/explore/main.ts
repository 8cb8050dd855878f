import { runExploreCommand } from './command.ts';
import { interruptedCode } from './exit-codes.ts';
import { interruption, leave } from './interruption.ts';

// Of this room alone, on servers that are named: `node --import tsx src/explore/main.ts …`.
const signal = interruption(text => process.stderr.write(text), interruptedCode);
const code = await runExploreCommand(process.argv.slice(2), {
  write: text => process.stdout.write(text),
  databaseUrl: process.env.DATABASE_URL,
  redisUrl: process.env.REDIS_URL,
  signal,
});
leave(code);
