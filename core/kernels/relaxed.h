/* relaxed.h - what both relaxed SIMD tables share: the multiply-add of floats. */
#define TILE_ROWS_F32 6
#define rf_madd wasm_f32x4_relaxed_madd
