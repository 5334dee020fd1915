# One wasm module: sedd-simd or sedd-relaxed, with -threads where SEDD_THREADS is on; and the same with the golden
# checks and single kernels, which only tests build (target `golden`).
set(SEDD_MODULE "sedd-simd")
if(SEDD_RELAXED)
  set(SEDD_MODULE "sedd-relaxed")
endif()
if(SEDD_THREADS)
  string(APPEND SEDD_MODULE "-threads")
endif()

# A module of the exports and the other sources given, with the functions that `exports` lists.
function(sedd_wasm_module name exports)
  add_executable(${name} wasm/exports.c wasm/exports_sampling.c wasm/exports_likelihood.c
    wasm/exports_network.c wasm/reply.c ${ARGN})
  set_target_properties(${name} PROPERTIES SUFFIX ".mjs" LINK_DEPENDS "${exports}")
  target_compile_options(${name} PRIVATE -Oz -Wall -Wextra -Wpedantic -Werror)
  target_link_libraries(${name} PRIVATE sedd_core)
  target_link_options(${name} PRIVATE
    -O2 --no-entry
    -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=web,worker,node
    -sEXPORTED_FUNCTIONS=@${exports}
    -sEXPORTED_RUNTIME_METHODS=wasmMemory
    -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=2GB -sINITIAL_MEMORY=16MB -sSTACK_SIZE=256KB
    -sFILESYSTEM=0 -sDYNAMIC_EXECUTION=0 -sMALLOC=emmalloc)
  if(SEDD_THREADS)
    # Threads are started before the engine asks for them: a pool that has to be awaited would stall.
    target_link_options(${name} PRIVATE -sPTHREAD_POOL_SIZE=Module.threads-1
                        -sPTHREAD_POOL_SIZE_STRICT=2 -Wno-pthreads-mem-growth)
  endif()
endfunction()

sedd_wasm_module(${SEDD_MODULE} "${CMAKE_SOURCE_DIR}/wasm/exports.txt")

set(golden_exports "${CMAKE_BINARY_DIR}/golden-exports.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS wasm/exports.txt wasm/golden.txt)
file(READ wasm/exports.txt exports)
file(READ wasm/golden.txt more)
file(CONFIGURE OUTPUT "${golden_exports}" CONTENT "${exports}${more}" @ONLY)
sedd_wasm_module(${SEDD_MODULE}-golden "${golden_exports}" wasm/golden.c wasm/kernels.c)
target_link_libraries(${SEDD_MODULE}-golden PRIVATE sedd_golden)
set_target_properties(${SEDD_MODULE}-golden PROPERTIES EXCLUDE_FROM_ALL ON)
add_custom_target(golden DEPENDS ${SEDD_MODULE}-golden)
