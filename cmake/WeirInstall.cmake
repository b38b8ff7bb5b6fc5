# libweir: one library made of the parts' objects; the command; headers; CMake package and
# pkg-config file. The parts themselves are not installed.
include(CMakePackageConfigHelpers)

# What the parts link from outside, by linker name: the same words serve the exported
# target and the pkg-config file.
set(weir_foreign_libs z zstd lmdb zmq pcre2-8 pthread m ${CMAKE_DL_LIBS})

add_library(weir
  $<TARGET_OBJECTS:weir_runtime> $<TARGET_OBJECTS:weir_patterns>
  $<TARGET_OBJECTS:weir_dsl> $<TARGET_OBJECTS:weir_actors>)
add_library(weir::weir ALIAS weir)
target_link_libraries(weir PRIVATE ${weir_foreign_libs} $<BUILD_INTERFACE:weir_flags>)
target_include_directories(weir PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/actors/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Before 1.0 a minor release may break the ABI, so both numbers are in the name.
set_target_properties(weir PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# What a plugin uses: the header, and no library.
add_library(weir_plugin INTERFACE)
add_library(weir::plugin ALIAS weir_plugin)
set_target_properties(weir_plugin PROPERTIES EXPORT_NAME plugin)
target_include_directories(weir_plugin INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_options(weir_plugin INTERFACE -Wl,-z,defs)

set(weir_cmakedir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
install(TARGETS weir weir_plugin EXPORT weir-targets)
install(EXPORT weir-targets NAMESPACE weir:: DESTINATION ${weir_cmakedir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/weir
  ${PROJECT_SOURCE_DIR}/actors/include/weir
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
  FILES_MATCHING PATTERN "*.1")
install(FILES ${PROJECT_SOURCE_DIR}/packaging/systemd/weir-node@.service
  DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/tools/completions/weir.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME weir)
install(FILES ${PROJECT_SOURCE_DIR}/tools/completions/_weir
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${PROJECT_SOURCE_DIR}/tools/completions/weir.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weir-config.cmake.in
  ${PROJECT_BINARY_DIR}/weir-config.cmake INSTALL_DESTINATION ${weir_cmakedir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weir-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weir-config.cmake
  ${PROJECT_BINARY_DIR}/weir-config-version.cmake DESTINATION ${weir_cmakedir})

list(TRANSFORM weir_foreign_libs PREPEND -l OUTPUT_VARIABLE weir_private_libs)
list(JOIN weir_private_libs " " weir_private_libs)
# The file says where it is by where it lies, so that a prefix can be moved.
file(RELATIVE_PATH weir_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/weir.pc.in ${PROJECT_BINARY_DIR}/weir.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
