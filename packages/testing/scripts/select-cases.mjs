// Copies the selection of conformance cases that a clone of the repository carries (at most 2 MB) out of the large set:
//   node packages/testing/scripts/select-cases.mjs ../shared/conformance
// Whole areas where the cases are small, else the smallest case of each kind. `mhim.ema` has no small case; the teacher's
// average is checked after step 5 of the MHIM trajectory, from which the parameters of the earlier steps are left out.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const source = process.argv[2] ?? '../shared/conformance';
const target = join(import.meta.dirname, '../conformance');

const wholeAreas = ['metrics', 'schedules', 'init', 'survival'];
const single = [
  'abmil/abmil_layernorm_input',
  'abmil/abmil_sincos',
  'pooling/meanmil_gelu_4class',
  'mhim/score_abmil_3class',
  'mhim/pure_abmil',
  'mhim/infer_abmil_plain',
  'mhim/grn_eval',
  'mhim/grn_train_k5_mm09',
  'mhim/consistency_t01',
  'mhim/consistency_t1_rows',
  'mhim/mask_sets',
  'mhim/mask_counts',
  'mhim/mask_vote_high',
  'mhim/mask_vote_low',
  'ops/basic',
  'ops/cross_entropy',
  'clam/loss_smoothtop1svm_0',
  'clam/loss_maxtop1svm_3',
  'clam/loss_smoothtopksvm_4',
  'clam/loss_maxtopksvm_5',
  'ibmil/ibmil_stage2_gelu_hash',
  'mamba2d/scan2d_2x9',
  'mamba2d/scan2d_4x4',
  'realdims/abmil',
  'realdims/clam_sb',
  'realdims/dsmil',
  'realdims/mhim_selfattn',
  'realdims/rrt',
  'realdims/transmil_n200',
  'realdims/gabmil',
  'realdims/mhim_attn',
  'realdims/attentiondeepmil',
  'realdims/attentiondeepmil_gated',
  'trajectory/abmil_adam_60_losses',
  'trajectory/mhim_abmil_rhsm_adam_5',
];
const leftOut = { 'trajectory/mhim_abmil_rhsm_adam_5': /^step[1-4]\.param\./ };

const index = JSON.parse(readFileSync(join(source, 'index.json'), 'utf8'));
const fixtures = index.fixtures.filter(
  ({ area, case: name }) => wholeAreas.includes(area) || single.includes(`${area}/${name}`),
);
rmSync(target, { recursive: true, force: true });
let bytes = 0;
const written = fixtures.map((fixture) => {
  const path = `${fixture.area}/${fixture.case}`;
  let description = readFileSync(join(source, `${path}.json`));
  let tensors = readFileSync(join(source, `${path}.safetensors`));
  const unwanted = leftOut[path];
  if (unwanted) {
    const full = JSON.parse(description);
    full.tensors = Object.fromEntries(Object.entries(full.tensors).filter(([name]) => !unwanted.test(name)));
    full.notes = [...(full.notes ?? []), `shortened copy: tensors matching ${unwanted.source} are left out`];
    description = Buffer.from(JSON.stringify(full));
    tensors = without(tensors, unwanted);
  } else description = Buffer.from(JSON.stringify(JSON.parse(description)));
  mkdirSync(dirname(join(target, path)), { recursive: true });
  writeFileSync(join(target, `${path}.json`), description);
  writeFileSync(join(target, `${path}.safetensors`), tensors);
  bytes += description.length + tensors.length;
  const sha256 = createHash('sha256').update(tensors).digest('hex');
  return { ...fixture, bytes: tensors.length, sha256 };
});
const listing = JSON.stringify({ set: 'selection', cases: written.length, fixtures: written });
writeFileSync(join(target, 'index.json'), `${listing}\n`);
console.log(`${written.length} cases, ${((bytes + listing.length) / 1e6).toFixed(2)} MB`);

/** A safetensors file without the tensors whose names match. */
function without(file, pattern) {
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start));
  const parts = [];
  let offset = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (pattern.test(name)) delete header[name];
    else {
      const [from, to] = entry.data_offsets;
      parts.push(file.subarray(start + from, start + to));
      entry.data_offsets = [offset, (offset += to - from)];
    }
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text + ' '.repeat((8 - (text.length % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...parts]);
}
