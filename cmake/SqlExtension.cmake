# mnsdb.so: the tables of sql/ as a loadable extension of SQLite. The sources are compiled a second
# time, to reach SQLite through the functions it hands out instead of linking the library.
#
# An extension with a sanitizer in it cannot be loaded by a shell without, so those builds have none.

if(MNSDB_SANITIZE OR MNSDB_COVERAGE)
    return()
endif()

file(GLOB sql_extension_sources CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/sql/shape/*.c" "${PROJECT_SOURCE_DIR}/sql/tables/*.c"
     "${PROJECT_SOURCE_DIR}/sql/extension/*.c")
add_library(mnsdb_sql_extension MODULE ${sql_extension_sources})
target_compile_definitions(mnsdb_sql_extension PRIVATE MNSDB_SQL_EXTENSION=1)
target_link_libraries(mnsdb_sql_extension PRIVATE
    mnsdb_flags mnsdb_query_lib mnsdb_cli mnsdb_engine Threads::Threads m)

# `.load mnsdb` looks for mnsdb.so. Nothing but its entry point is seen by the process that loads it.
set(sql_extension_map "${PROJECT_BINARY_DIR}/mnsdb-sql-extension.map")
file(CONFIGURE OUTPUT "${sql_extension_map}"
     CONTENT "{\n    global:\n        sqlite3_mnsdb_init;\n    local:\n        *;\n};\n")
set_target_properties(mnsdb_sql_extension PROPERTIES
    PREFIX ""
    OUTPUT_NAME mnsdb
    SUFFIX ".so"
    LINK_DEPENDS "${sql_extension_map}")
target_link_options(mnsdb_sql_extension PRIVATE "LINKER:--version-script=${sql_extension_map}"
                                                LINKER:--no-undefined)
install(TARGETS mnsdb_sql_extension
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT programs)
