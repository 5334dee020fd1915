/*
 * relaxed.h - what the relaxed SIMD tables share: multiply-add.
 */
#define TILE_ROWS_F32 6
#define rf_madd wasm_f32x4_relaxed_madd
