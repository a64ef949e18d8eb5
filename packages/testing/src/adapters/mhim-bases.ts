import { ABMIL, DSMIL, TransMIL, type Aggregator } from '@mhim/mil-aggregators';
import type { Rng } from '@mhim/tensor';
import type { ConformanceCase } from '../conformance-case.js';
import { KindNotBuilt } from '../run-conformance.js';
import { mhimBaseConfig, mhimDsmilConfig, mhimTransMILConfig, OfficialArguments } from './official-config.js';

/** What `MHIM` runs over, by the official name of its `baseline`. */
const bases: Record<string, (args: OfficialArguments, rng: Rng) => Aggregator> = {
  attn: (args, rng) => new ABMIL(mhimBaseConfig(args), rng),
  dsmil: (args, rng) => new DSMIL(mhimDsmilConfig(args), rng),
  selfattn: (args, rng) => new TransMIL(mhimTransMILConfig(args), rng),
};

/** Makes the aggregator inside a case's `MHIM`. @throws KindNotBuilt for one that is not there yet */
export function mhimBaseOf({ kind, constructorArgs }: ConformanceCase): (rng: Rng) => Aggregator {
  const args = new OfficialArguments(constructorArgs);
  const baseline = args.text('baseline', kind === 'init.model' ? 'selfattn' : 'attn');
  const create = bases[baseline];
  if (!create) throw new KindNotBuilt(`${kind} over ${baseline}`);
  return (rng) => create(args, rng);
}
