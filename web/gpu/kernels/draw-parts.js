/**
 * The parts of a draw in which threads combine their values. Each part has two forms with the same results: a workgroup
 * shares a row (TOGETHER), or one thread computes a row (ALONE, for software renderers, see sums() in shared.js).
 *
 *   settle()            makes what other threads wrote to the row visible
 *   top_of, sum_of      return the two largest logits of the row, and sums over the row
 *   threshold()         returns the bits of the smallest weight that is kept
 *   pick()              sets chosen, the token at the uniform number, and edge, the distance of the number to the
 *                       nearest edge of the token's interval
 */

/** Number of threads of a workgroup, and of bins of a histogram. */
export const TOGETHER_THREADS = 256;

/**
 * Finds thresholds digit by digit in base 256, because the bits of positive floats are ordered as the floats are. The
 * histogram of a digit counts in integers, or adds masses as 64-bit integers in units of 2^-40, so the order in which
 * threads arrive does not matter.
 */
export const TOGETHER = `
fn settle() {
  storageBarrier();
  workgroupBarrier();
}
var<workgroup> tops: array<Top, THREADS>;
var<workgroup> sixteen: array<Top, 16>;
fn top_of(top: Top, lane: u32) -> Top {
  tops[lane] = top;
  workgroupBarrier();
  if (lane < 16u) {
    var some = top;
    for (var i = lane + 16u; i < THREADS; i += 16u) { some = joined(some, tops[i]); }
    sixteen[lane] = some;
  }
  workgroupBarrier();
  var all = sixteen[0];
  for (var i = 1u; i < 16u; i++) { all = joined(all, sixteen[i]); }
  return all;
}

var<workgroup> parts: array<vec4<f32>, THREADS>;
var<workgroup> part_sums: array<vec4<f32>, 16>;
fn sum_of(v: vec4<f32>, lane: u32) -> vec4<f32> {
  parts[lane] = v;
  workgroupBarrier();
  if (lane < 16u) {
    var some = vec4(0.0);
    for (var i = 0u; i < 16u; i++) { some += parts[16u * lane + i]; }
    part_sums[lane] = some;
  }
  workgroupBarrier();
  var all = vec4(0.0);
  for (var i = 0u; i < 16u; i++) { all += part_sums[i]; }
  return all;
}

var<workgroup> low: array<atomic<u32>, 256>;
var<workgroup> high: array<atomic<u32>, 256>;
var<workgroup> masses: array<f32, 256>;
var<workgroup> sixteen_masses: array<f32, 16>;
var<workgroup> digit: u32;
var<workgroup> above: f32;
fn add_mass(bin: u32, w: f32) {
  let whole = floor(w * 256.0);
  let part = u32((w * 256.0 - whole) * 4294967296.0);
  let old = atomicAdd(&low[bin], part);
  atomicAdd(&high[bin], u32(whole) + select(0u, 1u, old + part < old));
}
/** Returns the bits of the smallest weight that is kept. Four digits find the top_k, four more the share top_p of what they keep. */
fn threshold(lane: u32) -> u32 {
  let by_count = span.top_k > 0u && span.top_k < TOKENS;
  var least = 0u;
  var prefix = 0u;
  var goal = 0.0;
  for (var turn = select(4u, 0u, by_count); turn < select(4u, 8u, span.top_p < 1.0); turn++) {
    let by_mass = turn >= 4u;
    let place = turn % 4u;
    let shift = 24u - 8u * place;
    if (place == 0u) {
      least = prefix;
      prefix = 0u;
    }
    atomicStore(&low[lane], 0u);
    atomicStore(&high[lane], 0u);
    if (lane == 0u) {
      digit = 0u;
      if (place == 0u) { above = 0.0; }
    }
    workgroupBarrier();
    for (var i = lane; i < TOKENS; i += THREADS) {
      let w = weight(i);
      let bits = bitcast<u32>(w);
      if (bits >= least && (place == 0u || bits >> ((shift + 8u) % 32u) == prefix)) {
        let bin = (bits >> shift) & 255u;
        if (by_mass) { add_mass(bin, w); } else { atomicAdd(&low[bin], 1u); }
      }
    }
    workgroupBarrier();
    let count = f32(atomicLoad(&low[lane]));
    let own = select(count, f32(atomicLoad(&high[lane])) / 256.0 + count / 1099511627776.0, by_mass);
    let so_far = above;
    masses[lane] = own;
    workgroupBarrier();
    if (lane < 16u) {
      var some = 0.0;
      for (var i = 0u; i < 16u; i++) { some += masses[16u * lane + i]; }
      sixteen_masses[lane] = some;
    }
    workgroupBarrier();
    var beyond = 0.0;
    for (var i = 15u; i > lane / 16u; i--) { beyond += sixteen_masses[i]; }
    for (var i = lane | 15u; i > lane; i--) { beyond += masses[i]; }
    if (place == 0u) {
      goal = f32(span.top_k);
      if (by_mass) {
        goal = 0.0;
        for (var i = 16u; i > 0u; i--) { goal += sixteen_masses[i - 1u]; }
        goal *= span.top_p;
      }
    }
    if (so_far + beyond + own >= goal && so_far + beyond < goal) {
      digit = lane;
      above = so_far + beyond;
    }
    workgroupBarrier();
    prefix = (prefix << 8u) | digit;
    workgroupBarrier();
  }
  return max(least, prefix);
}

var<workgroup> shares: array<f32, THREADS>;
var<workgroup> chosen: u32;
var<workgroup> edge: f32;
var<workgroup> mass: f32;
/** Sets chosen and edge. Each thread adds a run of neighbours; the run that holds the target is searched. */
fn pick(least: u32, uniform_number: f32, fallback: u32, lane: u32) {
  let run = (TOKENS + THREADS - 1u) / THREADS;
  let begin = min(lane * run, TOKENS);
  let end = min(begin + run, TOKENS);
  var sum = 0.0;
  for (var i = begin; i < end; i++) {
    let w = weight(i);
    sum += select(0.0, w, bitcast<u32>(w) >= least);
  }
  shares[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < THREADS; i++) {
      let share = shares[i];
      shares[i] = total;
      total += share;
    }
    mass = total;
    chosen = fallback;
    edge = 0.0;
  }
  workgroupBarrier();
  let total = mass;
  let target_sum = uniform_number * total;
  var next = total;
  if (lane + 1u < THREADS) { next = shares[lane + 1u]; }
  /* A target at the total, which rounding can give, belongs to the last weight. */
  let last_run = next == total && shares[lane] < total;
  if (shares[lane] <= target_sum && (target_sum < next || last_run)) {
    var before = shares[lane];
    for (var i = begin; i < end; i++) {
      let w = weight(i);
      if (bitcast<u32>(w) >= least && w > 0.0) {
        chosen = i;
        edge = min(target_sum - before, before + w - target_sum) / total;
        if (before + w > target_sum) { break; }
        before += w;
      }
    }
  }
  workgroupBarrier();
}
`;

