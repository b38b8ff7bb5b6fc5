function(weir_unit_test name)
  cmake_parse_arguments(T "" "" "LIBS;SOURCES" ${ARGN})
  if(NOT T_SOURCES)
    set(T_SOURCES ${name}.c)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_link_libraries(${name} PRIVATE weir_flags cmocka::cmocka ${T_LIBS})
  add_test(NAME unit.${name} COMMAND ${name})
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()

# Without libFuzzer the same file still builds and replays its corpus under ctest.
function(weir_fuzz_target name)
  cmake_parse_arguments(T "" "" "LIBS" ${ARGN})
  add_executable(${name} ${name}.c
    $<$<NOT:$<BOOL:${WEIR_FUZZ}>>:${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c>)
  target_link_libraries(${name} PRIVATE weir_flags ${T_LIBS})
  if(WEIR_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  endif()
  file(GLOB corpus CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}/*)
  add_test(NAME fuzz.${name} COMMAND ${name} ${corpus})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

# weir_script_test(NAME LABELS label COMMAND ...): exit code 77 means skipped, and its last
# line says why.
function(weir_script_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "LABELS;COMMAND;ENVIRONMENT" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${T_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${T_TIMEOUT}
    LABELS "${T_LABELS}" ENVIRONMENT "${T_ENVIRONMENT}")
endfunction()
