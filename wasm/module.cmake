# One wasm module: sedd-simd or sedd-relaxed, with -threads where SEDD_THREADS is on.
set(SEDD_MODULE "sedd-simd")
if(SEDD_RELAXED)
  set(SEDD_MODULE "sedd-relaxed")
endif()
if(SEDD_THREADS)
  string(APPEND SEDD_MODULE "-threads")
endif()

add_executable(${SEDD_MODULE} wasm/exports.c)
set_target_properties(${SEDD_MODULE} PROPERTIES SUFFIX ".mjs"
  LINK_DEPENDS "${CMAKE_SOURCE_DIR}/wasm/exports.txt")
target_compile_options(${SEDD_MODULE} PRIVATE -Os -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(${SEDD_MODULE} PRIVATE sedd_core)
target_link_options(${SEDD_MODULE} PRIVATE
  -O2 --no-entry
  -sMODULARIZE -sEXPORT_ES6 -sENVIRONMENT=web,worker,node
  -sEXPORTED_FUNCTIONS=@${CMAKE_SOURCE_DIR}/wasm/exports.txt
  -sEXPORTED_RUNTIME_METHODS=wasmMemory
  -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=2GB -sINITIAL_MEMORY=16MB -sSTACK_SIZE=256KB
  -sFILESYSTEM=0 -sDYNAMIC_EXECUTION=0 -sMALLOC=emmalloc)
if(SEDD_THREADS)
  # Threads are started before the engine asks for them: a pool that has to be awaited would stall.
  target_link_options(${SEDD_MODULE} PRIVATE -sPTHREAD_POOL_SIZE=Module.threads-1
                      -sPTHREAD_POOL_SIZE_STRICT=2 -Wno-pthreads-mem-growth)
endif()