/** Finds thresholds as the core does: bit by bit, from the sum of all weights at or above a candidate. */
export const ALONE = `
fn settle() {}
fn top_of(top: Top, lane: u32) -> Top { return top; }
fn sum_of(v: vec4<f32>, lane: u32) -> vec4<f32> { return v; }
fn mass_from(bits: u32, by_mass: bool) -> f32 {
  var mass = 0.0;
  var part = 0.0;
  for (var i = 0u; i < TOKENS; i++) {
    let w = weight(i);
    if (bitcast<u32>(w) >= bits) { part += select(1.0, w, by_mass); }
    if (i % 256u == 255u) {
      mass += part;
      part = 0.0;
    }
  }
  mass += part;
  return mass;
}
fn threshold(lane: u32) -> u32 {
  let by_count = span.top_k > 0u && span.top_k < TOKENS;
  var least = 0u;
  for (var turn = select(1u, 0u, by_count); turn < select(1u, 2u, span.top_p < 1.0); turn++) {
    let by_mass = turn == 1u;
    let goal = select(f32(span.top_k), span.top_p * mass_from(least, true), by_mass);
    var bits = least;
    var high = 0x3f800001u; /* just above the largest weight, 1 */
    while (high - bits > 1u) {
      let middle = bits + (high - bits) / 2u;
      if (mass_from(middle, by_mass) >= goal) { bits = middle; } else { high = middle; }
    }
    least = bits;
  }
  return least;
}
var<private> chosen: u32;
var<private> edge: f32;
fn pick(least: u32, uniform_number: f32, fallback: u32, lane: u32) {
  let total = mass_from(least, true);
  let target_sum = uniform_number * total;
  var sum = 0.0;
  var part = 0.0;
  chosen = fallback;
  for (var i = 0u; i < TOKENS; i++) {
    let w = weight(i);
    if (bitcast<u32>(w) >= least && w > 0.0) {
      let before = sum + part;
      part += w;
      chosen = i;
      edge = min(target_sum - before, sum + part - target_sum) / total;
      if (sum + part > target_sum) { break; }
    }
    if (i % 256u == 255u) {
      sum += part;
      part = 0.0;
    }
  }
}
`;
