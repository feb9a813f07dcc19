// The page's types of the events say what the server's schemas say: the same fields, optional where
// they are, with the same words where a field has only certain ones.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const UI = dirname(dirname(fileURLToPath(import.meta.url)));
const STORES = join(UI, 'lib/stores');
const SCHEMAS = join(UI, '../../nself-realtime/schema');

/** @type {[file: string, typedef: string, schema: string, definition?: string][]} */
const PAIRS = [
  ['service_status.js', 'ServiceStatus', 'service-status'],
  ['logs.js', 'LogLine', 'logs-stream', 'LogLine'],
  ['logs.js', 'LogMarker', 'logs-stream', 'LogMarker'],
  ['docker_stats.js', 'Sample', 'docker-stats'],
  ['engine.js', 'EngineStatus', 'engine-status'],
  ['notifications.js', 'Notification', 'notification'],
  ['rooms.js', 'Room', 'room-status'],
  ['build_progress.js', 'BuildProgress', 'build-progress'],
  ['presence.js', 'Presence', 'presence'],
];

for (const [file, typedef, schema, definition] of PAIRS) {
  test(`${typedef} in ${file} is what the schema ${schema} says`, () => {
    const text = readFileSync(join(STORES, file), 'utf8');
    const root = JSON.parse(readFileSync(join(SCHEMAS, `${schema}.json`), 'utf8'));
    const typedefs = typedefsOf(text);
    const said = shapeOfType(new Types(typedefs[typedef]).read(), typedefs);
    const expected = shapeOfSchema(variantOf(root, definition), root);
    assert.deepEqual(said, expected);
  });
}

test('a type that differs from its schema is told apart', () => {
  const root = { type: 'object', properties: { a: { type: 'string' }, b: { enum: ['x', 'y'] } }, required: ['a'] };
  const shape = (text) => shapeOfType(new Types(text).read(), {});
  assert.deepEqual(shape("{a: string, b?: 'y' | 'x'}"), shapeOfSchema(root, root));
  for (const other of ["{a?: string, b?: 'x' | 'y'}", '{a: string}', "{a: string, b?: 'x'}", "{a: number, b?: 'x' | 'y'}"]) {
    assert.notDeepEqual(shape(other), shapeOfSchema(root, root), other);
  }
});

/**
 * A type as the schemas have it too: words, the name of a plain type, a list of one, or fields.
 * @typedef {string | {words: string[]} | {list: Shape} | {fields: Record<string, Shape>, optional: string[]}} Shape
 */

/**
 * The part of a schema that a type stands for: all of it, or the variant that holds this definition, with what tells
 * the variants apart.
 */
function variantOf(root, definition) {
  const variant = root.oneOf?.find(({ $ref }) => $ref === `#/$defs/${definition}`);
  if (variant === undefined) {
    return root;
  }
  const { properties, required } = root.$defs[definition];
  return {
    type: 'object',
    properties: { ...properties, ...variant.properties },
    required: [...required, ...variant.required],
  };
}

/** @returns {Shape} */
function shapeOfSchema(schema, root) {
  if (schema.$ref !== undefined) {
    return shapeOfSchema(root.$defs[schema.$ref.split('/').at(-1)], root);
  }
  if (schema.const !== undefined) {
    return { words: [schema.const] };
  }
  if (schema.enum !== undefined) {
    return { words: [...schema.enum].sort() };
  }
  if (schema.oneOf !== undefined) {
    return { words: schema.oneOf.map((choice) => choice.const).sort() };
  }
  switch (schema.type) {
    case 'object': {
      const names = Object.keys(schema.properties);
      const fields = names.map((name) => [name, shapeOfSchema(schema.properties[name], root)]);
      const optional = names.filter((name) => !schema.required?.includes(name)).sort();
      return { fields: Object.fromEntries(fields), optional };
    }
    case 'array':
      return { list: shapeOfSchema(schema.items, root) };
    case 'integer':
      return 'number';
    default:
      return schema.type;
  }
}

/** The text of each type that a module defines, by its name. */
function typedefsOf(text) {
  const comments = [...text.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, comment]) => comment.replace(/^\s*\* ?/gm, ''));
  const found = comments.flatMap((comment) => comment.split('@typedef ').slice(1)).map((definition) => {
    const end = closing(definition);
    return [definition.slice(end + 1).match(/\w+/)[0], definition.slice(1, end)];
  });
  return Object.fromEntries(found);
}

/** Where the brace closes that the text begins with. */
function closing(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    depth += text[at] === '{' ? 1 : text[at] === '}' ? -1 : 0;
    if (depth === 0) {
      return at;
    }
  }
  throw new Error(`no end: ${text}`);
}

/** @returns {Shape} */
function shapeOfType(type, typedefs) {
  if (typeof type === 'string') {
    return typedefs[type] === undefined ? type : shapeOfType(new Types(typedefs[type]).read(), typedefs);
  }
  if (type.list !== undefined) {
    return { list: shapeOfType(type.list, typedefs) };
  }
  if (type.words !== undefined) {
    return type;
  }
  const fields = Object.entries(type.fields).map(([name, field]) => [name, shapeOfType(field, typedefs)]);
  return { fields: Object.fromEntries(fields), optional: type.optional };
}

/** Reads the types that the page uses for events: names, words, lists and objects. */
class Types {
  #tokens;

  constructor(text) {
    this.#tokens = text.match(/'[^']*'|\w+|\[\]|\?:|[{}:,|]/g);
  }

  read() {
    const words = [];
    let type;
    do {
      const token = this.#tokens.shift();
      if (token === '{') {
        type = this.#fields();
      } else if (token.startsWith("'")) {
        words.push(token.slice(1, -1));
      } else {
        type = token;
      }
      while (this.#skip('[]')) {
        type = { list: type };
      }
    } while (this.#skip('|'));
    return words.length > 0 ? { words: words.sort() } : type;
  }

  #fields() {
    const fields = {};
    const optional = [];
    while (!this.#skip('}')) {
      const name = this.#tokens.shift();
      if (this.#tokens.shift() === '?:') {
        optional.push(name);
      }
      fields[name] = this.read();
      this.#skip(',');
    }
    return { fields, optional: optional.sort() };
  }

  #skip(token) {
    const found = this.#tokens[0] === token;
    if (found) {
      this.#tokens.shift();
    }
    return found;
  }
}
