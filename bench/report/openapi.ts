/** `docs/openapi.json`: the document of a service that takes every header, as a lab runs it. */
import { readConfig } from '../../src/config.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { choiceOf } from '../../src/http/configured-choice.ts';
import { openApiDocument } from '../../src/http/openapi/document.ts';

export const openApiFile = 'docs/openapi.json';

/** What the committed file must hold. */
export async function openApiText(): Promise<string> {
  const config = readConfig({ ALLOW_STRATEGY_HEADER: '1' });
  const choice = choiceOf(config, await loadRegistry());
  const everyStore = { ...choice, missing: () => undefined };
  const document = openApiDocument(everyStore, { rollouts: true });
  return `${JSON.stringify(document, null, 2)}\n`;
}
