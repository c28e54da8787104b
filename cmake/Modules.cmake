# mnsdb_library(NAME DIR folder LINK libs...)  static library of every .c below DIR except main.c
# mnsdb_program(NAME DIR folder LINK libs...)  program of DIR/main.c
# A folder without sources makes no target; links to absent targets are left out.

# Puts into `out` those of the libraries in ARGN that exist: a name with "mnsdb_" is a target or nothing.
function(mnsdb_present out)
    set(present "")
    foreach(lib IN LISTS ARGN)
        if(TARGET ${lib} OR NOT lib MATCHES "^mnsdb_")
            list(APPEND present ${lib})
        endif()
    endforeach()
    set(${out} "${present}" PARENT_SCOPE)
endfunction()

function(mnsdb_library name)
    cmake_parse_arguments(ARG "" "DIR" "LINK" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${ARG_DIR}/*.c")
    list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/${ARG_DIR}/main.c")
    if(NOT sources)
        message(STATUS "${name}: no sources in ${ARG_DIR}/ yet")
        return()
    endif()
    mnsdb_present(libs ${ARG_LINK})
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE mnsdb_flags PUBLIC ${libs})
    target_compile_definitions(${name} PRIVATE MNSDB_VERSION="${PROJECT_VERSION}")
endfunction()

function(mnsdb_program name)
    cmake_parse_arguments(ARG "" "DIR" "LINK" ${ARGN})
    set(main "${PROJECT_SOURCE_DIR}/${ARG_DIR}/main.c")
    # A glob rather than EXISTS: the build system then notices when the file appears.
    file(GLOB found CONFIGURE_DEPENDS "${main}")
    if(NOT found)
        message(STATUS "${name}: no ${ARG_DIR}/main.c yet")
        return()
    endif()
    mnsdb_present(libs ${ARG_LINK})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE mnsdb_flags ${libs})
    target_compile_definitions(${name} PRIVATE MNSDB_VERSION="${PROJECT_VERSION}")
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
endfunction()
