/** A form with a program of its own that answers at once: inline, without requests. Pure. */
import { element, type Html } from './element.ts';

/** A question of a form; `name` is what the program reads. */
export type Field = {
  readonly name: string;
  readonly label: string;
} & (
  | { readonly kind: 'one'; readonly choices: Choices; readonly chosen: string }
  | { readonly kind: 'several'; readonly choices: Choices; readonly chosen: readonly string[] }
  | { readonly kind: 'amount'; readonly unit: string; readonly value: number }
);

type Choices = readonly (readonly [value: string, text: string])[];

export interface Form {
  readonly label: string;
  readonly fields: readonly Field[];
  /** What the program reads from the element `form-data`. */
  readonly data: unknown;
  /** Reads the form `form-fields` and writes into `form-answer`. */
  readonly program: string;
  /** What a reader without scripts can do instead. */
  readonly instead: string;
}

export function formHtml({ label, fields, data, program, instead }: Form): Html {
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const code = program.replaceAll('</', '<\\/');
  return element('div', [
    element('noscript', element('p', instead, { class: 'banner' })),
    element('form', fields.map(fieldHtml), {
      id: 'form-fields',
      class: 'ask',
      'aria-label': label,
      autocomplete: 'off',
    }),
    element('div', '', { id: 'form-answer', 'aria-live': 'polite' }),
    { html: `<script type="application/json" id="form-data">${json}</script>` },
    { html: `<script>${code}</script>` },
  ]);
}

function fieldHtml(field: Field): Html {
  const id = `ask-${field.name}`;
  if (field.kind === 'several')
    return element('fieldset', [
      element('legend', field.label),
      ...field.choices.map(([value, text]) =>
        element('label', [
          element('input', '', {
            ...{ type: 'checkbox', name: field.name, value },
            checked: field.chosen.includes(value) ? '' : undefined,
          }),
          ` ${text}`,
        ]),
      ),
    ]);
  const label = element('label', field.label, { for: id });
  if (field.kind === 'amount') {
    const attributes = { id, name: field.name, type: 'number', min: '0', step: 'any' };
    const value = String(field.value);
    return element('div', [
      label,
      element('input', '', { ...attributes, value }),
      ` ${field.unit}`,
    ]);
  }
  const options = field.choices.map(([value, text]) =>
    element('option', text, { value, selected: value === field.chosen ? '' : undefined }),
  );
  return element('div', [label, element('select', options, { id, name: field.name })]);
}
