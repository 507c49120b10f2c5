# One interface target carries the warnings that both compilers must pass.
add_library(testudo_warnings INTERFACE)
target_compile_options(testudo_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# Off in the release preset: a user's newer compiler may warn of more, and g++ 12 warns of its own library at -O3 (PR 105651).
option(TESTUDO_WARNINGS_ARE_ERRORS "Warnings end the build" ON)
if(TESTUDO_WARNINGS_ARE_ERRORS)
  target_compile_options(testudo_warnings INTERFACE -Werror)
else()
  target_compile_options(testudo_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endif()

find_program(TESTUDO_CCACHE ccache)
if(TESTUDO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${TESTUDO_CCACHE})
  # Without the sloppiness, ccache leaves alone whatever uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${TESTUDO_CCACHE})
endif()

# clang would refuse a precompiled header that ccache brings, for the times of the headers in it.
add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")

set(TESTUDO_UNOPTIMISED "")
if(TESTUDO_SANITIZE)
  add_compile_options(-fsanitize=${TESTUDO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TESTUDO_SANITIZE})
  # Optimising what the sanitizers add takes longer than all else; only the layers, which the tests drive hard, are worth it.
  set(TESTUDO_UNOPTIMISED -O0)
endif()
# Programs that no test runs, since the tests have those of TESTUDO_TEST_BIN, are compiled for what the compiler says.
set(TESTUDO_PROGRAM_OPTIONS ${TESTUDO_UNOPTIMISED})
if(TESTUDO_SANITIZE AND TESTUDO_TEST_BIN AND NOT TESTUDO_TEST_BIN STREQUAL "${CMAKE_BINARY_DIR}/bin")
  list(APPEND TESTUDO_PROGRAM_OPTIONS -fno-sanitize=all)
endif()
if(TESTUDO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
