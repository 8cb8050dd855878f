/** One service in the place of another, between the cells of a run. */
import type { StruckService } from './stage.ts';

/** Starts it with these variables, and ends the one before. */
export async function replaceService(
  service: StruckService,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  const before = service.primary;
  const serve = await service.another(variables);
  serve();
  before.signal('SIGTERM');
  await before.gone();
}
