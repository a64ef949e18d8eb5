import { MhimError, suggestion } from '@mhim/tensor';
import { colourEncoder, type PatchEncoder } from '@mhim/slides';

/** What makes features of patches, by name. The one place where the command line learns of an encoder. */
const encoders: Record<string, (weights: string | undefined) => PatchEncoder | Promise<PatchEncoder>> = {
  colour: () => colourEncoder(),
};

export const ENCODERS: readonly string[] = Object.keys(encoders);

/**
 * @param weights file of the user's; encoders without weights take none
 * @throws MhimError `config` for an unknown name
 */
export async function openEncoder(name: string, weights?: string): Promise<PatchEncoder> {
  const open = Object.hasOwn(encoders, name) ? encoders[name] : undefined;
  if (!open) {
    throw new MhimError(`there is no encoder "${name}".`, {
      code: 'config',
      path: '--encoder',
      hint: `Choose one of ${ENCODERS.join(', ')}.${suggestion(name, ENCODERS)}`,
    });
  }
  if (weights !== undefined && name === 'colour') {
    throw new MhimError('the encoder colour has no weights.', { code: 'config', path: '--weights' });
  }
  return open(weights);
}
