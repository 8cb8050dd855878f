import { z } from 'zod';

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The JSON Schema of what a caller sends; `refine` has none and is left out. */
export const sentSchema = (schema: z.ZodType): JsonSchema => toJson(schema, 'input');

/** The JSON Schema of what is answered. */
export const answeredSchema = (schema: z.ZodType): JsonSchema => toJson(schema, 'output');

function toJson(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const {
    $schema,
    '~standard': _,
    ...made
  } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      delete jsonSchema.readOnly; // here it would mean that requests must not carry it
    },
  });
  return made;
}

/** The members of an object's schema; none where there is no object. */
export function membersOf(schema: z.ZodType | undefined): readonly {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}[] {
  const made = schema ? sentSchema(schema) : {};
  const required = Array.isArray(made.required) ? made.required : [];
  return Object.entries(isRecord(made.properties) ? made.properties : {}).flatMap(
    ([name, member]) =>
      isRecord(member) ? [{ name, required: required.includes(name), schema: member }] : [],
  );
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A link to a component, by its kind and name. */
export const ref = (kind: 'schemas' | 'responses' | 'headers' | 'parameters', name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});
