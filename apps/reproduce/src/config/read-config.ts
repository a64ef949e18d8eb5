import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';
import { MhimError, suggestion } from '@mhim/tensor';

/**
 * Reads a YAML or JSON file and checks it against a schema.
 * @throws MhimError `config` naming every key that is unknown and every value that cannot be
 */
export function readConfig<S extends z.ZodType>(path: string, schema: S): z.infer<S> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MhimError('the configuration cannot be read.', {
      code: 'file-missing',
      path,
      hint: 'Check the path.',
      cause,
    });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new MhimError(`is no valid YAML or JSON: ${reason}`, { code: 'config', path, cause });
  }
  return checkConfig(value, schema, path);
}

/** Checks a value against a schema. @param path what to name in the error */
export function checkConfig<S extends z.ZodType>(value: unknown, schema: S, path?: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new MhimError(`${result.error.issues.map((issue) => describe(issue, value, schema)).join('; ')}.`, {
    code: 'config',
    path,
    hint: 'See reproduce train --help for all options.',
  });
}

type Issue = z.core.$ZodIssue;

function describe(issue: Issue, value: unknown, schema: z.ZodType): string {
  const where = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path.map(String));
    const list = issue.keys.map((key) => `"${[...issue.path, key].join('.')}"${suggestion(key, known)}`);
    return `unknown key ${list.join(', ')}`;
  }
  const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const meant =
    issue.code === 'invalid_value' && typeof found === 'string' ? suggestion(found, issue.values.map(String)) : '';
  const message = issue.message.replace(/^Invalid (input|option): /, '').replace(/^Too (big|small): /, '');
  return `${where === '' ? '' : `${where}: `}${message}, got ${JSON.stringify(found)}${meant}`;
}

/** The keys that the (possibly nested) object of a schema has. */
function knownKeys(schema: z.ZodType, path: readonly string[]): string[] {
  let at = unwrapped(schema);
  for (const key of path) at = unwrapped(at?.shape?.[key]);
  return Object.keys(at?.shape ?? {});
}

interface Wrapped {
  shape?: Record<string, z.ZodType>;
  unwrap?: () => z.ZodType;
}

function unwrapped(schema: unknown): Wrapped | undefined {
  const wrapped = schema as Wrapped | undefined;
  return wrapped?.unwrap ? unwrapped(wrapped.unwrap()) : wrapped;
}
