# The engine as a library for others: which headers are public, and the shared library.
#
# Public headers are engine/engine.h and every project header it includes, directly or not. The
# shared library exports exactly the functions those headers declare; everything else is local.

set(MNSDB_ENGINE_HEADERS "")
set_target_properties(mnsdb_engine PROPERTIES OUTPUT_NAME mnsdb-engine)

# Collects `header` (a path from the root) and what it includes into `out`.
function(mnsdb_header_closure header out)
    set(todo "${header}")
    set(done "")
    while(todo)
        list(POP_FRONT todo next)
        if(next IN_LIST done OR NOT EXISTS "${PROJECT_SOURCE_DIR}/${next}")
            continue()
        endif()
        list(APPEND done "${next}")
        set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND
                     PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${next}")
        file(STRINGS "${PROJECT_SOURCE_DIR}/${next}" lines REGEX "^#include \"")
        foreach(line IN LISTS lines)
            string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
            list(APPEND todo "${included}")
        endforeach()
    endwhile()
    set(${out} "${done}" PARENT_SCOPE)
endfunction()

file(GLOB engine_header CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/engine/engine.h")
if(NOT engine_header)
    message(STATUS "mnsdb_engine: no engine/engine.h, so no shared library")
    return()
endif()
mnsdb_header_closure(engine/engine.h MNSDB_ENGINE_HEADERS)

if(MNSDB_SANITIZE OR MNSDB_FUZZ OR MNSDB_COVERAGE)
    return()
endif()

# Words before a parenthesis in the public headers: a superset of the functions, which is enough,
# as a name that the library does not define exports nothing.
set(exports "")
foreach(header IN LISTS MNSDB_ENGINE_HEADERS)
    file(READ "${PROJECT_SOURCE_DIR}/${header}" text)
    string(REGEX MATCHALL "[a-z][a-z0-9]*_[a-z0-9_]+\\(" calls "${text}")
    foreach(call IN LISTS calls)
        string(REPLACE "(" "" name "${call}")
        list(APPEND exports "${name}")
    endforeach()
endforeach()
list(REMOVE_DUPLICATES exports)
list(SORT exports)
list(JOIN exports ";\n        " export_lines)
set(export_map "${PROJECT_BINARY_DIR}/mnsdb-engine.map")
file(CONFIGURE OUTPUT "${export_map}"
     CONTENT "{\n    global:\n        ${export_lines};\n    local:\n        *;\n};\n")

add_library(mnsdb_engine_shared SHARED $<TARGET_OBJECTS:mnsdb_engine>)
target_link_libraries(mnsdb_engine_shared PRIVATE
    mnsdb_flags ${engine_links})
set_target_properties(mnsdb_engine_shared PROPERTIES
    OUTPUT_NAME mnsdb-engine
    LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS "${export_map}")
target_link_options(mnsdb_engine_shared PRIVATE "LINKER:--version-script=${export_map}"
                                                LINKER:--no-undefined)
