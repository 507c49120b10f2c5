# One interface target carries the warnings that both compilers must pass.
add_library(testudo_warnings INTERFACE)
target_compile_options(testudo_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

find_program(TESTUDO_CCACHE ccache)
if(TESTUDO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${TESTUDO_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TESTUDO_CCACHE})
endif()

if(TESTUDO_SANITIZE)
  add_compile_options(-fsanitize=${TESTUDO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TESTUDO_SANITIZE})
endif()
if(TESTUDO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
