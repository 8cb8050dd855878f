import { runExploreCommand } from './command.ts';

// The only file of this room that looks at the process: `node --import tsx src/explore/main.ts …`.
process.exitCode = await runExploreCommand(process.argv.slice(2), {
  write: text => process.stdout.write(text),
  databaseUrl: process.env.DATABASE_URL,
  redisUrl: process.env.REDIS_URL,
});
