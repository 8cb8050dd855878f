import type { OpenTracer } from '../engine/trace.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/** Whether the usual variables of OpenTelemetry ask for traces. */
export function wantsTraces(environment: Environment): boolean {
  const { OTEL_SDK_DISABLED: disabled = '', OTEL_TRACES_EXPORTER: exporter = 'otlp' } = environment;
  if (disabled.toLowerCase() === 'true' || exporter === 'none') return false;
  return endpoints.some(name => environment[name]);
}

/** What is wrong with those variables, a sentence each. */
export function traceProblems(environment: Environment): readonly string[] {
  if (!wantsTraces(environment)) return [];
  const wrong = endpoints.filter(name => {
    const text = environment[name];
    return text && !/^https?:\/\/[^\s/]+/.test(text);
  });
  return wrong.map(name => `${name} is invalid; expected a URL of the form http://collector:4318`);
}

/**
 * Opens the tracer that the environment asks for; undefined, with nothing loaded, where it asks for none.
 * `onError` is told what could not be sent; commands never wait for it.
 */
export async function openTraces(
  environment: Environment,
  onError: (error: Error) => void,
): Promise<OpenTracer | undefined> {
  if (!wantsTraces(environment)) return undefined;
  const { otlpTracer } = await import('./otlp.ts');
  return otlpTracer(onError);
}
