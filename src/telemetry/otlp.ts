/** OpenTelemetry's own packages; loaded by `traces.ts` only where traces are wanted. */
import {
  type Span as ApiSpan,
  type Tracer as ApiTracer,
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { OpenTracer, Span, SpanAttributes } from '../engine/trace.ts';

const closeMaxMs = 1_000;
const serviceName = 'lockstep';

/**
 * A tracer by OTLP over HTTP. Endpoint, headers, sampler, service name and the bounds of the queue come from
 * the environment, which the packages read by themselves.
 */
export function otlpTracer(onError: (error: Error) => void): OpenTracer {
  const report = (message: string, ...details: unknown[]): void =>
    onError(new Error([message, ...details.map(String)].join(' ').slice(0, 300)));
  const quiet = (): void => {};
  diag.setLogger(
    { error: report, warn: report, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName, 'process.pid': process.pid }))
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer(serviceName);
  return {
    command(name, traceparent, attributes) {
      const options = { kind: SpanKind.SERVER, attributes: { ...attributes } };
      const context = callerOf(traceparent);
      return new OtlpSpan(tracer, tracer.startSpan(name, options, context), context);
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>(resolve => {
        timer = setTimeout(() => {
          onError(new Error(`the last spans could not be sent within ${closeMaxMs} ms`));
          resolve();
        }, closeMaxMs);
      });
      await Promise.race([provider.shutdown().catch(onError), late]);
      clearTimeout(timer);
    },
  };
}

/** The context of a W3C traceparent; a root where there is none, or one that is malformed. */
function callerOf(traceparent: string | undefined): Context {
  const parsed = traceparent === undefined ? null : parseTraceParent(traceparent);
  return parsed ? trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true }) : ROOT_CONTEXT;
}

class OtlpSpan implements Span {
  readonly #tracer: ApiTracer;
  readonly #span: ApiSpan;
  readonly #inside: Context;
  #ended = false;

  constructor(tracer: ApiTracer, span: ApiSpan, outside: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#inside = trace.setSpan(outside, span);
  }

  child(name: string, attributes: SpanAttributes = {}): Span {
    const options = { kind: SpanKind.INTERNAL, attributes: { ...attributes } };
    const span = this.#tracer.startSpan(name, options, this.#inside);
    return new OtlpSpan(this.#tracer, span, this.#inside);
  }

  note(attributes: SpanAttributes): void {
    if (!this.#ended) this.#span.setAttributes({ ...attributes });
  }

  end(failure?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (failure !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      this.#span.setAttribute('error.type', failure);
    }
    this.#span.end();
  }
}
