# mnsdb_library(NAME DIR folder LINK libs...)  static library of every .c below DIR except main.c
# mnsdb_program(NAME DIR folder LINK libs...)  program of DIR/main.c
# A folder without sources makes a library that only hands on its LINK, and no program.

function(mnsdb_library name)
    cmake_parse_arguments(ARG "" "DIR" "LINK" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${ARG_DIR}/*.c")
    list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/${ARG_DIR}/main.c")
    if(NOT sources)
        message(STATUS "${name}: no sources in ${ARG_DIR}/")
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${ARG_LINK})
        return()
    endif()
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE mnsdb_flags PUBLIC ${ARG_LINK})
    target_compile_definitions(${name} PRIVATE MNSDB_VERSION="${PROJECT_VERSION}")
endfunction()

function(mnsdb_program name)
    cmake_parse_arguments(ARG "" "DIR" "LINK" ${ARGN})
    # A glob rather than EXISTS: the build system then notices when the file appears.
    file(GLOB main CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${ARG_DIR}/main.c")
    if(NOT main)
        message(STATUS "${name}: no ${ARG_DIR}/main.c")
        return()
    endif()
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE mnsdb_flags ${ARG_LINK})
    target_compile_definitions(${name} PRIVATE MNSDB_VERSION="${PROJECT_VERSION}")
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
endfunction()
